"""Responses: the queue, one of them with everything about it, and what a reviewer does with it beside commenting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response

from sayso.store import answering, details, queue
from sayso.store.database import Store
from sayso.web import forms, views
from sayso.web.asking import Asks, Kept, Of
from sayso.web.counting import Counts
from sayso.web.served import Served


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """A page of the queue, and how to go on."""

    items: list[views.Line]
    next: str | None
    total: int
    at_least: bool
    """There are more than `total`."""
    counts: Counts


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionView:
    """A model version, and how many responses it wrote."""

    version: str
    responses: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Versions:
    """The versions that wrote something, the latest first."""

    items: list[VersionView]


routes = APIRouter(prefix="/api", tags=["responses"])


@routes.get("/queue")
def read_queue(asker: Asks, served: Of, asked: Annotated[forms.QueueQuery, Query()]) -> Queue:
    """Return a page of responses to read."""
    return page(served, asker, asked)


@routes.get("/versions")
def read_versions(_asker: Asks, store: Kept) -> Versions:
    """Return the versions that wrote something."""
    return versions(store)


@routes.get("/responses/{response_id:path}")
def read(asker: Asks, store: Kept, response_id: forms.Id) -> views.DetailView:
    """Return a response and everything about it."""
    return views.detail(details.detail(store, response_id, asker.reviewer.id), asker)


@routes.put("/responses/{response_id:path}/draft", status_code=204)
def keep_draft(asker: Asks, store: Kept, response_id: forms.Id, form: forms.DraftForm) -> Response:
    """Keep what is being written; only its writer sees it."""
    answering.save_draft(store, asker.reviewer, response_id, form.body)
    return Response(status_code=204)


@routes.delete("/responses/{response_id:path}/draft", status_code=204)
def drop_draft(asker: Asks, store: Kept, response_id: forms.Id) -> Response:
    """Forget what was being written."""
    answering.delete_draft(store, asker.reviewer, response_id)
    return Response(status_code=204)


@routes.put("/responses/{response_id:path}/verdict", status_code=204)
def judge(asker: Asks, store: Kept, response_id: forms.Id, form: forms.VerdictForm) -> Response:
    """Say how good a response is, or take that back."""
    answering.set_verdict(store, asker.reviewer, response_id, form.verdict)
    return Response(status_code=204)


@routes.post("/responses/{response_id:path}/state", status_code=204)
def mark(asker: Asks, store: Kept, response_id: forms.Id, form: forms.StateForm) -> Response:
    """Say that one is through with a response, leaves it out, or takes it up again."""
    answering.set_state(store, asker.reviewer, response_id, form.state)
    return Response(status_code=204)


@routes.post("/responses/{response_id:path}/refinements", status_code=201)
def refine(asker: Asks, store: Kept, response_id: forms.Id, form: forms.RefinementForm) -> views.RefinementView:
    """Keep a better response."""
    made = answering.save_refinement(store, asker.reviewer, response_id, form.text, form.addresses)
    return views.refinement(made, ())


@routes.post("/refinements/{refinement_id:path}/signoff", status_code=204)
def sign_off(asker: Asks, store: Kept, refinement_id: forms.Id, form: forms.SignoffForm) -> Response:
    """Accept or reject a refinement, or take one's decision back."""
    answering.sign_off(store, asker.reviewer, refinement_id, form.decision)
    return Response(status_code=204)


def versions(store: Store) -> Versions:
    """Return the versions that wrote something, the latest first."""
    return Versions(items=[VersionView(version=name, responses=number) for name, number in queue.versions(store).items()])


def page(served: Served, asker: Asks, asked: forms.QueueQuery) -> Queue:
    """Return a page of the queue."""
    found = queue.queue(
        served.store, asked.order, reviewer=asker.reviewer, version=asked.version, search=asked.search, state=asked.state,
        after=asked.after, limit=asked.limit,
    )  # fmt: skip
    everything = asked.state == "todo" and asked.version is None and not asked.search
    return Queue(
        items=[views.line(item) for item in found.items], next=found.next, total=found.total, at_least=found.at_least,
        counts=served.counting.of(asker.reviewer, found.total if everything else None),
    )  # fmt: skip
