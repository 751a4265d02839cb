"""The overview: what people say, how much is covered, what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from sayso.web.asking import Asks, Of

if TYPE_CHECKING:
    from sayso.store.database import Store
    from sayso.web.overview import Facts


routes = APIRouter(prefix="/api", tags=["overview"])


@routes.get("/overview")
def read_overview(_asker: Asks, served: Of) -> dict[str, Any]:
    """Return themes of comments, coverage by family of prompts, what changed since the last version, and pictures."""
    from sayso.web import overview

    return overview.shown(served.facts.get())


def facts(store: Store) -> Facts:
    """Gather what the overview shows."""
    from sayso.web import overview  # scikit-learn, which the first page does not wait for

    return overview.gather(store)
