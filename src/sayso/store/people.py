"""Who takes part: reviewers with a name and a role, and the tokens that say who is asking.

A token is shown once, to whom it is for; the store keeps its hash only.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import Connection, insert, select, update

from sayso.errors import NotAllowedError, NotFoundError, RecordError
from sayso.i18n import LANGUAGES
from sayso.i18n import gettext as _
from sayso.records import identity
from sayso.store import tables
from sayso.store.database import Store
from sayso.store.questions import log
from sayso.store.rules import wrong

ReviewerRole = Literal["reviewer", "lead"]
TokenKind = Literal["session", "invitation", "owner"]
DAYS: dict[TokenKind, float] = {"session": 30, "invitation": 7, "owner": 30}
"""How long a token of each kind holds, where nothing else is said."""
MAX_NAME_CHARACTERS = 80


@dataclass(frozen=True, kw_only=True, slots=True)
class Reviewer:
    """A person who comments; the name is the author of what they say, and belongs to one person only."""

    id: str
    name: str
    role: ReviewerRole
    language: str | None = None
    created: str = ""
    active: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Redeemed:
    """Who came by an invitation, and the token of their session."""

    reviewer: Reviewer
    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Invitation:
    """What an invitation offers: for whom it was made, and as what."""

    name: str
    role: ReviewerRole
    reviewer_id: str | None = None
    """Whose it is, where the person has a place already; else one is made."""
    expires: str = ""


def add_reviewer(store: Store, name: str, role: ReviewerRole) -> Reviewer:
    """Add a person.

    Raises:
        RecordError: the name is empty, too long or another's.
    """
    with store.writing() as db:
        return _add(db, name, role, store.clock())


def ensure_reviewer(store: Store, name: str, role: ReviewerRole) -> Reviewer:
    """Return the person of a name, active and with this role, added where nobody has it yet: the owner, at the console."""
    with store.writing() as db:
        found = _by_name(db, name.strip())
        if found is None:
            return _add(db, name, role, store.clock())
        if found.role != role or not found.active:
            table = tables.reviewers
            db.execute(update(table).where(table.c.id == found.id).values(role=role, active=1))
            log(db, store.clock(), "reviewer.changed", [found.id], {"role": role, "active": True})
        return reviewer_by_id(db, found.id)


def reviewers(store: Store) -> list[Reviewer]:
    """Return everybody, by name; those who left too."""
    with store.reading() as db:
        return [_reviewer(row) for row in db.execute(select(tables.reviewers).order_by(tables.reviewers.c.name))]


def reviewer(store: Store, reviewer_id: str) -> Reviewer:
    """Return one person; NotFoundError when there is none with the id."""
    with store.reading() as db:
        return reviewer_by_id(db, reviewer_id)


def issue_token(
    store: Store,
    kind: TokenKind,
    reviewer_id: str | None = None,
    role: ReviewerRole | None = None,
    name: str = "",
    days: float | None = None,
) -> str:
    """Return a new token of a kind, for a person (session, owner) or for whoever is invited (role and name).

    Raises:
        NotFoundError: there is no such person.
        RecordError: a session or an owner's token without a person, an invitation without a role or a person.
    """
    with store.writing() as db:
        if reviewer_id is not None:
            reviewer_by_id(db, reviewer_id)
        elif kind != "invitation" or role not in get_args(ReviewerRole):
            raise wrong("role", role, "reviewer, lead")
        if kind == "invitation":
            log(db, store.clock(), "invitation.made", [reviewer_id or name], {"role": role})
        return _issue(db, store.clock(), kind, {"reviewer_id": reviewer_id, "role": role, "name": name.strip()}, days)


def reviewer_by_token(store: Store, token: str) -> Reviewer | None:
    """Return whose session or owner's token this is; None where it is unknown, expired, revoked, or the person has left."""
    table, who = tables.tokens, tables.reviewers
    question = select(who, table.c.expires.label("until")).join(table, table.c.reviewer_id == who.c.id)
    question = question.where(table.c.hash == hashed(token), table.c.kind.in_(("session", "owner")), table.c.used.is_(None))
    with store.reading() as db:
        row = db.execute(question.where(who.c.active == 1)).one_or_none()
    return _reviewer(row) if row is not None and _is_before(store.clock(), row.until) else None


def invitation(store: Store, token: str) -> Invitation | None:
    """Return what an invitation offers; None where it is unknown, used or expired."""
    with store.reading() as db:
        return _open_invitation(db, token, store.clock())


def open_invitations(store: Store) -> list[Invitation]:
    """Return the invitations that nobody has taken up yet and that still hold, oldest first; they let nobody in."""
    table = tables.tokens
    question = select(table).where(table.c.kind == "invitation", table.c.used.is_(None)).order_by(table.c.created)
    with store.reading() as db:
        rows = db.execute(question).all()
    return [_invitation(row) for row in rows if _is_before(store.clock(), row.expires)]


def redeem(store: Store, invitation: str, name: str = "") -> Redeemed:
    """Take up an invitation under a name (else the one it was made for); it works once.

    Raises:
        NotAllowedError: the invitation is unknown, used or expired.
        RecordError: the name is empty, too long or another's; the invitation can be tried again.
    """
    with store.writing() as db:
        at = store.clock()
        offered = _open_invitation(db, invitation, at)
        if offered is None:
            raise NotAllowedError("this invitation is unknown, used or expired; ask the lead for a new one")
        if offered.reviewer_id is not None:
            person = reviewer_by_id(db, offered.reviewer_id)
        else:
            person = _add(db, name.strip() or offered.name, offered.role, at)
        db.execute(update(tables.tokens).where(tables.tokens.c.hash == hashed(invitation)).values(used=at))
        log(db, at, "invitation.redeemed", [person.id])
        return Redeemed(reviewer=person, token=_issue(db, at, "session", {"reviewer_id": person.id}))


def revoke(store: Store, token: str) -> None:
    """Make a token worthless, for signing out; one that is unknown or used already is left as it is."""
    table = tables.tokens
    with store.writing() as db:
        db.execute(update(table).where(table.c.hash == hashed(token), table.c.used.is_(None)).values(used=store.clock()))


def set_language(store: Store, reviewer_id: str, language: str) -> Reviewer:
    """Remember in which language a person reads the page."""
    if language not in LANGUAGES:
        raise wrong("language", language, ", ".join(LANGUAGES))
    with store.writing() as db:
        reviewer_by_id(db, reviewer_id)
        db.execute(update(tables.reviewers).where(tables.reviewers.c.id == reviewer_id).values(language=language))
        return reviewer_by_id(db, reviewer_id)


def deactivate(store: Store, reviewer_id: str) -> None:
    """Let a person in no more; what they said stays, and what they were asked for and have not done is free again."""
    with store.writing() as db:
        reviewer_by_id(db, reviewer_id)
        asked = tables.assignments
        db.execute(update(tables.reviewers).where(tables.reviewers.c.id == reviewer_id).values(active=0))
        db.execute(asked.delete().where(asked.c.reviewer_id == reviewer_id, asked.c.state == "todo"))
        log(db, store.clock(), "reviewer.left", [reviewer_id])


def hashed(token: str) -> str:
    """Return what the store keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def reviewer_by_id(db: Connection, reviewer_id: str) -> Reviewer:
    """Return the person with an id, or raise NotFoundError."""
    row = db.execute(select(tables.reviewers).where(tables.reviewers.c.id == reviewer_id)).one_or_none()
    if row is None:
        raise NotFoundError(
            "no {kind} {id!r} in the store; expected the id of one that was added", kind="reviewer", id=reviewer_id
        )
    return _reviewer(row)


def need_lead(reviewer: Reviewer) -> None:
    """Raise NotAllowedError unless the person is a lead."""
    if reviewer.role != "lead":
        raise NotAllowedError("only a lead may do this; {name} is a reviewer", name=reviewer.name)


def _add(db: Connection, name: str, role: ReviewerRole, at: str) -> Reviewer:
    name = name.strip()
    if not name or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise wrong(
            "name", name, _("1 to {most} characters, none of them a control character").format(most=MAX_NAME_CHARACTERS)
        )
    if role not in get_args(ReviewerRole):
        raise wrong("role", role, "reviewer, lead")
    if _by_name(db, name) is not None:
        raise RecordError("{field}: {name!r} is taken; expected a name that nobody has yet", field="name", name=name)
    person = Reviewer(id=f"v-{identity(name)}", name=name, role=role, created=at)
    row = {"id": person.id, "name": name, "role": role, "language": None, "created": at, "active": 1}
    db.execute(insert(tables.reviewers).values(row))
    log(db, at, "reviewer.added", [person.id], {"name": name, "role": role})
    return person


def _by_name(db: Connection, name: str) -> Reviewer | None:
    row = db.execute(select(tables.reviewers).where(tables.reviewers.c.name == name)).one_or_none()
    return None if row is None else _reviewer(row)


def _issue(db: Connection, at: str, kind: TokenKind, about: dict[str, Any], days: float | None = None) -> str:
    token = secrets.token_urlsafe(32)
    until = datetime.fromisoformat(at) + timedelta(days=DAYS[kind] if days is None else days)
    row = {"hash": hashed(token), "kind": kind, "created": at, "expires": until.isoformat(), "name": "", **about}
    db.execute(insert(tables.tokens).values(row))
    return token


def _open_invitation(db: Connection, token: str, at: str) -> Invitation | None:
    table = tables.tokens
    question = select(table).where(table.c.hash == hashed(token), table.c.kind == "invitation", table.c.used.is_(None))
    row = db.execute(question).one_or_none()
    if row is None or not _is_before(at, row.expires):
        return None
    return _invitation(row)


def _invitation(row: Any) -> Invitation:
    return Invitation(name=row.name, role=row.role or "reviewer", reviewer_id=row.reviewer_id, expires=row.expires)


def _is_before(at: str, until: str) -> bool:
    return datetime.fromisoformat(at) < datetime.fromisoformat(until)


def _reviewer(row: Any) -> Reviewer:
    return Reviewer(
        id=row.id, name=row.name, role=row.role, language=row.language, created=row.created, active=bool(row.active)
    )
