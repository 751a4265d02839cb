"""An empty store in a folder of its own, with a clock that counts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sayso.store import database
from sayso.store.database import Store


def counting_clock() -> Callable[[], str]:
    ticks = itertools.count()
    return lambda: f"2026-01-31T00:00:{next(ticks):02d}+00:00"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = database.open(tmp_path / "sayso.db", clock=counting_clock())
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without records, to copy where a test needs many."""
    path = tmp_path_factory.mktemp("empty") / "sayso.db"
    database.open(path, clock=counting_clock()).close()
    return path
