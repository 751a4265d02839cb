"""Working as a team: who reads what, how far everybody is, where people differ and what was decided, and the guideline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, case, exists, func, insert, select, update

from sayso.errors import ConflictError
from sayso.i18n import gettext as _
from sayso.store import questions, tables
from sayso.store.answering import Rating, need_response
from sayso.store.counted import VERDICTS
from sayso.store.database import Store
from sayso.store.people import Reviewer, need_lead, reviewer_by_id
from sayso.store.rules import wrong


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far one person is."""

    reviewer: Reviewer
    assigned: int
    """Responses a lead asked them for, done or not."""
    done: int
    skipped: int
    verdicts: int
    comments_today: int
    comments: int
    """Open ones and others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """What one person said of a response on which people differ."""

    reviewer: str
    """Their name."""
    verdict: Rating | None
    kinds: tuple[str, ...]
    """The kinds of their open comments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispute:
    """A response on which verdicts, or kinds of comments, differ between people."""

    response_id: str
    prompt_text: str
    text: str
    """Its first characters."""
    version: str
    spread: float
    votes: tuple[Vote, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Guideline:
    """The text everybody reviews by; `seq` counts its versions, 0 before the first."""

    seq: int
    text: str
    author: str
    """The name of who wrote this version."""
    created: str


def assign(store: Store, response_ids: Sequence[str], reviewer_ids: Sequence[str], overlap: int = 1, *, by: Reviewer) -> int:
    """Give each response to `overlap` of the people, in turn, and return how many assignments are new.

    Who has a response already, by this or an earlier call, keeps it and counts. Only a lead may.

    Raises:
        RecordError: `overlap` is below 1 or above the number of people.
        NotFoundError: a response or a person is not there; nothing is assigned.
    """
    need_lead(by)
    people = list(dict.fromkeys(reviewer_ids))
    if not 1 <= overlap <= len(people):
        raise wrong("overlap", overlap, _("1 to {most}, the number of people").format(most=len(people)))
    with store.writing() as db:
        for reviewer_id in people:
            reviewer_by_id(db, reviewer_id)
        load = dict.fromkeys(people, 0)
        rows = []
        for response_id in dict.fromkeys(response_ids):
            need_response(db, response_id)
            have = _holders(db, response_id) & set(people)
            free = sorted((item for item in people if item not in have), key=lambda item: (load[item], people.index(item)))
            for reviewer_id in free[: max(0, overlap - len(have))]:
                load[reviewer_id] += 1
                rows.append({"response_id": response_id, "reviewer_id": reviewer_id})
        _assign(db, rows, by, store.clock())
        return len(rows)


def unassigned(store: Store, *, version: str | None = None, limit: int = 100) -> list[str]:
    """Return responses nobody is assigned to, oldest first: what a lead can share out."""
    table, asked = tables.responses, tables.assignments
    question = select(table.c.id).where(~exists().where(asked.c.response_id == table.c.id, asked.c.assigned_by.is_not(None)))
    if version is not None:
        question = question.where(table.c.version == version)
    with store.reading() as db:
        return list(db.scalars(question.order_by(table.c.seq).limit(limit)))


def progress(store: Store) -> list[Progress]:
    """Return how far every person is, by name. Today is the day of the store's clock, in its zone."""
    asked, said, judged, who = tables.assignments, tables.comments, tables.verdicts, tables.reviewers
    states = select(
        asked.c.reviewer_id,
        func.sum(case((asked.c.assigned_by.is_not(None), 1), else_=0)),
        func.sum(case((asked.c.state == "done", 1), else_=0)),
        func.sum(case((asked.c.state == "skipped", 1), else_=0)),
    ).group_by(asked.c.reviewer_id)
    words = select(said.c.author, func.sum(case((said.c.created >= store.clock()[:10], 1), else_=0)), func.count())
    votes = select(judged.c.reviewer_id, func.count()).group_by(judged.c.reviewer_id)
    with store.reading() as db:
        work = {row[0]: row[1:] for row in db.execute(states)}
        comments = {row[0]: row[1:] for row in db.execute(words.group_by(said.c.author))}
        verdicts = {row[0]: row[1] for row in db.execute(votes)}
        people = [reviewer_by_id(db, item) for item in db.scalars(select(who.c.id).order_by(who.c.name))]
    found = []
    for person in people:
        assigned, done, skipped = work.get(person.id, (0, 0, 0))
        today, all_comments = comments.get(person.name, (0, 0))
        found.append(
            Progress(
                reviewer=person, assigned=assigned, done=done, skipped=skipped, verdicts=verdicts.get(person.id, 0),
                comments_today=today, comments=all_comments,
            )
        )  # fmt: skip
    return found


def adjudication(store: Store, *, limit: int = 50, after: int = 0) -> list[Dispute]:
    """Return responses on which people differ and nobody has decided, the furthest apart first, from place `after` on."""
    table, prompts, decided = tables.responses, tables.prompts, tables.adjudications
    names = (table.c.id, table.c.head, table.c.version, table.c.spread, prompts.c.head.label("asked"))
    question = select(*names).join(prompts, prompts.c.id == table.c.prompt_id).where(table.c.contested > 0)
    question = question.where(~exists().where(decided.c.response_id == table.c.id))
    with store.reading() as db:
        rows = db.execute(question.order_by(table.c.spread.desc(), table.c.seq.desc()).limit(limit).offset(after)).all()
        votes = _votes(db, [row.id for row in rows])
    return [
        Dispute(
            response_id=row.id, prompt_text=row.asked, text=row.head, version=row.version, spread=row.spread,
            votes=votes.get(row.id, ()),
        )
        for row in rows
    ]  # fmt: skip


def adjudicate(store: Store, lead: Reviewer, response_id: str, verdict: Rating, reason: str, *, again: bool = False) -> None:
    """Decide on a response on which people differ; deciding again replaces the decision, and both stay as events.

    Raises:
        ConflictError: another lead has decided otherwise, and `again` does not say that this is to be replaced.
        NotAllowedError: the person is not a lead.
    """
    need_lead(lead)
    if verdict not in VERDICTS:
        raise wrong("verdict", verdict, ", ".join(VERDICTS))
    table = tables.adjudications
    with store.writing() as db:
        need_response(db, response_id)
        if not again:
            _need_undecided(db, lead, response_id, verdict)
        db.execute(table.delete().where(table.c.response_id == response_id))
        row = {"response_id": response_id, "reviewer_id": lead.id, "verdict": verdict, "reason": reason}
        db.execute(insert(table).values(**row, created=store.clock()))
        payload = {"by": lead.id, "verdict": verdict, "reason": reason}
        questions.log(db, store.clock(), "response.adjudicated", [response_id], payload)


def _need_undecided(db: Connection, lead: Reviewer, response_id: str, verdict: Rating) -> None:
    table, who = tables.adjudications, tables.reviewers
    question = select(table.c.reviewer_id, table.c.verdict, table.c.reason, who.c.name)
    row = db.execute(
        question.join(who, who.c.id == table.c.reviewer_id).where(table.c.response_id == response_id)
    ).one_or_none()
    if row is not None and row.reviewer_id != lead.id and row.verdict != verdict:
        raise ConflictError(
            "{author!r} has decided on this meanwhile: {verdict} ({reason}); talk about it, or decide again",
            author=row.name, verdict=row.verdict, reason=row.reason,
        )  # fmt: skip


def guideline(store: Store) -> Guideline:
    """Return the guideline that holds."""
    with store.reading() as db:
        return _guideline(db)


def set_guideline(store: Store, lead: Reviewer, text: str, expected_seq: int) -> Guideline:
    """Write the next version of the guideline, on top of the one the lead has read.

    Raises:
        ConflictError: there is a newer one; the fields `seq` and `text` of the error are its own.
        NotAllowedError: the person is not a lead.
    """
    need_lead(lead)
    with store.writing() as db:
        now = _guideline(db)
        if now.seq != expected_seq:
            raise ConflictError(
                "the guideline was changed by {author!r} meanwhile; read it, then change it again",
                author=now.author, seq=now.seq, text=now.text,
            )  # fmt: skip
        if text == now.text:
            return now
        db.execute(insert(tables.guideline).values(text=text, author=lead.id, created=store.clock()))
        made = _guideline(db)
        questions.log(db, store.clock(), "guideline.set", [str(made.seq)], {"by": lead.id})
        return made


def _assign(db: Connection, rows: Sequence[dict[str, str]], by: Reviewer, at: str) -> None:
    table = tables.assignments
    for row in rows:
        own = [table.c[name] == value for name, value in row.items()]
        if not db.execute(update(table).where(*own).values(assigned_by=by.id)).rowcount:
            db.execute(insert(table).values(**row, state="todo", assigned_by=by.id, updated=at))
        payload = {"by": by.id, "to": row["reviewer_id"]}
        questions.log(db, at, "response.assigned", [row["response_id"]], payload)


def _holders(db: Connection, response_id: str) -> set[str]:
    table = tables.assignments
    question = select(table.c.reviewer_id).where(table.c.response_id == response_id, table.c.assigned_by.is_not(None))
    return set(db.scalars(question))


def _votes(db: Connection, ids: Iterable[str]) -> dict[str, tuple[Vote, ...]]:
    judged, said, who = tables.verdicts, tables.comments, tables.reviewers
    verdicts: dict[str, dict[str, Rating]] = {}
    kinds: dict[str, dict[str, set[str]]] = {}
    votes = select(judged.c.response_id, who.c.name, judged.c.verdict).join(who, who.c.id == judged.c.reviewer_id)
    for response_id, name, verdict in db.execute(votes.where(judged.c.response_id.in_(ids))):
        verdicts.setdefault(response_id, {})[name] = verdict
    words = select(said.c.response_id, said.c.author, said.c.kind).where(
        said.c.response_id.in_(ids), said.c.status == "open"
    )
    for response_id, name, kind in db.execute(words):
        kinds.setdefault(response_id, {}).setdefault(name, set()).add(kind)
    found = {}
    for response_id in ids:
        one, other = verdicts.get(response_id, {}), kinds.get(response_id, {})
        found[response_id] = tuple(
            Vote(reviewer=name, verdict=one.get(name), kinds=tuple(sorted(other.get(name, ()))))
            for name in sorted({*one, *other})
        )
    return found


def _guideline(db: Connection) -> Guideline:
    table, who = tables.guideline, tables.reviewers
    question = select(table, who.c.name).join(who, who.c.id == table.c.author).order_by(table.c.seq.desc()).limit(1)
    row = db.execute(question).one_or_none()
    if row is None:
        return Guideline(seq=0, text="", author="", created="")
    return Guideline(seq=row.seq, text=row.text, author=row.name, created=row.created)
