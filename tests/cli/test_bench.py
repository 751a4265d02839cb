"""`sayso bench`: what it says it would do, what it refuses, and its tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Call

from sayso.cli import BENCH
from sayso.loop.bench import results, tables

SETTINGS = (
    "comments=1", "tests=2", "drafts=2", "anchors=2", "candidates=1", "curve=[]", "sequences=0", "controls=shuffled",
    "max_new_tokens=4", "train.max_steps=1", "guard.rows_per_step=1", "draws=50",
)  # fmt: skip
SMALL = [word for item in SETTINGS for word in ("--set", item)]


@pytest.mark.parametrize("name", BENCH)
def test_help_names_the_flags(sayso: Call, name: str) -> None:
    said = sayso("bench", name, "--help")
    assert said.code == 0
    wanted = {"takes": ("--model", "--adapter", "--methods", "--tier", "--out", "--seed", "--dry-run", "--json"),
              "table": ("--into", "--json")}  # fmt: skip
    assert all(flag in said.out for flag in wanted[name])


def test_a_run_gives_a_table_and_a_result_that_can_be_shown_again(sayso: Call, tiny_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "takes"
    call = ("bench", "takes", "--model", tiny_folder, "--methods", "refine_sft", "--out", out, "--workers", "1", *SMALL)
    said = sayso(*call, "--json")
    assert said.code == 0
    assert [row["name"] for row in said.json["conditions"]][:2] == ["refine_sft", "refine_sft, shuffled comment"]
    assert said.json == json.loads((out / results.RESULT).read_text(encoding="utf-8"))
    assert "in context" in sayso(*call).out  # nothing is left to do: the same table
    left = sayso(*call, "--dry-run", "--json").json
    assert left["done"] == left["units"]
    assert left["seconds"] == 0
    page = tmp_path / "page.md"
    page.write_text(f"{tables.BEGIN}\n{tables.END}\n", encoding="utf-8")
    assert sayso("bench", "table", out, "--into", page).code == 0
    assert "| refine_sft, shuffled comment |" in page.read_text(encoding="utf-8")
    assert "](page-plane.svg)" in page.read_text(encoding="utf-8")
    assert (tmp_path / "page-plane.svg").read_text(encoding="utf-8") == (out / results.PLANE).read_text(encoding="utf-8")
    assert "| tiny-llama |" in sayso("bench", "table", out, out / results.RESULT).out


def test_a_dry_run_reckons_and_writes_nothing(sayso: Call, tiny_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "takes"
    said = sayso("bench", "takes", "--model", tiny_folder, "--out", out, "--workers", "1", "--dry-run", *SMALL)
    assert said.code == 0
    assert "minutes in 1 processes" in said.out
    assert not out.exists()


WRONG = [
    # what was typed, and what the line must name
    ("takes --tier qick", "unknown tier 'qick'"),
    ("takes --methods refine_stf", "did you mean 'refine_sft'"),
    ("takes --methods ,", "--methods: expected names"),
    ("takes --methods refine_sft,refine_sft", "twice"),
    ("takes --set comment=3", "did you mean 'comments'"),
    ("takes --set comments=many", "comments"),
    ("takes --set comments=0", "comments: found 0"),
    ("takes --set tests=21", "expected a number from 1 to 20"),
    ("takes --set train.max_stepz=1", "did you mean 'max_steps'"),
    ("takes --model ./no/such/folder", "./no/such/folder"),
    ("takes --adapter ./no/such/adapter", "./no/such/adapter"),
    ("takes --suite nowhere.jsonl", "no suite at 'nowhere.jsonl'"),
    ("takes --workers 0", "0"),
    ("table", "FILES"),
    ("table nowhere", "no result at 'nowhere'"),
    ("tabel nowhere", "did you mean 'table'"),
]


@pytest.mark.parametrize(("typed", "named"), WRONG)
def test_wrong_use_is_one_line_and_writes_nothing(
    sayso: Call, typed: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = sayso("bench", *typed.split())
    assert said.code == 2
    assert named in said.err
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []
