"""The overview: what people say, how much is covered, what is new."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from sayso.store.database import Store
from sayso.web import overview
from sayso.web.asking import Asks
from sayso.web.gathered import Gathered


def router(store: Store) -> APIRouter:
    """Return the route of the overview."""
    routes = APIRouter(prefix="/api", tags=["overview"])
    facts = Gathered(store, overview.gather)

    @routes.get("/overview")
    def read_overview(_asker: Asks) -> dict[str, Any]:
        """Return themes of comments, coverage by family of prompts, what changed since the last version, and pictures."""
        return overview.shown(facts.get())

    return routes
