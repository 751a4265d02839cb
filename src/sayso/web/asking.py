"""What a route may ask for: who asks, that they are a lead, and of which workspace; what they must see before they save."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from sayso.i18n import gettext as _
from sayso.records import plain
from sayso.store.database import Store
from sayso.text.cleaning import private
from sayso.web.answers import Refusal
from sayso.web.guard import Asker
from sayso.web.served import Served


async def _asker(request: Request) -> Asker:
    asker: Asker | None = request.state.asker
    assert asker is not None  # the guard lets nobody else to the API
    return asker


async def _lead(request: Request) -> Asker:
    asker = await _asker(request)
    if asker.reviewer.role != "lead":
        raise Refusal(403, _("only a lead may do this"))
    return asker


async def _served(request: Request) -> Served:
    served: Served = request.state.served
    return served


async def _store(request: Request) -> Store:
    return (await _served(request)).store


Asks = Annotated[Asker, Depends(_asker)]
"""Whoever asks."""
Leads = Annotated[Asker, Depends(_lead)]
"""Whoever asks is a lead; others are answered 403."""
Of = Annotated[Served, Depends(_served)]
"""The workspace that is asked."""
Kept = Annotated[Store, Depends(_store)]
"""Its store."""


def need_seen(text: str, *, confirmed: bool) -> None:
    """Refuse a text with personal data until its writer has confirmed it."""
    found = () if confirmed else private.find(text)
    if found:
        message = _("this text holds personal data; take it out, or confirm that it is meant")
        raise Refusal(422, message, field="text", found=plain(found))
