"""A store with a few responses, a lead and two reviewers, and clients that are signed in as each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from sayso.records import Message, Prompt, Response, ask
from sayso.store import database, people
from sayso.store.database import Store
from sayso.web import app, security

ADDRESS = "http://127.0.0.1"


@dataclass
class Clock:
    """The time of the store, which a test can move on."""

    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> str:
        self.now += timedelta(milliseconds=1)
        return self.now.isoformat()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the responses, made once."""
    path = tmp_path_factory.mktemp("web") / "sayso.db"
    opened = database.open(path, clock=Clock())
    chat = Prompt(messages=(Message(role="system", content="Be kind."), Message(role="user", content="**Hello?**")))
    opened.add_responses(
        [
            Response(id="r-chat", prompt=chat, text="# Hi\n\nThere you are 😀, <b>friend</b>.", version="v1"),
            Response(id="r-2", prompt=ask("Write to Mei.", family="letters"), text="Dear Mei,\nthanks.", version="v1"),
            Response(id="r-3", prompt=ask("Write to Mei.", family="letters"), text="Mei! Thank you.", version="v2"),
        ]
    )
    opened.close()
    return path


@pytest.fixture
def store(tmp_path: Path, filled: Path, clock: Clock) -> Iterator[Store]:
    shutil.copy(filled, tmp_path / "sayso.db")
    opened = database.open(tmp_path / "sayso.db", clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def client_for(store: Store) -> Iterator[Callable[[str, people.ReviewerRole], TestClient]]:
    """Sign somebody in: returns a client with their session and the header that shows their page is ours."""
    made = app.make(store)
    clients = ExitStack()

    def sign_in(name: str, role: people.ReviewerRole) -> TestClient:
        token = people.issue_token(store, "session", people.ensure_reviewer(store, name, role).id)
        client = clients.enter_context(TestClient(made, base_url=ADDRESS, follow_redirects=False))
        client.cookies.set(security.COOKIE, token)
        client.headers[security.CSRF_HEADER] = security.csrf(token)
        return client

    with clients:
        yield sign_in


@pytest.fixture
def lead(client_for: Callable[[str, people.ReviewerRole], TestClient]) -> TestClient:
    return client_for("Lin", "lead")


@pytest.fixture
def mei(client_for: Callable[[str, people.ReviewerRole], TestClient]) -> TestClient:
    return client_for("Mei", "reviewer")


@pytest.fixture
def ann(client_for: Callable[[str, people.ReviewerRole], TestClient]) -> TestClient:
    return client_for("Ann", "reviewer")


@pytest.fixture
def stranger(store: Store) -> Iterator[TestClient]:
    """Somebody without a session."""
    with TestClient(app.make(store), base_url=ADDRESS, follow_redirects=False) as client:
        yield client
