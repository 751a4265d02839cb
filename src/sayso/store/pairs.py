"""Two versions side by side without their names: which answer is better?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Connection, and_, exists, func, insert, or_, select, update

from sayso.errors import RecordError
from sayso.records import Prompt, Response, identity
from sayso.store import questions, tables
from sayso.store.database import Store
from sayso.store.people import Reviewer
from sayso.store.queue import MAX_LIMIT
from sayso.store.rules import wrong

Choice = Literal["left", "right", "tie", "both_bad"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the two answers, without its version."""

    response_id: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two answers to one prompt; which stands left is chance, and the same every time for one person."""

    prompt: Prompt
    left: Side
    right: Side


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairs:
    """Some pairs, and how to go on."""

    items: tuple[Pair, ...]
    next: int | None
    """What to give as `after` for those that follow; None after the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How often each of two versions was chosen."""

    a: int
    b: int
    ties: int
    both_bad: int


def blind_pairs(
    store: Store, version_a: str, version_b: str, reviewer: Reviewer, after: int | None = None, limit: int = 20
) -> Pairs:
    """Return pairs of first answers of two versions to the same prompts that the person has not chosen between yet.

    Raises:
        RecordError: both versions are the same.
    """
    if version_a == version_b:
        raise RecordError("{field}: {version!r} against itself; expected two versions", field="b", version=version_b)
    limit = max(1, min(limit, MAX_LIMIT))
    table, one, other = tables.prompts, _first(version_a), _first(version_b)
    question = select(table.c.seq, one.label("a"), other.label("b")).where(table.c.seq > (after or 0))
    question = question.where(one.is_not(None), other.is_not(None), ~_chosen(one, other, reviewer)).order_by(table.c.seq)
    with store.reading() as db:
        rows = db.execute(question.limit(limit + 1)).all()
        pairs = tuple(_pair(db, row.a, row.b, reviewer) for row in rows[:limit])
    return Pairs(items=pairs, next=rows[limit - 1].seq if len(rows) > limit else None)


def save_choice(store: Store, reviewer: Reviewer, left_id: str, right_id: str, choice: Choice, reason: str = "") -> None:
    """Keep which of two answers a person finds better; choosing again replaces one's own choice.

    Raises:
        NotFoundError: an answer is not there.
        RecordError: the answers are not two, or not to one prompt; or the choice is unknown.
    """
    if choice not in get_args(Choice):
        raise wrong("choice", choice, ", ".join(get_args(Choice)))
    table = tables.choices
    with store.writing() as db:
        prompts = [_response(db, item).prompt.id for item in (left_id, right_id)]
        if left_id == right_id or prompts[0] != prompts[1]:
            raise RecordError("{field}: expected two answers to the same prompt", field="right")
        mine = {"reviewer_id": reviewer.id, "left_id": left_id, "right_id": right_id}
        own = [table.c[name] == value for name, value in mine.items()]
        values = {"choice": choice, "reason": reason}
        row = db.execute(select(table.c.choice, table.c.reason).where(*own)).one_or_none()
        if row is not None and row._asdict() == values:
            return
        if row is None:
            _forget_turned(db, reviewer, left_id, right_id)
            db.execute(insert(table).values(**mine, **values, created=store.clock()))
        else:
            db.execute(update(table).where(*own).values(**values, created=store.clock()))
        payload = {"by": reviewer.id, "right": right_id, **values}
        questions.log(db, store.clock(), "response.chosen", [left_id], payload)


def _forget_turned(db: Connection, reviewer: Reviewer, left_id: str, right_id: str) -> None:
    """Remove a person's choice between the same two with their sides changed: it is replaced, not counted beside."""
    table = tables.choices
    turned = (table.c.left_id == right_id, table.c.right_id == left_id)
    db.execute(table.delete().where(table.c.reviewer_id == reviewer.id, *turned))


def choices_between(store: Store, version_a: str, version_b: str) -> Tally:
    """Return how often everybody chose each of two versions."""
    table = tables.choices
    left, right = tables.responses.alias("left_side"), tables.responses.alias("right_side")
    question = select(left.c.version, right.c.version, table.c.choice, func.count())
    question = question.join(left, left.c.id == table.c.left_id).join(right, right.c.id == table.c.right_id)
    ways = [and_(left.c.version == one, right.c.version == other) for one, other in _both_ways(version_a, version_b)]
    found = {"a": 0, "b": 0, "tie": 0, "both_bad": 0}
    with store.reading() as db:
        for on_left, on_right, choice, n in db.execute(
            question.where(or_(*ways)).group_by(left.c.version, right.c.version, table.c.choice)
        ):
            winner = {"left": on_left, "right": on_right}.get(choice)
            found[choice if winner is None else "a" if winner == version_a else "b"] += n
    return Tally(a=found["a"], b=found["b"], ties=found["tie"], both_bad=found["both_bad"])


def _both_ways(one: str, other: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (one, other), (other, one)


def _first(version: str):  # type: ignore[no-untyped-def]
    """Return the id of the first answer of a version to the prompt at hand, as a question inside another."""
    table = tables.responses
    question = select(table.c.id).where(table.c.prompt_id == tables.prompts.c.id, table.c.version == version)
    return question.order_by(table.c.seq).limit(1).correlate(tables.prompts).scalar_subquery()


def _chosen(one, other, reviewer: Reviewer):  # type: ignore[no-untyped-def]
    table = tables.choices
    ways = [and_(table.c.left_id == left, table.c.right_id == right) for left, right in ((one, other), (other, one))]
    return exists().where(table.c.reviewer_id == reviewer.id, or_(*ways))


def _pair(db: Connection, one: str, other: str, reviewer: Reviewer) -> Pair:
    first, second = _response(db, one), _response(db, other)
    turned = int(identity([reviewer.id, first.prompt.id, *sorted((one, other))]), 16) % 2
    left, right = sorted((first, second), key=lambda item: item.id, reverse=bool(turned))
    return Pair(
        prompt=first.prompt,
        left=Side(response_id=left.id, text=left.text),
        right=Side(response_id=right.id, text=right.text),
    )


def _response(db: Connection, response_id: str) -> Response:
    return questions.one(db, tables.responses, Response, response_id)
