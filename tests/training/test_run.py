"""The run folder: what is written, line by line, and what a resumed run does with it."""

from __future__ import annotations

import json

import pytest

from sayso.errors import StoreError
from sayso.methods.refine_dpo import RefineDpo
from sayso.training.run import keep, read
from sayso.training.settings import Train
from sayso.training.steps import Step


def record(number, **more):
    return Step(step=number, num_steps=9, loss=1.5, learning_rate=0.1, grad_norm=2.0, tokens=7, rows=3, **more)


def test_records_pass_through_and_stand_in_the_file(tmp_path):
    given = [record(1, sums={"margin": 0.5}), record(2, near=0.25)]
    assert list(keep(iter(given), tmp_path)) == given
    first, second = read(tmp_path)
    assert (first["step"], first["sums"], second["near"]) == (1, {"margin": 0.5}, 0.25)


def test_a_line_is_on_disk_before_the_next_step_is_taken(tmp_path):
    def run():
        yield record(1)
        assert [line["step"] for line in read(tmp_path)] == [1]
        yield record(2)

    assert len(list(keep(run(), tmp_path))) == 2


def test_a_resumed_run_cuts_the_file_back_to_where_it_is_taken_up(tmp_path):
    list(keep(iter([record(number) for number in (1, 2, 3, 4)]), tmp_path))
    with (tmp_path / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 5, "los')
    list(keep(iter([record(3, near=1.0), record(4)]), tmp_path))
    assert [(line["step"], line["near"]) for line in read(tmp_path)] == [(1, None), (2, None), (3, 1.0), (4, None)]


def test_a_finished_run_taken_up_again_keeps_its_lines(tmp_path):
    list(keep(iter([record(1)]), tmp_path))
    list(keep(iter([]), tmp_path))
    assert len(read(tmp_path)) == 1


def test_the_settings_are_written_beside(tmp_path):
    list(keep(iter([]), tmp_path, settings={"name": "refine_dpo", "method": RefineDpo(beta=0.25), "train": Train()}))
    found = json.loads((tmp_path / "settings.json").read_text(encoding="utf-8"))
    assert (found["name"], found["method"]["beta"], found["train"]["lora_r"]) == ("refine_dpo", 0.25, 16)


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be written"):
        list(keep(iter([record(1)]), tmp_path / "file"))


def test_no_run_has_no_metrics(tmp_path):
    assert read(tmp_path) == []
