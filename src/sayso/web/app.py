"""The application: the guard outside, inside it the pages, the files and the API, which are the same for every workspace."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
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
    served,
    signing,
    static,
)
from sayso.web.counting import Counting
from sayso.web.gathered import Gathered
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
    workspace = served.Served(
        store=store, hub=hub or events.Hub(store), counting=Counting(store), facts=Gathered(store, api_overview.facts),
        agreement=Gathered(store, api_team.agreement), cookie=place.cookie,
    )  # fmt: skip
    hosts = security.hosts(place.host, place.names)
    inside = served.over(workspace, application())
    return Guard(inside, who_is=lambda token: people.reviewer_by_token(store, token), hosts=hosts, cookie=place.cookie)


@cache
def application() -> FastAPI:
    """Return what stands behind the guard, made once: it holds nothing of a workspace, each request brings that along."""
    app = FastAPI(
        title="sayso", version=version("sayso"), openapi_url="/api/openapi.json", docs_url=None, redoc_url=None,
        redirect_slashes=False, telemetry=_SILENT,
    )  # fmt: skip
    draw = drawing.Drawing(static.Statics())
    answers.install(app, draw.refusal)
    static.install(app, draw.statics)
    app.include_router(signing.router(draw))
    app.include_router(pages.router(draw))
    for about in (api_responses, api_people, api_comments, api_pairs, api_team, api_overview, api_export, api_live):
        app.include_router(about.routes)
    return app
