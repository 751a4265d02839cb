"""What the API answers: the store's records in the words of the page. Times are ISO 8601, offsets Unicode code points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sayso.records import Comment, Kind, Prompt, Reach, Refinement, Role, Severity, Source, Status, reach_of
from sayso.store.answering import Rating, SignoffDecision
from sayso.store.details import Detail, Resolution, Signoff
from sayso.store.people import Reviewer, ReviewerRole
from sayso.store.queue import MyState, QueueItem
from sayso.web import rendering, security
from sayso.web.guard import Asker


@dataclass(frozen=True, kw_only=True, slots=True)
class Me:
    """Who asks, and what their page sends along with every change."""

    id: str
    name: str
    role: ReviewerRole
    language: str | None
    csrf: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of the queue."""

    id: str
    prompt: str
    head: str
    """The first characters of the response."""
    version: str
    family: str | None
    comments: int
    """Open ones."""
    reviewers: int
    """Who said something of it."""
    my_state: MyState


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanView:
    """A stretch of a response: offsets in its text as stored, and the words."""

    start: int
    end: int
    quote: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentView:
    """A comment."""

    id: str
    response_id: str | None
    """None: a standing comment."""
    text: str
    kind: Kind
    severity: Severity | None
    reach: Reach
    scope_text: str
    spans: list[SpanView]
    status: Status
    author: str
    mine: bool
    created: str
    supersedes: list[str]
    source: Source


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnView:
    """One turn of the conversation, and its Markdown as safe HTML."""

    role: Role
    content: str
    html: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptView:
    """What the model was asked."""

    messages: list[TurnView]


@dataclass(frozen=True, kw_only=True, slots=True)
class SignoffView:
    """What a person decided on a refinement."""

    name: str
    decision: SignoffDecision
    mine: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RefinementView:
    """A better response."""

    id: str
    text: str
    addresses: list[str]
    refiner: str
    source: Source
    signoffs: list[SignoffView]


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictView:
    """A person's verdict on a response."""

    name: str
    verdict: Rating
    mine: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SiblingView:
    """Another response to the same prompt; `text` are its first characters."""

    id: str
    version: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolutionView:
    """What a lead decided where people differed."""

    by: str
    verdict: Rating
    reason: str
    created: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DetailView:
    """One response, and everything about it, as its reader sees it."""

    id: str
    version: str
    family: str | None
    text: str
    """As it is stored; spans count in it."""
    html: str
    """Its Markdown, safe to show."""
    prompt: PromptView
    comments: list[CommentView]
    refinements: list[RefinementView]
    draft: dict[str, Any] | None
    verdicts: list[VerdictView]
    verdict: Rating | None
    """The reader's own."""
    state: MyState
    siblings: list[SiblingView]
    resolution: ResolutionView | None
    others_hidden: bool
    """Others' comments and verdicts are kept back until the reader, who was asked for a view of their own, is through."""


def me(person: Reviewer, token: str) -> Me:
    """Return who asks."""
    return Me(id=person.id, name=person.name, role=person.role, language=person.language, csrf=security.csrf(token))


def line(item: QueueItem) -> Line:
    """Return a line of the queue."""
    return Line(
        id=item.response_id, prompt=item.prompt_text, head=item.text, version=item.version, family=item.family,
        comments=item.n_comments, reviewers=item.n_reviewers, my_state=item.my_state,
    )  # fmt: skip


def prompt(asked: Prompt) -> PromptView:
    """Return a prompt with its turns drawn."""
    return PromptView(
        messages=[
            TurnView(role=turn.role, content=turn.content, html=rendering.html(turn.content)) for turn in asked.messages
        ]
    )


def comment(found: Comment, asker: Asker) -> CommentView:
    """Return a comment as its reader sees it."""
    return CommentView(
        id=found.id, response_id=found.response.id if found.response else None, text=found.text, kind=found.kind,
        severity=found.severity, reach=reach_of(found), scope_text=found.scope_text,
        spans=[SpanView(start=span.start, end=span.end, quote=span.quote) for span in found.spans], status=found.status,
        author=found.author, mine=found.author == asker.reviewer.name, created=found.created,
        supersedes=list(found.supersedes), source=found.source,
    )  # fmt: skip


def comments(found: Iterable[Comment], asker: Asker) -> list[CommentView]:
    """Return comments as their reader sees them."""
    return [comment(item, asker) for item in found]


def detail(found: Detail, asker: Asker) -> DetailView:
    """Return a response with everything about it."""
    hidden = is_blind(found, asker)
    response = found.response
    return DetailView(
        id=response.id, version=response.version, family=response.prompt.family, text=response.text,
        html=rendering.html(response.text), prompt=prompt(response.prompt),
        comments=[comment(item.comment, asker) for item in found.comments if item.mine or not hidden],
        refinements=[refinement(item.refinement, item.signoffs) for item in found.refinements],
        draft=None if found.draft is None else dict(found.draft),
        verdicts=[
            VerdictView(name=item.reviewer, verdict=item.verdict, mine=item.mine)
            for item in found.verdicts if item.mine or not hidden
        ],
        verdict=next((item.verdict for item in found.verdicts if item.mine), None), state=found.my_state,
        siblings=[SiblingView(id=item.response_id, version=item.version, text=item.text) for item in found.neighbours],
        resolution=None if found.resolution is None or hidden else _resolution(found.resolution), others_hidden=hidden,
    )  # fmt: skip


def is_blind(found: Detail, asker: Asker) -> bool:
    """Say whether a reader must not see yet what others said: they share an assignment, and have not done their part."""
    if asker.reviewer.role == "lead":
        return False
    return any(item.mine and item.assigned and item.state == "todo" for item in found.assignments) and any(
        item.assigned and not item.mine for item in found.assignments
    )


def refinement(found: Refinement, signoffs: Iterable[Signoff]) -> RefinementView:
    """Return a better response, and who signed it off."""
    return RefinementView(
        id=found.id, text=found.text, addresses=list(found.addresses), refiner=found.refiner, source=found.source,
        signoffs=[SignoffView(name=item.reviewer, decision=item.decision, mine=item.mine) for item in signoffs],
    )  # fmt: skip


def _resolution(found: Resolution) -> ResolutionView:
    return ResolutionView(by=found.by, verdict=found.verdict, reason=found.reason, created=found.created)
