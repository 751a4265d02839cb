"""The pages, and who may see which; a visitor without a session is told how to get one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from sayso import i18n
from sayso.errors import NotFoundError
from sayso.i18n import gettext as _
from sayso.records import plain
from sayso.store import details, people
from sayso.web import api_responses, forms, signing, views
from sayso.web.asking import Of
from sayso.web.drawing import Drawing, themed
from sayso.web.guard import Asker
from sayso.web.served import Served

PAGES = {
    "/": "review.html",
    "/team": "team.html",
    "/overview": "overview.html",
    "/adjudicate": "adjudicate.html",
    "/guideline": "guideline.html",
    "/ab": "ab.html",
}
CHOICES = "sayso_queue"
"""The cookie in which the page keeps the order and the choice of answers, `order.state`."""
LEADS = frozenset(("/adjudicate",))
"""Pages that only a lead is shown."""


def router(drawing: Drawing) -> APIRouter:
    """Return the routes of the pages."""
    routes = APIRouter(include_in_schema=False)

    def page(request: Request, served: Of, token: str = "", lang: str = "", response: str = "") -> Response:
        started = signing.start(served, request, token) if token else None
        if started is not None:
            return started
        asker: Asker | None = request.state.asker
        theme = themed(request)
        if lang in i18n.LANGUAGES:
            i18n.use(lang)
        if token or asker is None:
            return drawing.page("signin.html", None, status=401, theme=theme)
        if lang in i18n.LANGUAGES and lang != asker.reviewer.language:
            people.set_language(served.store, asker.reviewer.id, lang)
        path = request.url.path
        if path in LEADS and asker.reviewer.role != "lead":
            return drawing.page("error.html", asker, status=403, message=_("only a lead sees this page"), theme=theme)
        data = first_screen(served, asker, chosen(request), response) if path == "/" else None
        return drawing.page(PAGES[path], asker, data=data, theme=theme)

    for path in PAGES:
        routes.add_api_route(path, page, methods=["GET"])
    return routes


def chosen(request: Request) -> forms.QueueQuery:
    """Return how this browser's reader last chose to go through the queue; the usual way where that cannot be read."""
    order, _dot, state = request.cookies.get(CHOICES, "").partition(".")
    try:
        return forms.QueueQuery.model_validate({"order": order, "state": state})
    except ValidationError:  # whoever asks can send anything
        return forms.QueueQuery()


def first_screen(served: Served, asker: Asker, asked: forms.QueueQuery, wanted: str) -> dict[str, Any]:
    """Return what the first screen shows, so that it needs no further question: the queue, one response, the versions."""
    queue = api_responses.page(served, asker, asked)
    shown = wanted or (queue.items[0].id if queue.items else "")
    try:
        detail = views.detail(details.detail(served.store, shown, asker.reviewer.id), asker) if shown else None
    except NotFoundError:  # a link to a response that is not here: the page says so when it asks for it
        detail = None
    versions = plain(api_responses.versions(served.store))
    found = {"queue": plain(queue), "detail": plain(detail), "versions": versions["items"]}
    return found | {"order": asked.order, "state": asked.state}
