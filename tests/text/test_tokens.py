"""Token files: what is written is read back, kept under its key, and never found half written."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import StoreError
from sayso.text import tokens
from sayso.text.tokens import Encoded

ROWS = [Encoded(ids=[1, 2, 3], learnt=[0, 0, 1], num_bytes=4), Encoded(ids=[7], learnt=[0], num_bytes=0),
    Encoded(ids=[5, 6], learnt=[0, 1], num_bytes=2)]  # fmt: skip


def read(file: tokens.TokenFile) -> list[tuple[list[int], list[int]]]:
    return [(ids.tolist(), learnt.tolist()) for ids, learnt in map(file.row, range(len(file)))]


@settings(max_examples=20)
@given(
    rows=st.lists(st.lists(st.tuples(st.integers(0, 70_000), st.integers(0, 1)), min_size=1, max_size=5), max_size=5),
    small=st.booleans(),
)
def test_rows_are_read_back_as_they_were_written(tmp_path_factory, rows, small):
    size = 1000 if small else 70_001
    made = [Encoded(ids=[i % size for i, _ in row], learnt=[w for _, w in row], num_bytes=1) for row in rows]
    file = tokens.write(tmp_path_factory.mktemp("tokens") / "t", made, key="k", vocab_size=size)
    assert read(file) == [(list(row.ids), list(row.learnt)) for row in made]
    assert file.lengths().tolist() == [len(row.ids) for row in made]


def test_it_knows_what_it_holds(tmp_path):
    facts = tokens.write(tmp_path / "t", ROWS, key="k", vocab_size=10).facts
    assert (facts.rows, facts.tokens, facts.targets, facts.num_bytes, facts.longest) == (3, 6, 2, 6, 3)


def test_the_digest_tells_rows_apart_that_have_the_same_tokens(tmp_path):
    def digest(*rows: list[int]) -> str:
        made = [Encoded(ids=ids, learnt=[1] * len(ids), num_bytes=1) for ids in rows]
        return tokens.write(tmp_path / "t", made, key="k", vocab_size=10).facts.digest

    assert len({digest([1, 2], [3]), digest([1], [2, 3]), digest([1, 2, 3]), digest([3], [1, 2])}) == 4
    assert digest([1, 2], [3]) == digest([1, 2], [3])


def test_it_is_kept_under_its_key_only(tmp_path):
    tokens.write(tmp_path / "t", ROWS, key="k", vocab_size=10)
    found = tokens.kept(tmp_path / "t", "k")
    assert found is not None
    assert len(found) == 3
    assert tokens.kept(tmp_path / "t", "other") is None
    assert tokens.kept(tmp_path / "nowhere", "k") is None


@pytest.mark.parametrize("name", ["ids.bin", "weights.bin", "offsets.bin", "rows.json"])
def test_a_damaged_one_is_not_taken(tmp_path, name):
    tokens.write(tmp_path / "t", ROWS, key="k", vocab_size=10)
    path = tmp_path / "t" / name
    path.write_bytes(path.read_bytes()[:-1])
    assert tokens.kept(tmp_path / "t", "k") is None or name == "rows.json"
    path.write_bytes(b"")
    assert tokens.kept(tmp_path / "t", "k") is None


def test_when_reading_breaks_off_what_was_there_stays_and_nothing_else(tmp_path):
    tokens.write(tmp_path / "t", ROWS, key="k", vocab_size=10)

    def broken():
        yield ROWS[0]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        tokens.write(tmp_path / "t", broken(), key="other", vocab_size=10)
    assert tokens.kept(tmp_path / "t", "k") is not None
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    def full(*_given: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(StoreError, match="cannot be written: No space left"):
        tokens.write(tmp_path / "t", ROWS, key="k", vocab_size=10)
