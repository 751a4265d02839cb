"""The reader: who they are, and the language of their page."""

from __future__ import annotations

from fastapi import APIRouter, Response

from sayso.store import people
from sayso.web import forms, views
from sayso.web.asking import Asks, Kept

routes = APIRouter(prefix="/api", tags=["me"])


@routes.get("/me")
def read_me(asker: Asks) -> views.Me:
    """Return who asks."""
    return views.me(asker.reviewer, asker.token)


@routes.put("/me")
def speak(asker: Asks, store: Kept, form: forms.LanguageForm) -> views.Me:
    """Choose the language of the page; it is remembered."""
    return views.me(people.set_language(store, asker.reviewer.id, form.language), asker.token)


@routes.delete("/session", status_code=204)
def sign_out(asker: Asks, store: Kept) -> Response:
    """Sign out: this session's token is worth nothing from now on."""
    people.revoke(store, asker.token)
    return Response(status_code=204)
