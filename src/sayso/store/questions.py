"""What the store is asked, one SQL question a function, and what is written with it.

Every function takes an open connection. Those that write also take `at`, the time for their events: a change and its
event are in one transaction.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Table, insert, select, update

from sayso.errors import NotFoundError, RecordError
from sayso.records import (
    Comment,
    Prompt,
    Refinement,
    Rejection,
    Response,
    Split,
    Status,
    Version,
)
from sayso.store import counted, rows, search, tables
from sayso.store.bodies import decode, same
from sayso.store.intake import Intake, ids_of

Record = TypeVar("Record")
_COMPARED = 2000  # ids that a wrong one is compared with: the newest, since comparing takes its time
_CHUNK = 500  # values bound in one statement; SQLite's oldest limit is 999


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """How many records were new, and how many were known already and left as they were."""

    new: int
    known: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One change that was made: what, to which record, when; `seq` counts up, nothing is ever changed or removed."""

    seq: int
    at: str
    kind: str
    subject: str
    payload: Mapping[str, Any]


class Move(NamedTuple):
    """An alias was set: when, and to which version."""

    at: str
    version_id: str


def intake_for(
    db: Connection,
    comments: Sequence[Comment] = (),
    refinements: Sequence[Refinement] = (),
    prompts: Sequence[Prompt] = (),
    responses: Sequence[Response] = (),
) -> Intake:
    """Return an intake that knows what the store knows of these records' ids."""
    carried = [item.response for item in comments if item.response is not None]
    carried += [item.response for item in refinements]
    carried += responses
    asked = [item.prompt for item in carried] + list(prompts)
    return Intake(
        prompts=records_by_id(db, tables.prompts, Prompt, {item.id for item in asked}),
        responses=records_by_id(db, tables.responses, Response, {item.id for item in carried}),
        comments=comments_by_id(db, ids_of(comments, refinements)),
        refinements=records_by_id(db, tables.refinements, Refinement, {item.id for item in refinements}),
    )


def write(db: Connection, intake: Intake, at: str) -> None:
    """Write what is new in an intake: prompts, responses, comments, refinements, in this order."""
    _insert(db, tables.prompts, [rows.prompt_row(item) for item in intake.new_prompts.values()])
    log(db, at, "prompt.added", intake.new_prompts)
    for prompt in intake.placed.values():
        _place(db, prompt, at)
    _insert(db, tables.responses, [rows.response_row(item) for item in intake.new_responses])
    search.add_words(db, tables.responses, [(item.id, search.words_of_response(item)) for item in intake.new_responses])
    log(db, at, "response.added", [item.id for item in intake.new_responses])
    _insert(db, tables.comments, [rows.comment_row(item) for item in intake.new_comments])
    search.add_words(db, tables.comments, [(item.id, search.words_of_comment(item)) for item in intake.new_comments])
    log(db, at, "comment.added", [item.id for item in intake.new_comments])
    for older, newer in intake.superseded:
        supersede(db, older, newer, at)
    counted.count_again(db, [item.response.id for item in intake.new_comments if item.response is not None])
    _insert(db, tables.refinements, [rows.refinement_row(item) for item in intake.new_refinements])
    log(db, at, "refinement.added", [item.id for item in intake.new_refinements])


def records(db: Connection, table: Table, kind: type[Record]) -> list[Record]:
    """Return every record of a table, in order of arrival."""
    return [decode(kind, body) for body in db.scalars(select(table.c.body).order_by(table.c.seq))]


def records_by_id(db: Connection, table: Table, kind: type[Record], ids: Iterable[str]) -> dict[str, Record]:
    """Return those of the ids that a table has, with their records."""
    found: dict[str, Record] = {}
    wanted = sorted(ids)
    for first in range(0, len(wanted), _CHUNK):
        question = select(table.c.id, table.c.body).where(table.c.id.in_(wanted[first : first + _CHUNK]))
        found |= {row.id: decode(kind, row.body) for row in db.execute(question)}
    return found


def comments(db: Connection, status: Status | None) -> list[Comment]:
    """Return the comments of a status, or all, in order of arrival."""
    question = select(tables.comments.c.body, tables.comments.c.status).order_by(tables.comments.c.seq)
    if status is not None:
        question = question.where(tables.comments.c.status == status)
    return [_comment(row.body, row.status) for row in db.execute(question)]


def comments_by_id(db: Connection, ids: Iterable[str]) -> dict[str, Comment]:
    """Return those of the ids that are comments, with their present status."""
    found: dict[str, Comment] = {}
    wanted = sorted(ids)
    table = tables.comments
    for first in range(0, len(wanted), _CHUNK):
        question = select(table.c.id, table.c.body, table.c.status).where(table.c.id.in_(wanted[first : first + _CHUNK]))
        found |= {row.id: _comment(row.body, row.status) for row in db.execute(question)}
    return found


def prompts(db: Connection, split: Split | None) -> list[Prompt]:
    """Return the prompts of a split, or all, in order of arrival."""
    question = select(tables.prompts.c.body).order_by(tables.prompts.c.seq)
    if split is not None:
        question = question.where(tables.prompts.c.split == split)
    return [decode(Prompt, body) for body in db.scalars(question)]


def responses(db: Connection, version: str | None) -> list[Response]:
    """Return the responses a version wrote, or all, in order of arrival."""
    question = select(tables.responses.c.body).order_by(tables.responses.c.seq)
    if version is not None:
        question = question.where(tables.responses.c.version == version)
    return [decode(Response, body) for body in db.scalars(question)]


def rejected(db: Connection) -> frozenset[str]:
    """Return the refinements that somebody rejected and nobody accepted."""
    decisions: dict[str, set[str]] = {}
    for row in db.execute(select(tables.signoffs.c.refinement_id, tables.signoffs.c.decision)):
        decisions.setdefault(row.refinement_id, set()).add(row.decision)
    return frozenset(name for name, found in decisions.items() if found == {"rejected"})


def one(db: Connection, table: Table, kind: type[Record], record_id: str) -> Record:
    """Return the record with an id.

    Raises:
        NotFoundError: there is none; the message names near ids.
    """
    body = db.scalar(select(table.c.body).where(table.c.id == record_id))
    if body is None:
        raise missing(db, table, record_id)
    return decode(kind, body)


def comment(db: Connection, comment_id: str) -> Comment:
    """Return the comment with an id, or raise NotFoundError naming near ones."""
    found = comments_by_id(db, [comment_id])
    if comment_id not in found:
        raise missing(db, tables.comments, comment_id)
    return found[comment_id]


def withdraw(db: Connection, comment_id: str, reason: str, at: str, *, by: str = "") -> None:
    """Mark a comment as withdrawn, with the reason in its event; once withdrawn it stays so."""
    if comment(db, comment_id).status == "withdrawn":
        return
    set_status(db, comment_id, "withdrawn")
    log(db, at, "comment.withdrawn", [comment_id], {"reason": reason} | ({"by": by} if by else {}))


def set_status(db: Connection, comment_id: str, status: Status) -> None:
    """Change a comment's status, and what its response's row says of it; the event is the caller's."""
    table = tables.comments
    db.execute(update(table).where(table.c.id == comment_id).values(status=status))
    counted.count_again(db, db.scalars(select(table.c.response_id).where(table.c.id == comment_id)))


def supersede(db: Connection, older: str, newer: str, at: str) -> None:
    """Mark a comment as superseded by a newer one, unless it is withdrawn or superseded already."""
    table = tables.comments
    if db.scalar(select(table.c.status).where(table.c.id == older)) == "open":
        set_status(db, older, "superseded")
        log(db, at, "comment.superseded", [older], {"by": newer})


def add_records(db: Connection, table: Table, found: Sequence[Record], at: str) -> Added:
    """Add records that nothing refers to by content: versions, runs, evaluations, rejections.

    Raises:
        RecordError: another record has the id of one of them.
    """
    name = table.name.removesuffix("s")
    new: dict[str, Record] = {}
    stored = records_by_id(db, table, type(found[0]), map(rows.record_id, found)) if found else {}
    for item in found:
        known = stored.get(rows.record_id(item)) or new.get(rows.record_id(item))
        if known is None:
            new[rows.record_id(item)] = item
        elif not same(item, known):
            raise RecordError(
                "{kind} {id!r} is there already with other content; expected a new id", kind=name, id=rows.record_id(item)
            )
    _insert(db, table, [rows.record_row(item) for item in new.values()])
    if table is tables.rejections:
        counted.count_again(db, [item.response.id for item in new.values() if isinstance(item, Rejection)])
    log(db, at, f"{name}.added", new)
    return Added(new=len(new), known=len(found) - len(new))


def version(db: Connection, id_or_alias: str) -> Version:
    """Return a version by its id, or by an alias that points at it."""
    target = alias(db, id_or_alias)
    return one(db, tables.versions, Version, id_or_alias if target is None else target)


def alias(db: Connection, name: str) -> str | None:
    """Return the id of the version an alias points at, or None."""
    found: str | None = db.scalar(select(tables.aliases.c.version_id).where(tables.aliases.c.name == name))
    return found


def set_alias(db: Connection, name: str, version_id: str, at: str) -> None:
    """Point an alias at a version; pointing it where it points already changes nothing.

    Raises:
        NotFoundError: there is no such version.
        RecordError: the name is the id of a version.
    """
    one(db, tables.versions, Version, version_id)
    if db.scalar(select(tables.versions.c.id).where(tables.versions.c.id == name)) is not None or not name.strip():
        raise RecordError(
            "alias {name!r} cannot be used: expected a name that is not empty and not a version's id", name=name
        )
    before = alias(db, name)
    if before == version_id:
        return
    if before is None:
        db.execute(insert(tables.aliases).values(name=name, version_id=version_id))
    else:
        db.execute(update(tables.aliases).where(tables.aliases.c.name == name).values(version_id=version_id))
    log(db, at, "alias.set", [name], {"version_id": version_id, "before": before})


def alias_history(db: Connection, name: str) -> list[Move]:
    """Return every version an alias has pointed at, oldest first."""
    table = tables.events
    question = select(table.c.at, table.c.payload).where(table.c.kind == "alias.set", table.c.subject == name)
    return [Move(row.at, json.loads(row.payload)["version_id"]) for row in db.execute(question.order_by(table.c.seq))]


def events(db: Connection) -> list[Event]:
    """Return every change that was made, oldest first."""
    table = tables.events
    question = select(table.c.seq, table.c.at, table.c.kind, table.c.subject, table.c.payload).order_by(table.c.seq)
    return [
        Event(seq=row.seq, at=row.at, kind=row.kind, subject=row.subject, payload=json.loads(row.payload))
        for row in db.execute(question)
    ]


def _comment(body: str, status: Status) -> Comment:
    return dataclasses.replace(decode(Comment, body), status=status)


def missing(db: Connection, table: Table, record_id: str) -> NotFoundError:
    """Return the error that says there is no record with an id, and which ids are near."""
    name = table.name.removesuffix("s")
    ids = db.scalars(select(table.c.id).order_by(table.c.seq.desc()).limit(_COMPARED)).all()
    near = difflib.get_close_matches(record_id, ids, n=3, cutoff=0.5)
    if near:
        return NotFoundError(
            "no {kind} {id!r}; did you mean {near}?", kind=name, id=record_id, near=", ".join(map(repr, near))
        )
    return NotFoundError("no {kind} {id!r} in the store; expected the id of one that was added", kind=name, id=record_id)


def _place(db: Connection, prompt: Prompt, at: str) -> None:
    db.execute(update(tables.prompts).where(tables.prompts.c.id == prompt.id).values(rows.prompt_row(prompt)))
    log(db, at, "prompt.placed", [prompt.id], {"family": prompt.family, "split": prompt.split})


def _insert(db: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        db.execute(insert(table), list(rows))


def log(db: Connection, at: str, kind: str, subjects: Iterable[str], payload: Mapping[str, Any] | None = None) -> None:
    """Write the event of a change to each of these records."""
    text = json.dumps(payload or {}, ensure_ascii=False)
    _insert(db, tables.events, [{"at": at, "kind": kind, "subject": item, "payload": text} for item in subjects])
