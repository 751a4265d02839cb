"""An empty store with a clock that counts: on SQLite, and on a real PostgreSQL server, each test that asks for one."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from tools.postgres import Server

from sayso.records import Comment, Prompt, ask
from sayso.store import database
from sayso.store.database import Store
from sayso.store.tables import metadata

PLACES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]


def counting_clock() -> Callable[[], str]:
    start, ticks = datetime(2026, 1, 31, tzinfo=UTC), itertools.count()

    def now() -> str:
        return (start + timedelta(seconds=next(ticks))).isoformat()

    return now


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a migrated, empty database is: the path of a file, or a URL."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty"), tmp_path / "sayso.db")
        yield str(tmp_path / "sayso.db")
        return
    yield emptied(request.getfixturevalue("migrated_postgres"))


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    opened = database.open(place, clock=counting_clock())
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path, empty: Path) -> Iterator[Store]:
    """A store on SQLite, for what only SQLite has."""
    shutil.copy(empty, tmp_path / "sayso.db")
    opened = database.open(tmp_path / "sayso.db", clock=counting_clock())
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without records, to copy where a test needs many."""
    path = tmp_path_factory.mktemp("empty") / "sayso.db"
    database.open(path, clock=counting_clock()).close()
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Server) -> str:
    """A migrated database on PostgreSQL, which tests use one after another."""
    url = postgres.new()
    database.open(url, clock=counting_clock()).close()
    return url


def emptied(url: str) -> str:
    """Remove what a test before left in a database on PostgreSQL; making a new one for every test takes much longer."""
    names = sorted(metadata.tables)
    counters = [name for name in names if metadata.tables[name].autoincrement_column is not None]
    clearing = [
        "SET session_replication_role = replica",  # without foreign keys and without the guards that refuse it
        *(f"DELETE FROM {name}" for name in names),
        *(f"SELECT setval(pg_get_serial_sequence('{name}', 'seq'), 1, false)" for name in counters),
    ]
    with psycopg.connect(url, autocommit=True) as db:
        try:
            db.execute("; ".join(clearing))
        except psycopg.errors.UndefinedTable:  # a test went down to an earlier schema
            db.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    database.open(url, clock=counting_clock()).close()
    return url


@pytest.fixture(scope="module")
def full_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with a little in it, for tests that show that nothing changes."""
    opened = database.open(tmp_path_factory.mktemp("full") / "sayso.db", clock=counting_clock())
    opened.add_prompts([ask("known", family="f", split="test"), Prompt(id="mine", messages=ask("mine").messages)])
    opened.add_comments([Comment(id="earlier", text="Said earlier.")])
    yield opened
    opened.close()
