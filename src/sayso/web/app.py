"""The application: the guard outside, inside it the pages, the files and the API, all over one open store."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp

from sayso.store import people
from sayso.web import (
    answers,
    api_comments,
    api_export,
    api_live,
    api_overview,
    api_pairs,
    api_people,
    api_responses,
    api_team,
    drawing,
    events,
    pages,
    security,
    signing,
    static,
)
from sayso.web.counting import Counting
from sayso.web.guard import Guard

if TYPE_CHECKING:
    from sayso.store.database import Store

_SILENT: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the page is served: the address it is bound to, other names it is reached under, the cookie's name."""

    host: str = "127.0.0.1"
    names: tuple[str, ...] = ()
    cookie: str = security.COOKIE
    """Browsers tell ports of one host apart in nothing but this name."""


def make(store: Store, place: Place | None = None, *, hub: events.Hub | None = None) -> ASGIApp:
    """Return the review page over an open store, ready for an ASGI server."""
    place = place or Place()
    hosts = security.hosts(place.host, place.names)
    app = api(store, place, hub or events.Hub(store))
    return Guard(app, who_is=lambda token: people.reviewer_by_token(store, token), hosts=hosts, cookie=place.cookie)


def api(store: Store, place: Place, hub: events.Hub) -> FastAPI:
    """Return what stands behind the guard; `make` puts the guard before it."""
    app = FastAPI(
        title="sayso", version=version("sayso"), openapi_url="/api/openapi.json", docs_url=None, redoc_url=None,
        redirect_slashes=False, telemetry=_SILENT,
    )  # fmt: skip
    draw, counting = drawing.Drawing(static.Statics()), Counting(store)
    answers.install(app, draw.refusal)
    static.install(app, draw.statics)
    app.include_router(signing.router(store, draw, place.cookie))
    app.include_router(pages.router(store, draw, counting, place.cookie))
    app.include_router(api_responses.router(store, counting))
    for routes in (api_people, api_comments, api_pairs, api_team, api_overview, api_export):
        app.include_router(routes.router(store))
    app.include_router(api_live.router(hub))
    return app
