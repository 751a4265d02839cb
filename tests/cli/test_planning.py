"""`sayso plan` foresees every training; what takes one training alone says what it does with several."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Call, prints_of

TWO = ("--set", "stages=[{method: refine_sft, train: {max_steps: 3}}, {method: hindsight, train: {max_steps: 5}}]")


def test_a_plan_foresees_time_and_memory_of_every_stage_and_of_all(sayso: Call, evaluated: Path) -> None:
    planned = sayso("-C", evaluated, "plan", *TWO, "--json").json
    first, second = planned["stages"]
    assert [(stage["method"], stage["steps"]) for stage in (first, second)] == [("refine_sft", 3), ("hindsight", 5)]
    assert (first["rows"], first["tokens"]) == (planned["rows"], planned["tokens"])
    assert second["rows"] > 0
    for stage in (first, second):
        for kind in ("seconds", "memory"):
            assert 0 < stage["forecast"][kind]["low"] < stage["forecast"][kind]["value"] < stage["forecast"][kind]["high"]
        assert stage["choice"]["fits"]
        assert stage["forecast"]["parts"]["weights"] > 0
    assert planned["seconds"] == sum(stage["forecast"]["seconds"]["value"] for stage in (first, second))
    assert planned["memory"] == max(stage["forecast"]["memory"]["value"] for stage in (first, second))


def test_a_plan_that_does_not_fit_says_so_in_a_line(sayso: Call, evaluated: Path) -> None:
    said = sayso("-C", evaluated, "plan", "--set", "train.memory_limit=1MB")
    assert said.code == 0
    assert "Time: about" in said.out
    assert "Memory: up to" in said.out
    assert "1 MB are free for it" in said.out
    assert "1. refine_sft" not in said.out, "one training has no number"


@pytest.mark.slow
def test_learning_what_does_not_fit_is_warned_of_and_done(sayso: Call, evaluated: Path) -> None:
    said = sayso("-C", evaluated, "learn", "--set", "train.memory_limit=1MB", "--set", "train.max_steps=3", "--json")
    assert (said.code, "1 MB are free for it" in said.err, said.json["again"]) == (0, True, False)


@pytest.mark.slow
def test_a_dry_run_of_a_fine_tuning_foresees_its_memory(sayso: Call, tiny_folder: Path, tmp_path: Path) -> None:
    turns = '{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Well, hello."}]}\n'
    (tmp_path / "chats.jsonl").write_text(turns * 50, encoding="utf-8")
    words = ("finetune", tiny_folder, tmp_path / "chats.jsonl", "--out", tmp_path / "fine", "--dry-run")
    found = sayso(*words, "--json").json
    assert found["forecast"]["memory"]["value"] > 0
    assert found["choice"]["fits"]
    assert "Memory: up to" in sayso(*words).out


def test_one_stage_is_exported_and_several_only_by_number(sayso: Call, evaluated: Path, tmp_path: Path) -> None:
    words = ("-C", evaluated, "export", "--for", "trl", "--out", tmp_path / "out", *TWO)
    before = prints_of(evaluated)
    refused = sayso(*words)
    assert (refused.code, "stages: 2 trainings" in refused.err, "--stage 2" in refused.err) == (2, True, True)
    assert not (tmp_path / "out").exists()
    assert {name for name, seen in prints_of(evaluated).items() if before.get(name) != seen} <= {"sayso.db"}
    assert sayso(*words, "--stage", 1).code == 0
    second = sayso(*words, "--stage", 2)
    assert second.code == 0
    assert "put what stage 1 came to in its place" in second.out
    assert "privileged_context" in (tmp_path / "out" / "train.jsonl").read_text("utf-8"), "hindsight's rows"
    assert "have 2 stages" in sayso(*words, "--stage", 3).err


def test_a_comparison_of_single_methods_refuses_stages_by_name(sayso: Call, evaluated: Path) -> None:
    for more in ((), ("--dry-run",)):
        said = sayso("-C", evaluated, "compare", *TWO, *more)
        assert (said.code, "--set stages=[]" in said.err) == (2, True)
    assert not (evaluated / "compare").exists()
