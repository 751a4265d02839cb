"""The queue: which responses a person reads next, page by page, in one of five orders; only columns are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, select, tuple_

from sayso.errors import RecordError
from sayso.store import search, tables
from sayso.store.database import Store
from sayso.store.people import Reviewer
from sayso.store.rows import shuffle
from sayso.store.rules import wrong

Order = Literal["newest", "oldest", "random", "uncertain", "disagreement"]
State = Literal["todo", "all", "commented", "done"]
MyState = Literal["todo", "done", "skipped"]
MAX_LIMIT = 200
_COLUMNS = {"newest": "seq", "oldest": "seq", "random": "shuffle", "uncertain": "doubt", "disagreement": "spread"}
_RISING = {"oldest", "random"}


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueItem:
    """One line of the queue."""

    response_id: str
    prompt_id: str
    prompt_text: str
    """The first characters of the prompt's last turn."""
    text: str
    """The first characters of the response."""
    version: str
    family: str | None
    n_comments: int
    """Open ones."""
    n_reviewers: int
    """People who said something of it, by comment or verdict."""
    my_state: MyState
    spread: float
    """How far apart the verdicts are, 0 to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page of the queue, and how to go on."""

    items: tuple[QueueItem, ...]
    next: str | None
    """What to give as `after` for the next page; None after the last."""
    total: int
    """How many there are in all."""
    at_least: bool = False
    """There are more than `total`: a search counts to `search.LISTED` only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    order: Order
    reviewer: Reviewer | None
    conditions: Sequence[ColumnElement[bool]]
    found: search.Found | None


def queue(  # noqa: PLR0913 (all that a page may ask for)
    store: Store,
    order: Order = "newest",
    *,
    reviewer: Reviewer | None = None,
    version: str | None = None,
    search: str | None = None,
    state: State = "todo",
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """Return a page of responses to read.

    `random` is another order for everybody, and stays the same for one person. `uncertain`: see `counted.doubt`.
    `disagreement`: the furthest apart verdicts first. `todo` is what the person has neither done nor skipped, of what they
    were assigned if they were assigned anything, else of everything; `done` is what they have done; `commented` has open
    comments.

    Raises:
        RecordError: an unknown order or state, or an `after` that no page gave.
    """
    if order not in get_args(Order):
        raise wrong("order", order, ", ".join(get_args(Order)))
    if state not in get_args(State):
        raise wrong("state", state, ", ".join(get_args(State)))
    limit = max(1, min(limit, MAX_LIMIT))
    with store.reading() as db:
        asked = _asked(db, order, reviewer, version, search, state)
        rows = _rows(db, asked, _place(order, after), limit + 1)
        total = _total(db, asked, reviewer, version, state)
        items = _items(db, rows[:limit], reviewer)
    last = rows[limit - 1] if len(rows) > limit else None
    many = asked.found is not None and asked.found.seqs is None
    return Page(items=items, next=None if last is None else f"{last.key!r}:{last.seq}", total=total, at_least=many)


def versions(store: Store) -> dict[str, int]:
    """Return how many responses each version wrote, the latest version first."""
    table = tables.responses
    question = select(table.c.version, func.count(), func.max(table.c.seq).label("last")).group_by(table.c.version)
    with store.reading() as db:
        return {row[0]: row[1] for row in sorted(db.execute(question).all(), key=lambda row: -row.last)}


def _asked(
    db: Connection, order: Order, reviewer: Reviewer | None, version: str | None, wanted: str | None, state: State
) -> _Asked:
    table = tables.responses
    conditions = [] if version is None else [table.c.version == version]
    conditions += _state_conditions(db, state, reviewer)
    folded = search.fold(wanted or "")
    found = search.find(db, table, folded) if folded else None
    if found is not None and found.seqs is not None:
        conditions.append(table.c.seq.in_(found.seqs))
    return _Asked(order=order, reviewer=reviewer, conditions=conditions, found=found)


def _state_conditions(db: Connection, state: State, reviewer: Reviewer | None) -> list[ColumnElement[bool]]:
    table, mine = tables.responses, tables.assignments
    if state == "commented":
        return [table.c.n_comments > 0]
    if state == "all" or reviewer is None:
        return []
    own = and_(mine.c.response_id == table.c.id, mine.c.reviewer_id == reviewer.id)
    if state == "done":
        return [exists().where(own, mine.c.state == "done")]
    if _is_assigned(db, reviewer):
        return [exists().where(own, mine.c.state == "todo")]
    return [~exists().where(own, mine.c.state != "todo")]


def _is_assigned(db: Connection, reviewer: Reviewer) -> bool:
    mine = tables.assignments
    asked = select(mine.c.response_id).where(mine.c.reviewer_id == reviewer.id, mine.c.assigned_by.is_not(None)).limit(1)
    return db.execute(asked).first() is not None


def _rows(db: Connection, asked: _Asked, place: tuple[Any, int] | None, limit: int) -> list[Any]:
    if asked.order != "random":
        return list(db.execute(_ordered(db, asked, place).limit(limit)))
    return _turned(db, asked, place, limit)


def _turned(db: Connection, asked: _Asked, place: tuple[Any, int] | None, limit: int) -> list[Any]:
    """Return rows by `shuffle`, beginning at a number of the person's own and going round."""
    key = tables.responses.c.shuffle
    begin = shuffle(asked.reviewer.id) if asked.reviewer else 0
    rows: list[Any] = []
    if place is None or place[0] >= begin:
        rows = list(db.execute(_ordered(db, asked, place).where(key >= begin).limit(limit)))
        place = None
    if len(rows) < limit:
        rows += db.execute(_ordered(db, asked, place).where(key < begin).limit(limit - len(rows)))
    return rows


def _ordered(db: Connection, asked: _Asked, place: tuple[Any, int] | None) -> Select[Any]:
    table, prompts = tables.responses, tables.prompts
    key, rising = table.c[_COLUMNS[asked.order]], asked.order in _RISING
    names = ("seq", "id", "prompt_id", "head", "version", "n_comments", "spread")
    question = select(*(table.c[name] for name in names), key.label("key"), prompts.c.head.label("asked"), prompts.c.family)
    question = question.join(prompts, prompts.c.id == table.c.prompt_id).where(*asked.conditions)
    if asked.found is not None and asked.found.seqs is None:
        words = tables.response_words
        question = question.join(words, words.c.seq == table.c.seq).where(search.holds(db, words, asked.found.wanted))
    if place is not None:
        here = tuple_(key, table.c.seq)
        question = question.where(here > tuple_(*place) if rising else here < tuple_(*place))
    both = (key, table.c.seq) if key is not table.c.seq else (key,)
    return question.order_by(*(column.asc() if rising else column.desc() for column in both))


def _place(order: Order, after: str | None) -> tuple[Any, int] | None:
    if after is None:
        return None
    key, _colon, seq = after.partition(":")
    try:
        return float(key) if order in ("uncertain", "disagreement") else int(key), int(seq)
    except ValueError as error:
        raise RecordError(
            "{field}: found {found!r}, which no page of this order gave", field="after", found=after
        ) from error


def _total(db: Connection, asked: _Asked, reviewer: Reviewer | None, version: str | None, state: State) -> int:
    table, mine = tables.responses, tables.assignments
    if asked.found is not None and asked.found.seqs is None:
        return search.LISTED
    everything = asked.found is None and state == "todo" and (reviewer is None or not _is_assigned(db, reviewer))
    if not everything:
        return db.scalar(select(func.count()).select_from(table).where(*asked.conditions)) or 0
    one = [] if version is None else [table.c.version == version]
    count = db.scalar(select(func.count()).select_from(table).where(*one)) or 0
    if reviewer is None:
        return count
    over = select(func.count()).select_from(mine).where(mine.c.reviewer_id == reviewer.id, mine.c.state != "todo")
    return count - (db.scalar(over.join(table, table.c.id == mine.c.response_id).where(*one) if one else over) or 0)


def _items(db: Connection, rows: Sequence[Any], reviewer: Reviewer | None) -> tuple[QueueItem, ...]:
    ids = [row.id for row in rows]
    people, states = _people(db, ids), _states(db, ids, reviewer)
    return tuple(
        QueueItem(
            response_id=row.id, prompt_id=row.prompt_id, prompt_text=row.asked, text=row.head, version=row.version,
            family=row.family, n_comments=row.n_comments, n_reviewers=len(people.get(row.id, ())),
            my_state=states.get(row.id, "todo"), spread=row.spread,
        )
        for row in rows
    )  # fmt: skip


def _people(db: Connection, ids: Iterable[str]) -> Mapping[str, set[str]]:
    """Return by response who said something of it: authors of open comments, and those with a verdict."""
    said, judged, who = tables.comments, tables.verdicts, tables.reviewers
    found: dict[str, set[str]] = {}
    authors = (
        select(said.c.response_id, said.c.author).where(said.c.response_id.in_(ids), said.c.status == "open").distinct()
    )
    judges = select(judged.c.response_id, who.c.name).join(who, who.c.id == judged.c.reviewer_id)
    for question in (authors, judges.where(judged.c.response_id.in_(ids))):
        for response_id, name in db.execute(question):
            found.setdefault(response_id, set()).add(name)
    return found


def _states(db: Connection, ids: Sequence[str], reviewer: Reviewer | None) -> Mapping[str, MyState]:
    if reviewer is None:
        return {}
    mine = tables.assignments
    question = select(mine.c.response_id, mine.c.state).where(mine.c.reviewer_id == reviewer.id, mine.c.response_id.in_(ids))
    return {row.response_id: row.state for row in db.execute(question)}
