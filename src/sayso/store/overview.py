"""What an overview counts beside the tallies, one SQL question a function: what was said when, of what, and what is new.

No question of it reads a body but that of the last evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, case, cast, func, select

from sayso.records import Evaluation, Version
from sayso.store import tables
from sayso.store.bodies import decode

CHUNK = 10_000
"""Rows that are fetched at a time where there may be hundreds of thousands."""
_MIX, _PRIME = 48_271, 2_147_483_647  # Park and Miller's generator, 1988: spreads neighbouring numbers


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What one version wrote, and what people said of it."""

    version: str
    first: str
    """The id of the first response that came in."""
    responses: int
    commented: int
    comments: int
    verdicts: int
    good: int
    """How many of the verdicts are `good`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """Something said of several responses in words that differ in case and punctuation at most."""

    text: str
    n: int
    comment_ids: tuple[str, ...]
    """The first few of them."""


def signed_off(db: Connection) -> int:
    """Count the refinements that somebody accepted."""
    table = tables.signoffs
    question = select(func.count(table.c.refinement_id.distinct())).where(table.c.decision == "accepted")
    return int(db.scalar(question) or 0)


def said(db: Connection, most: int) -> Iterator[Any]:
    """Yield id, response_id, kind and text of the open comments, in order of arrival; a sample of about `most` of more.

    What is in the sample depends on a comment's place alone, so it stays in while the sample is not made smaller.
    """
    table = tables.comments
    number = int(db.scalar(select(func.count()).select_from(table).where(table.c.status == "open")) or 0)
    question = select(table.c.id, table.c.response_id, table.c.kind, table.c.text).where(table.c.status == "open")
    if number > most:
        mixed = cast(table.c.seq, BigInteger) * _MIX % _PRIME
        question = question.where(mixed < _PRIME * most // number)
    yield from db.execution_options(yield_per=CHUNK).execute(question.order_by(table.c.seq))


def days(db: Connection) -> dict[str, int]:
    """Return how many comments were made on each day (ISO date), whatever became of them; without a date none counts."""
    day = func.substr(tables.comments.c.created, 1, 10)
    question = select(day.label("day"), func.count().label("n")).where(tables.comments.c.created != "").group_by(day)
    return {row.day: row.n for row in db.execute(question.order_by(day))}


def written(db: Connection) -> list[Written]:
    """Return what each version wrote, in the order in which they began; responses without a version are left out."""
    responses, verdicts = tables.responses, tables.verdicts
    question = select(responses.c.version, func.min(responses.c.seq).label("first"), *_sums())
    rows = db.execute(question.where(responses.c.version != "").group_by(responses.c.version).order_by("first")).all()
    firsts = {row.first: row.version for row in rows}
    ids = {
        firsts[row.seq]: row.id
        for row in db.execute(select(responses.c.seq, responses.c.id).where(responses.c.seq.in_(firsts)))
    }
    good = func.sum(case((verdicts.c.verdict == "good", 1), else_=0))
    judged = {
        row.version: (row.n, row.good)
        for row in db.execute(
            select(responses.c.version, func.count().label("n"), good.label("good"))
            .join(responses, responses.c.id == verdicts.c.response_id)
            .group_by(responses.c.version)
        )
    }
    return [
        Written(
            version=row.version, first=ids[row.version], responses=row.responses, commented=row.commented,
            comments=row.comments, verdicts=judged.get(row.version, (0, 0))[0], good=judged.get(row.version, (0, 0))[1],
        )
        for row in rows
    ]  # fmt: skip


def versions(db: Connection) -> dict[str, Version]:
    """Return every registered version by its id."""
    table = tables.versions
    found = (decode(Version, body) for body in db.scalars(select(table.c.body).order_by(table.c.seq)))
    return {version.id: version for version in found}


def since(db: Connection, subject: str) -> tuple[int, str]:
    """Return the number and the time of the first event of a record; (0, "") without one."""
    table = tables.events
    question = select(table.c.seq, table.c.at).where(table.c.subject == subject).order_by(table.c.seq).limit(1)
    row = db.execute(question).first()
    return (row.seq, row.at) if row is not None else (0, "")


def changes(db: Connection, after: int) -> dict[str, int]:
    """Count the events after a number by their kind, such as `comment.added`."""
    table = tables.events
    question = select(table.c.kind, func.count().label("n")).where(table.c.seq > after).group_by(table.c.kind)
    return {row.kind: row.n for row in db.execute(question)}


def last_evaluation(db: Connection) -> Evaluation | None:
    """Return the evaluation that was added last, or None."""
    table = tables.evaluations
    body = db.scalar(select(table.c.body).order_by(table.c.seq.desc()).limit(1))
    return None if body is None else decode(Evaluation, body)


def said_again(db: Connection, *, least: int = 3, limit: int = 10) -> list[Again]:
    """Return what is said of at least so many responses and is no standing comment yet, the most frequent first."""
    table = tables.comments
    number = func.count(table.c.response_id.distinct())
    standing = select(table.c.said).where(table.c.response_id.is_(None), table.c.status == "open")
    question = select(table.c.said, number.label("n")).where(
        table.c.status == "open", table.c.response_id.is_not(None), table.c.said.not_in(standing)
    )
    rows = db.execute(
        question.group_by(table.c.said).having(number >= least).order_by(number.desc(), table.c.said).limit(limit)
    )
    return [_again(db, row.said, row.n) for row in rows.all()]


def _again(db: Connection, said: str, n: int) -> Again:
    table = tables.comments
    question = select(table.c.id, table.c.text).where(
        table.c.said == said, table.c.status == "open", table.c.response_id.is_not(None)
    )
    rows = db.execute(question.order_by(table.c.seq).limit(20)).all()
    return Again(text=rows[0].text, n=n, comment_ids=tuple(row.id for row in rows))


def _sums() -> tuple[ColumnElement[Any], ...]:
    table = tables.responses
    return (
        func.count().label("responses"),
        func.coalesce(func.sum(case((table.c.n_comments > 0, 1), else_=0)), 0).label("commented"),
        func.coalesce(func.sum(table.c.n_comments), 0).label("comments"),
    )
