"""The team: who is in it and how far they are, invitations, who reads what, where people differ, the guideline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from sayso.errors import ConflictError
from sayso.i18n import say
from sayso.records import Kind, plain
from sayso.store import people, teamwork
from sayso.store.answering import Rating
from sayso.store.database import Store
from sayso.web import forms, rendering
from sayso.web.asking import Asks, Kept, Leads, Of


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One person, and how far they are."""

    id: str
    name: str
    role: people.ReviewerRole
    active: bool
    assigned: int
    done: int
    skipped: int
    verdicts: int
    comments_today: int
    comments: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Team:
    """Everybody, how far they agree, and who is still to come (told to leads)."""

    reviewers: list[Member]
    invitations: list[InvitationView]
    agreement: dict[str, Any]
    """On verdicts, kinds and spans, overall and by pair, with intervals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationView:
    """An invitation that nobody has taken up yet."""

    name: str
    role: people.ReviewerRole
    expires: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link that lets one person in, once."""

    link: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Assigned:
    """How many responses each person got, by id, and how many responses were shared out."""

    assigned: dict[str, int]
    responses: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedVerdict:
    """A person's verdict."""

    name: str
    verdict: Rating


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedKinds:
    """The kinds of a person's open comments."""

    name: str
    kinds: list[Kind]


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeView:
    """A response on which people differ."""

    response_id: str
    prompt: str
    head: str
    version: str
    verdicts: list[NamedVerdict]
    kinds: list[NamedKinds]


@dataclass(frozen=True, kw_only=True, slots=True)
class Disputes:
    """Responses on which people differ, the furthest apart first."""

    items: list[DisputeView]
    next: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class GuidelineView:
    """What reviewers go by; `seq` counts its versions."""

    text: str
    html: str
    seq: int
    author: str
    created: str


routes = APIRouter(prefix="/api", tags=["team"])


def agreement(store: Store) -> dict[str, Any]:
    """Gather how far people agree."""
    from sayso.web import agreeing  # numpy, which the first page does not wait for

    return agreeing.gather(store)


@routes.get("/team")
def team(asker: Asks, served: Of) -> Team:
    """Return everybody, how far they are, and how far they agree."""
    from sayso.web import agreeing

    waiting = people.open_invitations(served.store) if asker.reviewer.role == "lead" else []
    return Team(
        reviewers=[_member(item) for item in teamwork.progress(served.store)],
        agreement=agreeing.shown(served.agreement.get()),
        invitations=[InvitationView(name=item.name, role=item.role, expires=item.expires) for item in waiting],
    )


@routes.post("/invitations", status_code=201)
def invite(_lead: Leads, store: Kept, request: Request, form: forms.InvitationForm) -> Link:
    """Make a link that lets one person in; it is told once, and holds for a week."""
    token = people.issue_token(store, "invitation", role=form.role, name=form.name)
    return Link(link=f"{request.url.scheme}://{request.headers['host']}/join?{urlencode({'invitation': token})}")


@routes.post("/reviewers/{reviewer_id:path}/deactivate", status_code=204)
def deactivate(_lead: Leads, store: Kept, reviewer_id: forms.Id) -> Response:
    """Let a person in no more; what they said stays."""
    people.deactivate(store, reviewer_id)
    return Response(status_code=204)


@routes.post("/reviewers/{reviewer_id:path}/invitations", status_code=201)
def invite_again(_lead: Leads, store: Kept, request: Request, reviewer_id: forms.Id) -> Link:
    """Make a link that lets a person in again who has lost their session."""
    token = people.issue_token(store, "invitation", reviewer_id=reviewer_id)
    return Link(link=f"{request.url.scheme}://{request.headers['host']}/join?{urlencode({'invitation': token})}")


@routes.post("/assignments")
def assign(lead: Leads, store: Kept, form: forms.AssignmentForm) -> Assigned:
    """Share out responses that nobody was asked for yet, each to as many people as `overlap` says."""
    before = _assigned(store)
    ids = teamwork.unassigned(store, version=form.version, limit=form.count)
    teamwork.assign(store, ids, form.reviewer_ids, form.overlap, by=lead.reviewer)
    after = _assigned(store)
    new = {person: after[person] - before.get(person, 0) for person in form.reviewer_ids}
    return Assigned(assigned=new, responses=len(ids))


@routes.get("/adjudication")
def disputes(_lead: Leads, store: Kept, asked: Annotated[forms.PlaceQuery, Query()]) -> Disputes:
    """Return responses on which people differ and nobody has decided yet."""
    found = teamwork.adjudication(store, limit=asked.limit + 1, after=asked.after)
    place = str(asked.after + asked.limit) if len(found) > asked.limit else None
    return Disputes(items=[_dispute(item) for item in found[: asked.limit]], next=place)


@routes.post("/adjudication/{response_id:path}", status_code=204)
def decide(lead: Leads, store: Kept, response_id: forms.Id, form: forms.AdjudicationForm) -> Response:
    """Decide on a response on which people differ."""
    teamwork.adjudicate(store, lead.reviewer, response_id, form.verdict, form.reason, again=form.again)
    return Response(status_code=204)


@routes.get("/guideline")
def read_guideline(_asker: Asks, store: Kept) -> GuidelineView:
    """Return what reviewers go by."""
    return _guideline(teamwork.guideline(store))


@routes.put(
    "/guideline", response_model=GuidelineView, responses={409: {"description": "There is a newer one, which is told."}}
)
def write_guideline(lead: Leads, store: Kept, form: forms.GuidelineForm) -> GuidelineView | JSONResponse:
    """Write what reviewers go by, in place of the text that was read before."""
    try:
        return _guideline(teamwork.set_guideline(store, lead.reviewer, form.text, form.seq))
    except ConflictError as conflict:
        newer = plain(_guideline(teamwork.guideline(store)))
        return JSONResponse({"error": {"message": say(conflict)}, "guideline": newer}, status_code=409)


def _member(found: teamwork.Progress) -> Member:
    person = found.reviewer
    return Member(
        id=person.id, name=person.name, role=person.role, active=person.active, assigned=found.assigned, done=found.done,
        skipped=found.skipped, verdicts=found.verdicts, comments_today=found.comments_today, comments=found.comments,
    )  # fmt: skip


def _assigned(store: Store) -> dict[str, int]:
    return {item.reviewer.id: item.assigned for item in teamwork.progress(store)}


def _dispute(found: teamwork.Dispute) -> DisputeView:
    return DisputeView(
        response_id=found.response_id, prompt=found.prompt_text, head=found.text, version=found.version,
        verdicts=[NamedVerdict(name=vote.reviewer, verdict=vote.verdict) for vote in found.votes if vote.verdict],
        kinds=[NamedKinds(name=vote.reviewer, kinds=list(vote.kinds)) for vote in found.votes if vote.kinds],  # type: ignore[arg-type]
    )  # fmt: skip


def _guideline(found: teamwork.Guideline) -> GuidelineView:
    return GuidelineView(
        text=found.text, html=rendering.html(found.text), seq=found.seq, author=found.author, created=found.created
    )
