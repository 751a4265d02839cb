"""Everything there is about one response, and comments page by page."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from sayso.errors import RecordError
from sayso.records import Comment, Refinement, Response, Status
from sayso.store import questions, search, tables
from sayso.store.answering import Rating, SignoffDecision
from sayso.store.bodies import decode
from sayso.store.database import Store
from sayso.store.people import reviewer_by_id
from sayso.store.queue import MAX_LIMIT, MyState

_NEIGHBOURS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentView:
    """A comment, and whether the person who asks wrote it."""

    comment: Comment
    mine: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Signoff:
    """What a person decided on a refinement."""

    reviewer: str
    """Their name."""
    decision: SignoffDecision
    mine: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RefinementView:
    """A better answer, and who signed it off."""

    refinement: Refinement
    signoffs: tuple[Signoff, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictView:
    """A person's verdict on a response."""

    reviewer: str
    """Their name."""
    verdict: Rating
    mine: bool
    updated: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """Where a person stands with a response."""

    reviewer: str
    """Their name."""
    state: MyState
    mine: bool
    assigned: bool
    """Whether a lead asked for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """Another response to the same prompt."""

    response_id: str
    version: str
    text: str
    """Its first characters."""
    n_comments: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """What a lead decided where people differed."""

    by: str
    """The lead's name."""
    verdict: Rating
    reason: str
    created: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Detail:
    """One response, and everything about it."""

    response: Response
    comments: tuple[CommentView, ...]
    """All of them, superseded and withdrawn ones too, in order of arrival."""
    refinements: tuple[RefinementView, ...]
    draft: Mapping[str, Any] | None
    """The asking person's own."""
    verdicts: tuple[VerdictView, ...]
    my_state: MyState
    assignments: tuple[Assignment, ...]
    neighbours: tuple[Neighbour, ...]
    resolution: Resolution | None
    spread: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentPage:
    """A page of comments, newest first; `next` is the `after` of the page that follows."""

    comments: tuple[Comment, ...]
    next: str | None


def detail(store: Store, response_id: str, reviewer_id: str) -> Detail:
    """Return everything about a response, as one person sees it; NotFoundError names near ids."""
    with store.reading() as db:
        me = reviewer_by_id(db, reviewer_id)
        response = questions.one(db, tables.responses, Response, response_id)
        standing = _assignments(db, response_id, reviewer_id)
        return Detail(
            response=response,
            comments=tuple(CommentView(comment=item, mine=item.author == me.name) for item in _comments(db, response_id)),
            refinements=_refinements(db, response_id, reviewer_id),
            draft=_draft(db, response_id, reviewer_id),
            verdicts=_verdicts(db, response_id, reviewer_id),
            my_state=next((item.state for item in standing if item.mine), "todo"),
            assignments=standing,
            neighbours=_neighbours(db, response),
            resolution=_resolution(db, response_id),
            spread=db.scalar(select(tables.responses.c.spread).where(tables.responses.c.id == response_id)) or 0.0,
        )


def comment_page(
    store: Store,
    *,
    search: str | None = None,
    author: str | None = None,
    status: Status | None = None,
    after: str | None = None,
    limit: int = 50,
) -> CommentPage:
    """Return comments that hold words, by an author, of a status, newest first; RecordError where no page gave `after`."""
    table = tables.comments
    limit = max(1, min(limit, MAX_LIMIT))
    question = select(table.c.seq, table.c.body, table.c.status).order_by(table.c.seq.desc()).limit(limit + 1)
    for column, value in ((table.c.author, author), (table.c.status, status)):
        question = question if value is None else question.where(column == value)
    if after is not None:
        if not after.isdecimal():
            raise RecordError("{field}: found {found!r}, which no page of this order gave", field="after", found=after)
        question = question.where(table.c.seq < int(after))
    with store.reading() as db:
        rows = db.execute(_holding(db, question, search)).all()
    comments = tuple(replace(decode(Comment, row.body), status=row.status) for row in rows[:limit])
    return CommentPage(comments=comments, next=str(rows[limit - 1].seq) if len(rows) > limit else None)


def _holding(db: Connection, question: Any, wanted: str | None) -> Any:
    table, words = tables.comments, tables.comment_words
    folded = search.fold(wanted or "")
    if not folded:
        return question
    found = search.find(db, table, folded)
    if found.seqs is not None:
        return question.where(table.c.seq.in_(found.seqs))
    return question.join(words, words.c.seq == table.c.seq).where(search.holds(db, words, folded))


def _comments(db: Connection, response_id: str) -> list[Comment]:
    table = tables.comments
    question = select(table.c.body, table.c.status).where(table.c.response_id == response_id).order_by(table.c.seq)
    return [replace(decode(Comment, row.body), status=row.status) for row in db.execute(question)]


def _refinements(db: Connection, response_id: str, reviewer_id: str) -> tuple[RefinementView, ...]:
    made, signed, who = tables.refinements, tables.signoffs, tables.reviewers
    question = select(made.c.id, made.c.body).where(made.c.response_id == response_id).order_by(made.c.seq)
    rows = db.execute(question).all()
    decided = select(signed, who.c.name).join(who, who.c.id == signed.c.reviewer_id).order_by(signed.c.created, who.c.name)
    signoffs: dict[str, list[Signoff]] = defaultdict(list)
    for row in db.execute(decided.where(signed.c.refinement_id.in_([row.id for row in rows]))):
        mine = row.reviewer_id == reviewer_id
        signoffs[row.refinement_id].append(Signoff(reviewer=row.name, decision=row.decision, mine=mine))
    return tuple(RefinementView(refinement=decode(Refinement, row.body), signoffs=tuple(signoffs[row.id])) for row in rows)


def _draft(db: Connection, response_id: str, reviewer_id: str) -> Mapping[str, Any] | None:
    table = tables.drafts
    body = db.scalar(select(table.c.body).where(table.c.response_id == response_id, table.c.reviewer_id == reviewer_id))
    return None if body is None else dict(json.loads(body))


def _verdicts(db: Connection, response_id: str, reviewer_id: str) -> tuple[VerdictView, ...]:
    table, who = tables.verdicts, tables.reviewers
    question = select(table, who.c.name).join(who, who.c.id == table.c.reviewer_id).where(table.c.response_id == response_id)
    return tuple(
        VerdictView(reviewer=row.name, verdict=row.verdict, mine=row.reviewer_id == reviewer_id, updated=row.updated)
        for row in db.execute(question.order_by(who.c.name))
    )


def _assignments(db: Connection, response_id: str, reviewer_id: str) -> tuple[Assignment, ...]:
    table, who = tables.assignments, tables.reviewers
    question = select(table, who.c.name).join(who, who.c.id == table.c.reviewer_id).where(table.c.response_id == response_id)
    return tuple(
        Assignment(
            reviewer=row.name, state=row.state, mine=row.reviewer_id == reviewer_id, assigned=row.assigned_by is not None
        )
        for row in db.execute(question.order_by(who.c.name))
    )


def _neighbours(db: Connection, response: Response) -> tuple[Neighbour, ...]:
    table = tables.responses
    question = select(table.c.id, table.c.version, table.c.head, table.c.n_comments)
    question = question.where(table.c.prompt_id == response.prompt.id, table.c.id != response.id).order_by(
        table.c.seq.desc()
    )
    return tuple(
        Neighbour(response_id=row.id, version=row.version, text=row.head, n_comments=row.n_comments)
        for row in db.execute(question.limit(_NEIGHBOURS))
    )


def _resolution(db: Connection, response_id: str) -> Resolution | None:
    table, who = tables.adjudications, tables.reviewers
    question = select(table, who.c.name).join(who, who.c.id == table.c.reviewer_id).where(table.c.response_id == response_id)
    row = db.execute(question).one_or_none()
    if row is None:
        return None
    return Resolution(by=row.name, verdict=row.verdict, reason=row.reason, created=row.created)
