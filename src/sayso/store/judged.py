"""Who judged which response, and what of it they said: what agreement between people is counted on.

A reviewer has judged a response who gave it a verdict, marked it as done, or has an open comment on it. Who judged it
and made no comment said that nothing there needs words, and counts with no kind and no span.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, func, select, union

from sayso.store import tables

MOST = 10_000
"""Of more responses that several have judged, those judged last: how people agree by the guideline that holds now."""
_CHUNK = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What one reviewer said of one response."""

    verdict: str | None = None
    kinds: set[str] = field(default_factory=set, hash=False)
    """Of their open comments."""
    spans: set[tuple[int, int]] = field(default_factory=set, hash=False)
    """What these point at, in characters."""


def judged(db: Connection, *, most: int = MOST) -> dict[str, dict[str, Judgement]]:
    """Return the judgements of the responses that two reviewers or more have judged, by the reviewers' names."""
    ids = _by_several(db, most)
    found: dict[str, dict[str, Judgement]] = {response: {} for response in ids}
    for row in _about(db, ids, _verdicts(tables.verdicts.c.verdict)):
        found[row.response_id][row.who] = Judgement(verdict=row.verdict)
    for row in _about(db, ids, _done()):
        found[row.response_id].setdefault(row.who, Judgement())
    for row in _about(db, ids, _comments(tables.comments.c.kind, tables.comments.c.places)):
        judgement = found[row.response_id].setdefault(row.who, Judgement())
        judgement.kinds.add(row.kind)
        if row.places:
            judgement.spans.update((start, end) for start, end in json.loads(row.places))
    return found


def _by_several(db: Connection, most: int) -> list[str]:
    """Return the ids of the responses that several have judged, in order; of too many those that were judged last."""
    judgements = union(
        _verdicts(tables.verdicts.c.updated.label("at")),
        _done(tables.assignments.c.updated.label("at")),
        _comments(tables.comments.c.created.label("at")),
    ).subquery()
    table = judgements.c
    several = select(table.response_id).group_by(table.response_id).having(func.count(table.who.distinct()) > 1)
    return sorted(db.scalars(several.order_by(func.max(table.at).desc(), table.response_id).limit(most)))


def _about(db: Connection, ids: Sequence[str], question: Select[Any]) -> Iterator[Any]:
    """Narrow a question to some responses."""
    about = question.selected_columns.response_id
    for first in range(0, len(ids), _CHUNK):
        yield from db.execute(question.where(about.in_(ids[first : first + _CHUNK]))).all()


def _verdicts(*more: Any) -> Select[Any]:
    table, people = tables.verdicts, tables.reviewers
    question = select(table.c.response_id, people.c.name.label("who"), *more)
    return question.join(people, people.c.id == table.c.reviewer_id)


def _done(*more: Any) -> Select[Any]:
    table, people = tables.assignments, tables.reviewers
    question = select(table.c.response_id, people.c.name.label("who"), *more)
    return question.join(people, people.c.id == table.c.reviewer_id).where(table.c.state == "done")


def _comments(*more: Any) -> Select[Any]:
    table, people = tables.comments, tables.reviewers
    question = select(table.c.response_id, people.c.name.label("who"), *more).join(people, people.c.name == table.c.author)
    return question.where(table.c.status == "open", table.c.response_id.is_not(None))
