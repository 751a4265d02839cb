"""`sayso learn` with several methods or comments apart, and `sayso compose`, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Call

WORDS = [
    ("learn --method refine_sft,hindsigt", "did you mean 'hindsight'"),
    ("learn --comments apart --method refine_sft,cut", "one method, and here are 2 stages"),
    ("learn --comments one", "--comments"),
    ("learn --set stages=[{metod:1}]", "stages"),
    ("compose base", "two versions or more"),
    ("compose base --merge", "is no adapter"),
    ("compose base base --weights 1,x", "expected numbers with commas"),
    ("compose nowhere base", "nowhere"),
]


@pytest.mark.parametrize(("typed", "expected"), WORDS, ids=[typed for typed, _expected in WORDS])
def test_a_wrong_word_gets_one_line(
    sayso: Call, workspace: Path, monkeypatch: pytest.MonkeyPatch, typed: str, expected: str
) -> None:
    monkeypatch.chdir(workspace)
    said = sayso(*typed.split(" "))
    assert said.code == 2
    assert expected in said.err
    assert len(said.err.strip().splitlines()) == 1


@pytest.mark.slow
def test_methods_in_sequence_and_comments_apart_from_the_command_line(sayso: Call, workspace: Path) -> None:
    here = ("-C", workspace)
    short = ("--set", "train.max_steps=1", "--set", "train.learning_rate=0.01")
    bye = {"id": "bye", "text": "End with bye.", "check": {"name": "ends_with", "args": {"text": "Bye."}}}
    (workspace / "more.jsonl").write_text(json.dumps(bye) + "\n", encoding="utf-8")
    assert sayso(*here, "comments", "import", workspace / "more.jsonl").code == 0
    sayso(*here, "generate")
    sayso(*here, "refine")
    planned = sayso(*here, "learn", "--method", "refine_sft,hindsight", *short, "--dry-run", "--json").json
    assert [stage["method"] for stage in planned["stages"]] == ["refine_sft", "hindsight"]
    done = sayso(*here, "learn", "--method", "refine_sft,hindsight", *short, "--json").json
    assert (done["candidate"], done["method"], [stage["method"] for stage in done["stages"]]) == (
        "v2", "hindsight", ["refine_sft"],
    )  # fmt: skip
    said = sayso(*here, "learn", "--method", "refine_sft", "--comments", "apart", *short)
    assert "one adapter with what v3, v4 learnt" in said.out
    assert "v5" in said.out
    judged = sayso(*here, "evaluate", "--set", "evaluate.max_new_tokens=8")
    assert judged.code in (3, 4)
    assert "learnt earlier" in judged.out
    full = sayso(*here, "compose", "v3", "v4", "--weights", "1,0.5", "--merge", "--json").json
    assert (full["candidate"], full["form"], full["parent"]) == ("v6", "full", "base")
    assert "composed before" in sayso(*here, "compose", "v3", "v4").out
    turns = sayso(*here, "learn", "--comments", "in-turn", *short, "--json").json
    assert len(turns["stages"]) == 1
