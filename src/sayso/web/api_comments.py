"""Comments: said, said differently, withdrawn, opened again; found again, and made to stand for all responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query

from sayso.store import details, reviewing
from sayso.text.cleaning import private
from sayso.web import forms, views
from sayso.web.asking import Asks, Kept, need_seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Comments:
    """A page of comments, newest first."""

    items: list[views.CommentView]
    next: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The personal data in a text."""

    found: list[private.Private]


routes = APIRouter(prefix="/api", tags=["comments"])


@routes.post("/responses/{response_id:path}/comments", status_code=201)
def say(asker: Asks, store: Kept, response_id: forms.Id, form: forms.CommentForm) -> views.CommentView:
    """Say something about a response; it is on disk when this answers."""
    need_seen(f"{form.text}\n{form.scope_text}", confirmed=form.confirmed_private)
    filled = reviewing.CommentForm(
        text=form.text, key=form.key, response_id=response_id, kind=form.kind, severity=form.severity, reach=form.reach,
        scope_text=form.scope_text, spans=places(form.spans), supersedes=tuple(form.supersedes),
    )  # fmt: skip
    return views.comment(reviewing.save_comment(store, asker.reviewer, filled), asker)


@routes.post("/comments/private-check")
def check(_asker: Asks, form: forms.TextForm) -> Found:
    """Return the personal data in a text, before anything is kept."""
    return Found(found=list(private.find(form.text)))


@routes.get("/comments")
def read_page(asker: Asks, store: Kept, asked: Annotated[forms.CommentsQuery, Query()]) -> Comments:
    """Return comments, newest first."""
    found = details.comment_page(
        store, search=asked.search, author=asked.author, status=asked.status, after=asked.after, limit=asked.limit
    )
    return Comments(items=views.comments(found.comments, asker), next=found.next)


@routes.get("/comments/{comment_id:path}")
def read(asker: Asks, store: Kept, comment_id: forms.Id) -> views.CommentView:
    """Return a comment."""
    return views.comment(store.comment(comment_id), asker)


@routes.patch("/comments/{comment_id:path}")
def edit(asker: Asks, store: Kept, comment_id: forms.Id, form: forms.EditForm) -> views.CommentView:
    """Say a comment differently: a new one supersedes it, and is returned."""
    changes: dict[str, Any] = dict(form)
    key, confirmed = changes.pop("key"), changes.pop("confirmed_private", False)
    need_seen(f"{changes.get('text', '')}\n{changes.get('scope_text', '')}", confirmed=confirmed)
    if "spans" in changes:
        changes["spans"] = places(changes["spans"])
    return views.comment(reviewing.edit_comment(store, asker.reviewer, comment_id, changes, key), asker)


@routes.post("/comments/{comment_id:path}/withdraw")
def withdraw(asker: Asks, store: Kept, comment_id: forms.Id, form: forms.ReasonForm) -> views.CommentView:
    """Take a comment back; it stays in the record."""
    return views.comment(reviewing.withdraw_comment(store, asker.reviewer, comment_id, form.reason), asker)


@routes.post("/comments/{comment_id:path}/reopen")
def reopen(asker: Asks, store: Kept, comment_id: forms.Id) -> views.CommentView:
    """Let a comment hold again."""
    return views.comment(reviewing.reopen_comment(store, asker.reviewer, comment_id), asker)


def places(spans: list[forms.SpanForm]) -> tuple[tuple[int, int], ...]:
    """Return spans as the store takes them."""
    return tuple((span.start, span.end) for span in spans)
