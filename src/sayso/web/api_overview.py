"""The overview: what people say, how much is covered, what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from sayso.store.database import Store
from sayso.web.asking import Asks
from sayso.web.gathered import Gathered

if TYPE_CHECKING:
    from sayso.web.overview import Facts


def router(store: Store) -> APIRouter:
    """Return the route of the overview."""
    routes = APIRouter(prefix="/api", tags=["overview"])
    facts = Gathered(store, _gather)

    @routes.get("/overview")
    def read_overview(_asker: Asks) -> dict[str, Any]:
        """Return themes of comments, coverage by family of prompts, what changed since the last version, and pictures."""
        from sayso.web import overview

        return overview.shown(facts.get())

    return routes


def _gather(store: Store) -> Facts:
    from sayso.web import overview  # scikit-learn, which the first page does not wait for

    return overview.gather(store)
