"""The pages, and who may see which; a visitor without a session is told how to get one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from sayso import i18n
from sayso.errors import NotFoundError
from sayso.i18n import gettext as _
from sayso.records import plain
from sayso.store import details, people
from sayso.web import api_responses, forms, signing, views
from sayso.web.counting import Counting
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


def router(store: Store, drawing: Drawing, counting: Counting, cookie: str) -> APIRouter:
    """Return the routes of the pages."""
    routes = APIRouter(include_in_schema=False)

    def page(request: Request, token: str = "", lang: str = "", response: str = "") -> Response:
        if token:
            return signing.start(store, cookie, request, token) or drawing.page("signin.html", None, status=401)
        asker: Asker | None = request.state.asker
        if lang in i18n.LANGUAGES:
            i18n.use(lang)
        if asker is None:
            return drawing.page("signin.html", None, status=401)
        if lang in i18n.LANGUAGES and lang != asker.reviewer.language:
            people.set_language(store, asker.reviewer.id, lang)
        path = request.url.path
        if path in LEADS and asker.reviewer.role != "lead":
            return drawing.page("error.html", asker, status=403, message=_("only a lead sees this page"))
        data = first_screen(store, counting, asker, response) if path == "/" else None
        return drawing.page(PAGES[path], asker, data=data)

    for path in PAGES:
        routes.add_api_route(path, page, methods=["GET"])
    return routes


def first_screen(store: Store, counting: Counting, asker: Asker, wanted: str) -> dict[str, Any]:
    """Return what the first screen shows, so that it needs no further question: the queue, one response, the versions."""
    queue = api_responses.page(store, counting, asker, forms.QueueQuery())
    shown = wanted or (queue.items[0].id if queue.items else "")
    try:
        detail = views.detail(details.detail(store, shown, asker.reviewer.id), asker) if shown else None
    except NotFoundError:  # a link to a response that is not here: the page says so when it asks for it
        detail = None
    versions = plain(api_responses.versions(store))
    return {"queue": plain(queue), "detail": plain(detail), "versions": versions["items"]}
