"""`sayso compare`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Call, prints_of

WORDS = [
    ("compare --methods ", "expected names"),
    ("compare --methods refine_sfd", "did you mean 'refine_sft'"),
    ("compare --methods refine_sft,refine_sft", "twice"),
    ("compare --methods refine_dpo:betta=1", "did you mean 'beta'"),
    ("compare --methods refine_dpo:beta", "refine_dpo:beta"),
    ("compare --seeds 0", "--seeds"),
    ("compare --steps 0", "--steps"),
    ("compare --seconds 0", "--seconds"),
    ("compare --steps 3 --tokens 100", "--steps --tokens were given together"),
    ("compare nowhere.yaml", "nowhere.yaml"),
    ("compare --out models", "holds no comparison"),
    ("compare --set train.max_stepz=3", "did you mean 'max_steps'"),
]


@pytest.mark.parametrize(("typed", "expected"), WORDS, ids=[typed for typed, _expected in WORDS])
def test_a_wrong_word_gets_one_line_and_nothing_is_changed(
    sayso: Call, workspace: Path, monkeypatch: pytest.MonkeyPatch, typed: str, expected: str
) -> None:
    monkeypatch.chdir(workspace)
    (workspace / "models" / "mine.txt").write_text("mine", encoding="utf-8")
    before = prints_of(workspace)
    said = sayso(*typed.split(" "))
    assert said.code == 2
    assert expected in said.err
    assert said.out == ""
    assert len(said.err.strip().splitlines()) == 1
    assert prints_of(workspace) == before


def test_a_dry_run_says_how_many_units_and_writes_nothing(sayso: Call, workspace: Path) -> None:
    before = prints_of(workspace)
    said = sayso(
        "-C", workspace, "compare", "--methods", "refine_sft,hindsight", "--seeds", 2, "--steps", 5, "--dry-run", "--json"
    )
    assert said.code == 0
    assert {key: said.json[key] for key in ("dry_run", "units", "done", "seeds", "budget")} == {
        "dry_run": True, "units": 4, "done": 0, "seeds": 2, "budget": "5 steps"
    }  # fmt: skip
    assert prints_of(workspace) == before


def test_a_comparison_prints_a_table_and_leaves_the_versions_alone(sayso: Call, workspace: Path, tmp_path: Path) -> None:
    models = sayso("-C", workspace, "models", "--json").json
    words = ("-C", workspace, "compare", "--methods", "refine_sft,refine_dpo", "--seeds", 1, "--set", "gate.draws=200")
    said = sayso(*words, "--out", tmp_path / "out")
    assert said.code == 0, said.err
    for part in ("refine_sft", "refine_dpo", "as it is", "in the prompt", "memory", "gain", "Nothing was promoted"):
        assert part in said.out
    assert sayso("-C", workspace, "models", "--json").json == models
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "run.json", "untrained.json", "units", "compare.json", "compare.md", "plane.svg"
    }  # fmt: skip
    again = sayso(*words, "--out", tmp_path / "out", "--json")
    found = again.json
    assert found["budget"]["kind"] == "tokens"
    spent = {row["name"]: row["spent"] for row in found["rows"] if row["kind"] == "method"}
    assert spent["refine_sft"]["tokens_trained"] == found["budget"]["amount"]
    assert spent["refine_dpo"]["tokens_trained"] <= found["budget"]["amount"] or spent["refine_dpo"]["steps"] == 1
    assert json.loads((tmp_path / "out" / "compare.json").read_text("utf-8")) == found
    refused = sayso(*words, "--out", tmp_path / "out", "--steps", 3)
    assert refused.code == 2
    assert "another budget.kind" in refused.err
    chinese = sayso("--language", "zh", *words, "--out", tmp_path / "out")
    assert "增益" in chinese.out
