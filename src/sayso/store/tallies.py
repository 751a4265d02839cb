"""Counts and plain rows for those who look from above: live updates, agreement, overview. Only columns are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from sayso.store import tables
from sayso.store.answering import Rating
from sayso.store.database import Store

_CHUNK = 500
_MOST_EVENTS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How much there is."""

    responses: int
    commented: int
    """Responses with open comments."""
    comments: int
    """Open ones."""
    refinements: int
    verdicts: int
    reviewers: int
    """Active ones."""
    contested: int
    """Responses on which people differ, decided or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What changed after an event: up to which one this goes, and which responses were touched."""

    seq: int
    response_ids: tuple[str, ...]
    kinds: tuple[str, ...]
    """The different kinds of the events."""


class RatingRow(NamedTuple):
    """A verdict of a person."""

    response_id: str
    reviewer: str
    verdict: Rating


class CommentRow(NamedTuple):
    """A comment's columns."""

    id: str
    text: str
    kind: str
    severity: str | None
    author: str
    created: str
    status: str
    response_id: str | None
    version: str | None
    family: str | None


class FamilyRow(NamedTuple):
    """How well a family of prompts is covered; None: prompts without a family."""

    family: str | None
    prompts: int
    responses: int
    commented: int
    """Responses with open comments."""
    comments: int
    """Open ones."""


def counts(store: Store) -> Counts:
    """Return how much there is."""
    responses, who = tables.responses, tables.reviewers
    with store.reading() as db:
        return Counts(
            responses=_count(db, select(func.count()).select_from(responses)),
            commented=_count(db, select(func.count()).select_from(responses).where(responses.c.n_comments > 0)),
            comments=_count(db, select(func.count()).select_from(tables.comments).where(tables.comments.c.status == "open")),
            refinements=_count(db, select(func.count()).select_from(tables.refinements)),
            verdicts=_count(db, select(func.count()).select_from(tables.verdicts)),
            reviewers=_count(db, select(func.count()).select_from(who).where(who.c.active == 1)),
            contested=_count(db, select(func.count()).select_from(responses).where(responses.c.contested > 0)),
        )


def open_comments(store: Store) -> int:
    """Return how many comments are open."""
    with store.reading() as db:
        return _count(db, select(func.count()).select_from(tables.comments).where(tables.comments.c.status == "open"))


def done_by(store: Store, reviewer_id: str) -> int:
    """Return how many responses a person is done with."""
    table = tables.assignments
    with store.reading() as db:
        mine = select(func.count()).select_from(table).where(table.c.reviewer_id == reviewer_id, table.c.state == "done")
        return _count(db, mine)


def last_event(store: Store) -> int:
    """Return the number of the last event, 0 before the first."""
    with store.reading() as db:
        return _count(db, select(func.max(tables.events.c.seq)))


def changes_since(store: Store, event_seq: int) -> Changes:
    """Return what changed after an event, at most a thousand events at a time: ask again from the `seq` that comes back."""
    table = tables.events
    question = select(table.c.seq, table.c.kind, table.c.subject).where(table.c.seq > event_seq).order_by(table.c.seq)
    with store.reading() as db:
        rows = db.execute(question.limit(_MOST_EVENTS)).all()
        subjects: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            subjects[row.kind.partition(".")[0]].append(row.subject)
        touched = {*subjects["response"], *subjects["verdict"]}
        touched |= set(_abouts(db, "comments", subjects["comment"])) | set(
            _abouts(db, "refinements", subjects["refinement"])
        )
    seq = rows[-1].seq if rows else event_seq
    return Changes(seq=seq, response_ids=tuple(sorted(touched)), kinds=tuple(sorted({row.kind for row in rows})))


def ratings(store: Store) -> list[RatingRow]:
    """Return every verdict, with the name of who gave it."""
    table, who = tables.verdicts, tables.reviewers
    question = select(table.c.response_id, who.c.name, table.c.verdict).join(who, who.c.id == table.c.reviewer_id)
    with store.reading() as db:
        return [RatingRow(*row) for row in db.execute(question.order_by(table.c.response_id, who.c.name))]


def comment_rows(store: Store, *, status: str | None = "open") -> list[CommentRow]:
    """Return the columns of every comment of a status (None: all), with its response's version and prompt's family."""
    table, about, prompts = tables.comments, tables.responses, tables.prompts
    own = (table.c.id, table.c.text, table.c.kind, table.c.severity, table.c.author, table.c.created, table.c.status)
    question: Select[Any] = select(*own, table.c.response_id, about.c.version, prompts.c.family).order_by(table.c.seq)
    question = question.outerjoin(about, about.c.id == table.c.response_id).outerjoin(
        prompts, prompts.c.id == about.c.prompt_id
    )
    if status is not None:
        question = question.where(table.c.status == status)
    with store.reading() as db:
        return [CommentRow(*row) for row in db.execute(question)]


def coverage(store: Store) -> list[FamilyRow]:
    """Return how well each family of prompts is covered, the largest first."""
    prompts, responses = tables.prompts, tables.responses
    asked = select(prompts.c.family, func.count()).group_by(prompts.c.family)
    commented = func.count(func.nullif(responses.c.n_comments, 0))
    written = select(prompts.c.family, func.count(), commented, func.sum(responses.c.n_comments))
    written = written.join(responses, responses.c.prompt_id == prompts.c.id).group_by(prompts.c.family)
    with store.reading() as db:
        sizes = {row[0]: row[1] for row in db.execute(asked)}
        said = {row[0]: tuple(row[1:]) for row in db.execute(written)}
    rows = [FamilyRow(family, size, *said.get(family, (0, 0, 0))) for family, size in sizes.items()]
    return sorted(rows, key=lambda row: (-row.responses, -row.prompts, row.family or ""))


def _abouts(db: Connection, name: str, ids: Iterable[str]) -> Iterator[str]:
    table, wanted = tables.metadata.tables[name], sorted(set(ids))
    for first in range(0, len(wanted), _CHUNK):
        question = select(table.c.response_id).where(table.c.id.in_(wanted[first : first + _CHUNK]))
        yield from (item for item in db.scalars(question) if item is not None)


def _count(db: Connection, question: Select[Any]) -> int:
    return int(db.scalar(question) or 0)
