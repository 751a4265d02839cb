"""The pages, and who may see which; a visitor without a session is told how to get one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from sayso import i18n
from sayso.i18n import gettext as _
from sayso.store import review
from sayso.web import signing
from sayso.web.drawing import Drawing
from sayso.web.guard import Asker

if TYPE_CHECKING:
    from sayso.store.database import Store

PAGES = {
    "/": "review.html",
    "/team": "team.html",
    "/overview": "overview.html",
    "/adjudicate": "adjudicate.html",
    "/guideline": "guideline.html",
    "/ab": "ab.html",
}
LEADS = frozenset(("/adjudicate",))
"""Pages that only a lead is shown."""


def router(store: Store, drawing: Drawing, cookie: str) -> APIRouter:
    """Return the routes of the pages."""
    routes = APIRouter(include_in_schema=False)

    def page(request: Request, token: str = "", lang: str = "") -> Response:
        if token:
            return signing.start(store, cookie, request, token) or drawing.page("signin.html", None, status=401)
        asker: Asker | None = request.state.asker
        if lang in i18n.LANGUAGES:
            i18n.use(lang)
        if asker is None:
            return drawing.page("signin.html", None, status=401)
        if lang in i18n.LANGUAGES and lang != asker.reviewer.language:
            review.set_language(store, asker.reviewer.id, lang)
        path = request.url.path
        if path in LEADS and asker.reviewer.role != "lead":
            return drawing.page("error.html", asker, status=403, message=_("only a lead sees this page"))
        return drawing.page(PAGES[path], asker)

    for path in PAGES:
        routes.add_api_route(path, page, methods=["GET"])
    return routes
