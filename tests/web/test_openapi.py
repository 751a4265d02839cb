"""The API as its OpenAPI describes it: whatever is sent, the server does not break."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from starlette.testclient import TestClient

from sayso.records import Refinement, Response, ask
from sayso.store import database, people, reviewing
from sayso.web import app

IDS = {"response_id": "r-2", "comment_id": "c-there", "refinement_id": "f-there", "reviewer_id": "v-nobody"}
EXAMPLES = 15
"""Of each way to ask, once as described and once otherwise."""
HOST = {"host": "127.0.0.1"}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The API of a store of its own, asked by a lead."""
    import schemathesis  # takes a second that the quick tests do not need

    clock = lambda: "2026-03-01T12:00:00+00:00"  # noqa: E731
    with_store = database.open(tmp_path_factory.mktemp("api") / "sayso.db", clock=clock)
    answers = [
        Response(id=f"r-{number}", prompt=ask("Write to Mei."), text=f"Dear Mei {number}", version=f"v{number}")
        for number in (1, 2)
    ]
    with_store.add_responses(answers)
    with_store.add_refinements([Refinement(id="f-there", response=answers[1], text="Dearest Mei")])
    lead = people.ensure_reviewer(with_store, "Lin", "lead")
    reviewing.save_comment(with_store, lead, reviewing.CommentForm(text="Warm.", key="there", response_id="r-2"))
    IDS["comment_id"] = with_store.comments()[0].id
    token = people.issue_token(with_store, "session", lead.id)
    yield schemathesis.openapi.from_asgi(
        "/api/openapi.json", app.make(with_store), headers={"authorization": f"Bearer {token}", **HOST}
    )
    with_store.close()


@pytest.mark.slow
def test_whatever_is_sent_the_server_does_not_break(described: Any) -> None:
    from schemathesis import GenerationMode

    asked = []
    for found in described.exclude(path="/api/events").exclude(path="/api/session").get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            with suppress(Unsatisfiable):  # where nothing is asked for, nothing can be asked for wrongly
                tried(operation, mode)
        asked.append(operation.label)
    assert len(asked) > 30


def tried(operation: Any, mode: Any) -> None:
    """Send what fits the description, or what does not; half of the time to something that is there."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    def send(case: Any) -> None:
        for name, value in case.path_parameters.items():
            if len(str(value)) % 2:
                case.path_parameters[name] = IDS[name]
        answer = case.call()
        assert answer.status_code < 500, (operation.label, answer.status_code, answer.text)

    send()


def test_the_description_names_every_way_to_ask(lead: TestClient) -> None:
    described = lead.get("/api/openapi.json").json()
    said = [about for methods in described["paths"].values() for about in methods.values()]
    assert len(said) > 30
    assert all(about["description"].endswith(".") for about in said)
    assert not any("Union" in name or "__" in name for name in described["components"]["schemas"])
