"""Who judged which response, and what of it they said: what agreement between people is counted on.

A reviewer has judged a response who gave it a verdict, marked it as done, or has an open comment on it. Who judged it
and made no comment said that nothing there needs words, and counts with no kind and no span.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from sayso.store import tables


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What one reviewer said of one response."""

    verdict: str | None = None
    kinds: set[str] = field(default_factory=set, hash=False)
    """Of their open comments."""
    spans: set[tuple[int, int]] = field(default_factory=set, hash=False)
    """What these point at, in characters."""


def judged(db: Connection) -> dict[str, dict[str, Judgement]]:
    """Return the judgements of every response that two reviewers or more have judged, by the reviewers' names."""
    names = {row.id: row.name for row in db.execute(select(tables.reviewers.c.id, tables.reviewers.c.name))}
    found: dict[str, dict[str, Judgement]] = defaultdict(dict)
    _verdicts(db, names, found)
    _done(db, names, found)
    _comments(db, frozenset(names.values()), found)
    return {response: people for response, people in sorted(found.items()) if len(people) > 1}


def _verdicts(db: Connection, names: Mapping[str, str], found: dict[str, dict[str, Judgement]]) -> None:
    table = tables.verdicts
    for row in db.execute(select(table.c.response_id, table.c.reviewer_id, table.c.verdict)):
        found[row.response_id][names[row.reviewer_id]] = Judgement(verdict=row.verdict)


def _done(db: Connection, names: Mapping[str, str], found: dict[str, dict[str, Judgement]]) -> None:
    table = tables.assignments
    question = select(table.c.response_id, table.c.reviewer_id).where(table.c.state == "done")
    for row in db.execute(question):
        found[row.response_id].setdefault(names[row.reviewer_id], Judgement())


def _comments(db: Connection, names: frozenset[str], found: dict[str, dict[str, Judgement]]) -> None:
    table = tables.comments
    question = select(table.c.response_id, table.c.author, table.c.kind, table.c.places)
    question = question.where(table.c.status == "open", table.c.response_id.is_not(None))
    for row in db.execute(question):
        if row.author in names:
            judgement = found[row.response_id].setdefault(row.author, Judgement())
            judgement.kinds.add(row.kind)
            if row.places:
                judgement.spans.update((start, end) for start, end in json.loads(row.places))
