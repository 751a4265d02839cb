"""One workspace as it is served: what an answer is made from. The application knows none; each request brings its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from sayso.store.database import Store
    from sayso.web.counting import Counting
    from sayso.web.events import Hub
    from sayso.web.gathered import Gathered
    from sayso.web.overview import Facts


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """The open store, what is remembered of it between requests, and the name of the cookie of its readers."""

    store: Store
    hub: Hub
    counting: Counting
    facts: Gathered[Facts]
    """What the overview shows."""
    agreement: Gathered[dict[str, Any]]
    """How far people agree."""
    cookie: str


def over(served: Served, app: ASGIApp) -> ASGIApp:
    """Return an application whose every request has the workspace as `served` in its state."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["served"] = served
        await app(scope, receive, send)

    return answer
