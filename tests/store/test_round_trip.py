"""What goes in comes back equal: through the database, and through a file into an empty database."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from tests.store.conftest import counting_clock
from tests.store.generated import PROMPTS, comments, histories

from sayso.records import Comment, Prompt, Refinement
from sayso.store import database, exchange
from sayso.store.bodies import decode, encode
from sayso.store.database import Store

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
ODD = settings(max_examples=30, deadline=None, suppress_health_check=_SLOW)
FEW = settings(max_examples=12, deadline=None, suppress_health_check=_SLOW)
MANY = settings(max_examples=200, deadline=None, suppress_health_check=_SLOW)


def _open(empty: Path, folder: str, name: str = "sayso.db") -> Store:
    shutil.copy(empty, Path(folder) / name)
    return database.open(Path(folder) / name, clock=lambda: "2026-01-31T00:00:00+00:00")


@given(comments())
@ODD
def test_a_record_kept_as_text_comes_back_equal(comment: Comment) -> None:
    assert decode(Comment, encode(comment)) == comment


@given(history=histories())
@FEW
def test_an_export_imported_into_an_empty_store_gives_the_same_store(
    empty: Path, history: tuple[list[Comment], list[Refinement]]
) -> None:
    _round_trip(empty, *history)


@pytest.mark.slow
@given(history=histories())
@MANY
def test_many_more_exports_give_the_same_store(empty: Path, history: tuple[list[Comment], list[Refinement]]) -> None:
    _round_trip(empty, *history)


@given(history=histories())
@FEW
def test_comments_come_back_equal_but_for_the_status_that_later_ones_gave_them(
    empty: Path, history: tuple[list[Comment], list[Refinement]]
) -> None:
    said, better = history
    superseded = {older for comment in said for older in comment.supersedes}
    with tempfile.TemporaryDirectory() as name:
        store = _open(empty, name)
        store.add_comments(said)
        store.add_refinements(better)
        assert store.refinements() == better
        for before, after in zip(said, store.comments(None), strict=True):
            if before.id in superseded and before.status == "open":
                assert after.status == "superseded"
            else:
                assert after == before
        store.close()


@given(prompt=PROMPTS)
@FEW
def test_a_prompt_comes_back_equal_from_a_file(empty: Path, prompt: Prompt) -> None:
    with tempfile.TemporaryDirectory() as name:
        store = _open(empty, name)
        store.add_prompts([prompt])
        exchange.export_prompts(store, Path(name) / "prompts.jsonl")
        assert exchange.good_prompts(Path(name) / "prompts.jsonl") == (prompt,) == tuple(store.prompts())
        store.close()


def test_responses_come_back_equal_from_a_file(tmp_path: Path) -> None:
    line = '{"prompt": {"prompt": "hi", "family": "f"}, "response": {"text": "yo", "id": "mine"}, "version": "v1"}\n'
    (tmp_path / "in.jsonl").write_text(line, encoding="utf-8")
    store = database.open(tmp_path / "sayso.db", clock=counting_clock())
    imported = exchange.import_responses(store, tmp_path / "in.jsonl")
    exchange.export_responses(store, tmp_path / "out.jsonl")
    assert exchange.good_responses(tmp_path / "out.jsonl") == imported.responses == tuple(store.responses(version="v1"))
    assert store.responses(version="v2") == []
    store.close()


def _round_trip(empty: Path, said: list[Comment], better: list[Refinement]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, second = _open(empty, name, "first.db"), _open(empty, name, "second.db")
        first.add_comments(said)
        first.add_refinements(better)
        if said or better:
            lines = exchange.export_comments(first, folder / "all.jsonl.gz")
            imported = exchange.import_comments(second, folder / "all.jsonl.gz")
            assert (imported.faults, imported.new) == ((), lines)
            assert exchange.import_comments(second, folder / "all.jsonl.gz").known == lines
        assert second.comments(None) == first.comments(None)
        assert sorted(second.refinements(), key=lambda item: item.id) == sorted(
            first.refinements(), key=lambda item: item.id
        )
        assert {item.id for item in second.responses()} == {item.id for item in first.responses()}
        first.close()
        second.close()
