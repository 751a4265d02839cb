"""Two versions side by side without their names, and what is said so often that it could stand for all responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response

from sayso.store import pairs, standing
from sayso.web import forms, rendering, views
from sayso.web.asking import Asks, Kept, need_seen


@dataclass(frozen=True, kw_only=True, slots=True)
class SideView:
    """One of two responses, without its version."""

    id: str
    text: str
    html: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PairView:
    """Two responses to one prompt; which stands left is chance, and stays so for one person."""

    prompt: views.PromptView
    left: SideView
    right: SideView


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairs:
    """Pairs that the reader has not chosen between yet."""

    items: list[PairView]
    next: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilarView:
    """A thing said, how often, and by which comments."""

    text: str
    n: int
    comment_ids: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilarOnes:
    """What was said already in nearly these words, the most frequent first."""

    items: list[SimilarView]


routes = APIRouter(prefix="/api", tags=["pairs"])


@routes.get("/pairs")
def read(asker: Asks, store: Kept, asked: Annotated[forms.PairsQuery, Query()]) -> Pairs:
    """Return pairs of responses of two versions to the same prompts."""
    found = pairs.blind_pairs(store, asked.a, asked.b, asker.reviewer, after=asked.after, limit=asked.limit)
    items = [
        PairView(prompt=views.prompt(pair.prompt), left=_side(pair.left), right=_side(pair.right)) for pair in found.items
    ]
    return Pairs(items=items, next=found.next)


@routes.post("/pairs", status_code=204)
def choose(asker: Asks, store: Kept, form: forms.ChoiceForm) -> Response:
    """Say which of two responses is better."""
    need_seen(form.reason, confirmed=form.confirmed_private)
    pairs.save_choice(store, asker.reviewer, form.left, form.right, form.choice, form.reason)
    return Response(status_code=204)


@routes.get("/pairs/tally")
def tally(_asker: Asks, store: Kept, asked: Annotated[forms.VersionsQuery, Query()]) -> pairs.Tally:
    """Return how often everybody chose each of two versions."""
    return pairs.choices_between(store, asked.a, asked.b)


@routes.get("/similar")
def similar(_asker: Asks, store: Kept, asked: Annotated[forms.SimilarQuery, Query()]) -> SimilarOnes:
    """Return what was said already in nearly these words."""
    found = standing.similar_comments(store, asked.text, asked.limit)
    return SimilarOnes(items=[SimilarView(text=one.text, n=one.n, comment_ids=list(one.comment_ids)) for one in found])


@routes.post("/standing", status_code=201)
def stand(asker: Asks, store: Kept, form: forms.StandingForm) -> views.CommentView:
    """Say a thing once and for all responses, or for a kind of prompt."""
    need_seen(f"{form.text}\n{form.scope_text}", confirmed=form.confirmed_private)
    made = standing.make_standing(store, asker.reviewer, form.text, form.scope_text, form.key)
    return views.comment(made, asker)


def _side(found: pairs.Side) -> SideView:
    return SideView(id=found.response_id, text=found.text, html=rendering.html(found.text))
