"""Rows of large files are encoded when they are asked for: the same rows in the same order as when all are encoded first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.training.test_fitting import quiet, same

from sayso.errors import PreflightError, RecordError
from sayso.text.files.lines import Lines
from sayso.training import finetuning, fitting
from sayso.training.material.asked import AskedRows
from sayso.training.material.data import Data, Material, gather
from sayso.training.material.mixture import Mixture

FEW = ["train.max_steps=4", "train.per_device_train_batch_size=4", "data.validation_share=0.2", "data.validation_tokens=300"]
ASKED = "data.encode_first_bytes=0"


def said(number: int, answer: str = "") -> dict[str, object]:
    turns = [("user", f"Say {number}."), ("assistant", answer or f"It is {number}. " * (1 + number % 3))]
    return {"messages": [{"role": role, "content": text} for role, text in turns]}


def write(path: Path, lines: list[dict[str, object] | str]) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=number % 2 == 0)
        for number, line in enumerate(lines)]  # fmt: skip
    path.write_text("\n".join(texts), encoding="utf-8")  # no line break after the last
    return path


@pytest.fixture
def chats(tmp_path: Path) -> list[Path]:
    """Two files, with blank lines at the edges and inside, and one line that begins with spaces."""
    first = write(tmp_path / "a.jsonl", ["", said(0), said(1), "  ", *map(said, range(2, 30)), "\u3000", said(30, "是的。")])
    second = write(tmp_path / "b.jsonl", ["   " + json.dumps(said(31)), *map(said, range(32, 40)), ""])
    return [first, second]


@pytest.fixture
def task(tiny_folder: Path):
    def make(files: list[Path], *more: str) -> fitting.Task:
        return finetuning.task(str(tiny_folder), files, finetuning.settings_of([], [*FEW, *more]))

    return make


def material(task: fitting.Task, place: Path) -> Material:
    return gather(task.source, task.data, place, seed=0, told=lambda _bytes: None)


def learnt(rows) -> list[tuple[tuple[int, ...], tuple[float, ...]]]:
    return [(row.ids, row.weights) for row in rows]


def test_they_are_the_same_rows_in_the_same_order(task, chats, tmp_path):
    first, asked = material(task(chats), tmp_path / "first"), material(task(chats, ASKED), tmp_path / "asked")
    assert isinstance(asked.train, AskedRows)
    assert not isinstance(first.train, AskedRows)
    assert learnt(asked.train) == learnt(first.train)
    assert 20 < len(asked.train) < 40
    assert asked.validation is not None
    assert first.validation is not None
    assert learnt(asked.validation) == learnt(first.validation)
    assert asked.validation.digest() == first.validation.digest()
    assert asked.train.tokens == first.train.tokens, "few enough to have tried them all"
    assert asked.train.digest() != first.train.digest()


def test_a_row_is_named_by_its_file_and_line(task, chats, tmp_path):
    asked = material(task(chats, ASKED, "data.validation_share=0"), tmp_path / "asked").train
    assert [asked[place].label for place in (0, 2, 30, 31)] == [
        f"{chats[0]}:2", f"{chats[0]}:5", f"{chats[0]}:34", f"{chats[1]}:1",
    ]  # fmt: skip
    assert asked[-1].label == f"{chats[1]}:9"


def test_training_comes_to_the_same_weights_and_measurements(task, chats, tmp_path):
    first = fitting.fit(task(chats), tmp_path / "first", quiet)
    asked = fitting.fit(task(chats, ASKED), tmp_path / "asked", quiet)
    assert same(tmp_path / "first", tmp_path / "asked")
    assert (first.loss, first.validation, first.tokens, first.rows) == (
        asked.loss, asked.validation, asked.tokens, asked.rows,
    )  # fmt: skip
    assert not (tmp_path / "asked" / "tokens" / "train").exists()


def test_what_is_held_back_is_noted_and_not_encoded_again(task, chats, tmp_path):
    before = material(task(chats, ASKED), tmp_path / "asked")
    written = (tmp_path / "asked" / "validation" / "ids.bin").stat().st_mtime_ns
    after = material(task(chats, ASKED), tmp_path / "asked")
    assert after.train.digest() == before.train.digest()
    assert (tmp_path / "asked" / "validation" / "ids.bin").stat().st_mtime_ns == written
    assert after.train.digest() != material(task(chats[:1], ASKED), tmp_path / "asked").train.digest()


def test_of_a_row_that_is_too_long_the_next_one_is_learnt_and_it_is_counted(task, tmp_path):
    files = [write(tmp_path / "a.jsonl", [said(0), said(1, "x" * 400), said(2), said(3, "y" * 400)])]
    asked = material(task(files, ASKED, "data.validation_share=0"), tmp_path / "asked")
    assert [row.label.rpartition(":")[2] for row in asked.train] == ["1", "3", "3", "1"]
    assert asked.left_out == 2


def test_if_all_are_too_long_it_is_said_before_training(task, tmp_path):
    files = [write(tmp_path / "a.jsonl", [said(number, "x" * 400) for number in range(5)])]
    with pytest.raises(PreflightError, match="all 5 rows that were tried are longer"):
        material(task(files, ASKED, "data.validation_share=0"), tmp_path / "asked")


WRONG = {
    "no JSON": ('{"messages": ', "a.jsonl:90: is not valid JSON"),
    "no answer": (json.dumps({"messages": [{"role": "user", "content": "?"}]}), "a.jsonl:90: found no answer"),
    "another key": ('{"text": "a"}', "a.jsonl:90: found the keys text"),
}


@pytest.mark.parametrize(("line", "expected"), WRONG.values(), ids=WRONG)
def test_a_wrong_line_is_said_though_it_is_not_its_turn(line, expected, task, tmp_path):
    lines = [*map(said, range(89)), line, *map(said, range(90, 150))]
    asked = material(task([write(tmp_path / "a.jsonl", lines)], ASKED, "data.validation_share=0"), tmp_path / "asked").train
    asked._checking.wait()
    with pytest.raises(RecordError, match=expected):
        asked[0]


def test_a_file_that_was_changed_is_not_read_on(tmp_path):
    path = write(tmp_path / "a.jsonl", [said(0), said(1)])
    lines = Lines([path])
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(RecordError, match="was changed since"):
        lines.record(0)


def test_lines_are_found_over_the_edges_of_what_is_read_at_once(tmp_path, monkeypatch):
    lines = ["", said(0), "", "", said(1), said(2), " ", said(3)]
    path = write(tmp_path / "a.jsonl", lines)
    for size in (1, 2, 3, 7, 64, 10_000):
        monkeypatch.setattr("sayso.text.files.lines._CHUNK", size)
        found = Lines([path])
        assert [found.record(number).where.rpartition(":")[2] for number in range(len(found))] == ["2", "5", "6", "8"]


def test_where_counting_decides_the_run_all_are_encoded_first(task, chats, tmp_path):
    assert not isinstance(material(task(chats, ASKED, "data.tokens=500"), tmp_path / "tokens").train, AskedRows)
    mixed = task(chats, ASKED, f"data.mixture={{{chats[0]}: 1, {chats[1]}: 1}}")
    assert isinstance(material(mixed, tmp_path / "mixed").train, Mixture)
    assert Data().encode_first_bytes > 1_000_000
