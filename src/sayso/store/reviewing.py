"""One response under review: what is said of it, and saying more: comments, better answers, verdicts, drafts.

Nothing is overwritten: an edited comment is a new one that supersedes the old, a withdrawn one can be reopened. What the
page sends twice (it sends again when it heard no answer) is kept once.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from sqlalchemy import Connection, select

from sayso.errors import ConflictError, NotAllowedError
from sayso.i18n import gettext as _
from sayso.records import Comment, Kind, Reach, Response, Severity, Span, identity
from sayso.store import intake, questions, tables
from sayso.store.database import Store
from sayso.store.people import Reviewer
from sayso.store.revisions import next_id
from sayso.store.rules import wrong

AROUND = 32
"""Characters kept before and after a span, to find it again."""
_CHOICES: dict[str, tuple[Any, ...]] = {
    "kind": get_args(Kind),
    "severity": (None, *get_args(Severity)),
    "reach": (None, *get_args(Reach)),
}
EDITABLE = ("text", "kind", "severity", "reach", "scope_text", "spans")


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentForm:
    """What a person fills in to comment."""

    text: str
    key: str = ""
    """Made by the page, once for each comment: the same words under one key are one comment. Empty: no such promise."""
    response_id: str | None = None
    """None: a standing comment."""
    kind: Kind = "fix"
    severity: Severity | None = None
    reach: Reach | None = None
    scope_text: str = ""
    spans: tuple[tuple[int, int], ...] = ()
    """Half-open offsets in the response as stored, in Unicode code points."""
    supersedes: tuple[str, ...] = ()


def save_comment(store: Store, reviewer: Reviewer, form: CommentForm) -> Comment:
    """Keep a comment; with a key that was used before, return what was kept then, unless other words come with it now.

    A draft can come back after its comment was kept, and be typed on under its key: then both are kept.

    Raises:
        NotFoundError: there is no such response.
        RecordError: the comment breaks a rule (no words, a span outside the response).
        NotAllowedError: it supersedes another person's comment.
    """
    with store.writing() as db:
        record_id = _keyed_id(reviewer, form.key)
        before = _kept(db, record_id)
        if before is not None and not _is_said(before, form):
            record_id = _keyed_id(reviewer, form.key, form)
            before = _kept(db, record_id)
        if before is not None:
            return before
        response = _response(db, form.response_id) if form.response_id is not None else None
        for older in form.supersedes:
            need_own(reviewer, questions.comment(db, older))
        comment = Comment(
            id=record_id, text=form.text, response=response,
            spans=_spans(response, form.spans), kind=form.kind, severity=form.severity, reach=form.reach,
            scope_text=form.scope_text.strip(), supersedes=form.supersedes, author=reviewer.name, created=store.clock(),
        )  # fmt: skip
        return _add(db, comment, store.clock())


def edit_comment(store: Store, reviewer: Reviewer, comment_id: str, changes: Mapping[str, Any], key: str = "") -> Comment:
    """Say a comment of one's own differently: a new comment supersedes it. `changes` has any of `EDITABLE`.

    Raises:
        ConflictError: it was superseded or withdrawn meanwhile; the error's field `newer` names the comment in its place.
        NotAllowedError: it is another person's.
        RecordError: a change breaks a rule, or names something that cannot be changed.
    """
    unknown = sorted(set(changes) - set(EDITABLE))
    if unknown:
        raise wrong(unknown[0], changes[unknown[0]], ", ".join(EDITABLE))
    with store.writing() as db:
        before = _kept(db, _keyed_id(reviewer, key))
        if before is not None and all(_part(before, name) == _plain_part(value) for name, value in changes.items()):
            return before
        old = questions.comment(db, comment_id)
        need_own(reviewer, old)
        _need_open(db, old)
        form = dict(changes)
        if "spans" in form:
            form["spans"] = _spans(old.response, form["spans"])
        new = dataclasses.replace(old, **form)
        if new == old:
            return old
        record_id = (_keyed_id(reviewer, key) if before is None else "") or next_id(db, old.id)
        at = store.clock()
        return _add(db, dataclasses.replace(new, id=record_id, supersedes=(old.id,), author=reviewer.name, created=at), at)


def withdraw_comment(store: Store, reviewer: Reviewer, comment_id: str, reason: str = "") -> Comment:
    """Withdraw a comment of one's own (a lead: anybody's); it stays, and is learnt from no more.

    Raises:
        ConflictError: it was edited meanwhile; the error's field `newer` names the comment that holds in its place.
        NotAllowedError: it is another person's.
    """
    with store.writing() as db:
        found = questions.comment(db, comment_id)
        need_own(reviewer, found)
        newer = _newer(db, comment_id) if found.status == "superseded" else None
        if newer is not None:
            raise _superseded(comment_id, newer)
        questions.withdraw(db, comment_id, reason, store.clock(), by=reviewer.id)
        return questions.comment(db, comment_id)


def reopen_comment(store: Store, reviewer: Reviewer, comment_id: str) -> Comment:
    """Take back a withdrawal; or, once what superseded it is withdrawn, let the comment before it hold again.

    Raises:
        ConflictError: another comment holds in its place; withdraw that first.
        NotAllowedError: it is another person's.
    """
    with store.writing() as db:
        found = questions.comment(db, comment_id)
        need_own(reviewer, found)
        if found.status == "open":
            return found
        newer = _newer(db, comment_id)
        if newer is not None:
            raise _superseded(comment_id, newer)
        questions.set_status(db, comment_id, "open")
        questions.log(db, store.clock(), "comment.reopened", [comment_id], {"by": reviewer.id})
        for older in found.supersedes:
            questions.supersede(db, older, comment_id, store.clock())
        return questions.comment(db, comment_id)


def need_own(reviewer: Reviewer, comment: Comment) -> None:
    """Raise NotAllowedError unless a comment is the person's own, or the person a lead."""
    if comment.author != reviewer.name and reviewer.role != "lead":
        raise NotAllowedError(
            "comment {id!r} was written by {author!r}; only they or a lead may change it",
            id=comment.id,
            author=comment.author,
        )


def _kept(db: Connection, record_id: str) -> Comment | None:
    return questions.comments_by_id(db, [record_id]).get(record_id) if record_id else None


def _keyed_id(reviewer: Reviewer, key: str, form: CommentForm | None = None) -> str:
    """Return the id that a key gives; with a form, the one that it gives to these words."""
    return f"c-{identity([reviewer.id, key, *([form] if form else [])])}" if key else ""


def _is_said(kept: Comment, form: CommentForm) -> bool:
    """Say whether a comment is what a form says."""
    about = kept.response.id if kept.response else None
    return about == form.response_id and all(_part(kept, name) == _plain_part(getattr(form, name)) for name in EDITABLE)


def _part(comment: Comment, name: str) -> Any:
    if name == "spans":
        return [[span.start, span.end] for span in comment.spans]
    return _plain_part(getattr(comment, name))


def _plain_part(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    return [list(place) for place in value] if isinstance(value, list | tuple) else value


def _response(db: Connection, response_id: str) -> Response:
    return questions.one(db, tables.responses, Response, response_id)


def _spans(response: Response | None, places: Sequence[Sequence[int]]) -> tuple[Span, ...]:
    text = response.text if response else ""
    spans = []
    for number, (start, end) in enumerate(places):
        if not 0 <= start < end <= len(text):
            expected = _("0 <= start < end <= {length}, the characters of the response").format(length=len(text))
            raise wrong(f"spans[{number}]", [start, end], expected)
        before, after = text[max(0, start - AROUND) : start], text[end : end + AROUND]
        spans.append(Span(start=start, end=end, quote=text[start:end], prefix=before, suffix=after))
    return tuple(spans)


def _add(db: Connection, comment: Comment, at: str) -> Comment:
    for name, known in _CHOICES.items():
        if getattr(comment, name) not in known:
            raise wrong(name, getattr(comment, name), ", ".join(filter(None, known)))
    room = questions.intake_for(db, [comment])
    intake.admit_comment(room, comment)
    questions.write(db, room, at)
    return comment


def _need_open(db: Connection, comment: Comment) -> None:
    if comment.status == "superseded":
        raise _superseded(comment.id, _newer(db, comment.id) or "")
    if comment.status == "withdrawn":
        raise ConflictError("comment {id!r} was withdrawn; reopen it first", id=comment.id, newer="")


def _newer(db: Connection, comment_id: str) -> str | None:
    """Return the open comment that holds in the place of one: what superseded it last, or what superseded that."""
    table = tables.events
    question = select(table.c.payload).where(table.c.subject == comment_id, table.c.kind == "comment.superseded")
    payload = db.scalar(question.order_by(table.c.seq.desc()).limit(1))
    if payload is None:
        return None
    newer = str(json.loads(payload)["by"])
    return newer if questions.comment(db, newer).status == "open" else _newer(db, newer)


def _superseded(comment_id: str, newer: str) -> ConflictError:
    return ConflictError("comment {id!r} was superseded by {newer!r}; change that one", id=comment_id, newer=newer)
