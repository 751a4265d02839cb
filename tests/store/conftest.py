"""An empty store in a folder of its own, with a clock that counts."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sayso.records import Comment, Prompt, ask
from sayso.store import database
from sayso.store.database import Store


def counting_clock() -> Callable[[], str]:
    ticks = itertools.count()
    return lambda: f"2026-01-31T00:00:{next(ticks):02d}+00:00"


@pytest.fixture
def store(tmp_path: Path, empty: Path) -> Iterator[Store]:
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


@pytest.fixture(scope="module")
def full_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with a little in it, for tests that show that nothing changes."""
    opened = database.open(tmp_path_factory.mktemp("full") / "sayso.db", clock=counting_clock())
    opened.add_prompts([ask("known", family="f", split="test"), Prompt(id="mine", messages=ask("mine").messages)])
    opened.add_comments([Comment(id="earlier", text="Said earlier.")])
    yield opened
    opened.close()
