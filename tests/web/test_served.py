"""One application for any number of workspaces: each answer comes from the one that was asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from sayso.records import Response, ask
from sayso.store import database, people
from sayso.store.database import Store
from sayso.web import app, security

CLOCK = "2026-03-01T12:00:00+00:00"


def workspace(folder: Path, name: str) -> tuple[Store, str]:
    """A workspace with one response and one lead, both of that name; the lead's token."""
    folder.mkdir()
    store = database.open(folder / "sayso.db", clock=lambda: CLOCK)
    store.add_responses([Response(id=f"r-{name}", prompt=ask("Hello?"), text=f"Here is {name}.", version=name)])
    return store, people.issue_token(store, "session", people.ensure_reviewer(store, name, "lead").id)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[tuple[str, TestClient]]]:
    """Two workspaces, each with a client of its lead."""
    with ExitStack() as opened:
        found = []
        for name in ("East", "West"):
            store, token = workspace(tmp_path / name, name)
            opened.callback(store.close)
            served = app.make(store, app.Place(cookie=f"of_{name}"))
            client = opened.enter_context(TestClient(served, base_url="http://127.0.0.1", follow_redirects=False))
            client.cookies.set(f"of_{name}", token)
            client.headers[security.CSRF_HEADER] = security.csrf(token)
            found.append((name, client))
        yield found


def test_each_workspace_answers_with_what_is_its_own(two: list[tuple[str, TestClient]]) -> None:
    for _again in range(2):  # what is remembered between requests is its own too
        for name, client in two:
            assert [item["id"] for item in client.get("/api/queue").json()["items"]] == [f"r-{name}"]
            assert [item["version"] for item in client.get("/api/versions").json()["items"]] == [name]
            assert [item["name"] for item in client.get("/api/team").json()["reviewers"]] == [name]
            assert client.get("/api/overview").json()["totals"]["responses"] == 1
            assert f"Here is {name}." in client.get("/").text


def test_what_is_said_in_one_workspace_is_not_in_another(two: list[tuple[str, TestClient]]) -> None:
    (_east, one), (_west, other) = two
    said = one.post("/api/responses/r-East/comments", json={"text": "Warm.", "key": "k"})
    assert said.status_code == 201, said.text
    assert one.get("/api/overview").json()["totals"]["comments"] == 1
    assert other.get("/api/overview").json()["totals"]["comments"] == 0
    assert other.get("/api/comments").json()["items"] == []
    assert other.post("/api/responses/r-East/comments", json={"text": "Warm.", "key": "k"}).status_code == 404


def test_who_is_let_in_by_a_link_gets_the_cookie_of_the_workspace(two: list[tuple[str, TestClient]]) -> None:
    for name, client in two:
        link = client.post("/api/invitations", json={"name": "Mei", "role": "reviewer"}).json()["link"]
        token = link.rpartition("=")[2]
        came = client.post("/join", data={"invitation": token, "name": "Mei"}, headers={"origin": "http://127.0.0.1"})
        assert came.status_code == 303, came.text
        assert came.headers["set-cookie"].startswith(f"of_{name}=")
