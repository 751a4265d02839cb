"""What a method would learn from, as a user takes it to another trainer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Call, prints_of

from sayso.loop.learning import gather, method_of
from sayso.loop.workspace import Workspace


@pytest.mark.parametrize(
    ("tool", "file"), [("trl", "train.jsonl"), ("llama-factory", "sayso.json"), ("ms-swift", "train.jsonl")]
)
def test_the_rows_are_those_that_learn_would_learn_from(
    sayso: Call, evaluated: Path, tmp_path: Path, tool: str, file: str
) -> None:
    out = tmp_path / "out"
    before = prints_of(evaluated)
    said = sayso("-C", evaluated, "export", "--for", tool, "--out", out)
    assert (said.code, said.err) == (0, "")
    assert "its README.md says what to run" in said.out
    assert "Not taken there:" in said.out
    assert "anchors" in said.out
    workspace = Workspace.open(evaluated)
    settings = workspace.settings()
    material = gather(workspace, settings, method_of(settings))
    workspace.close()
    found = sayso("-C", evaluated, "export", "--for", tool, "--out", out, "--json").json
    assert (found["for"], found["rows"]) == (tool, len(material.examples))
    assert {Path(path).name for path in found["files"]} == {path.name for path in out.iterdir()}
    assert str(out / file) in found["files"]
    held = len(material.near) + len(material.out)
    assert [item["count"] for item in found["lost"] if item["what"] == "anchors"] == [held]
    assert {name for name, seen in prints_of(evaluated).items() if before.get(name) != seen} <= {"sayso.db"}


def test_the_round_file_and_the_options_say_the_method(sayso: Call, evaluated: Path, tmp_path: Path) -> None:
    round_file = tmp_path / "round.yaml"
    round_file.write_text("method: {name: refine_dpo, beta: 0.25}\n", encoding="utf-8")
    out = tmp_path / "out"
    assert sayso("-C", evaluated, "export", round_file, "--for", "trl", "--out", out).code == 0
    row = json.loads((out / "train.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert set(row) == {"prompt", "chosen", "rejected"}
    assert '"beta": 0.25' in (out / "train.py").read_text(encoding="utf-8")
    assert sayso("-C", evaluated, "export", "--for", "trl", "--out", out, "--method", "hindsight").code == 0
    row = json.loads((out / "train.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert set(row) == {"prompt", "completion", "privileged_context"}


def test_what_cannot_be_taken_is_said_with_what_to_do(sayso: Call, evaluated: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = sayso("-C", evaluated, "export", "--for", "trl", "--out", out, "--method", "edit_weighted")
    assert (said.code, "refine_sft and refine_dpo" in said.err) == (2, True)
    said = sayso("-C", evaluated, "export", "--for", "ms-swift", "--out", out, "--method", "hindsight")
    assert (said.code, "take --for trl" in said.err) == (2, True)
    said = sayso("-C", evaluated, "export", "--for", "llamafactory", "--out", out)
    assert (said.code, "did you mean 'llama-factory'" in said.err) == (2, True)
    assert not out.exists()


def test_a_workspace_with_nothing_to_learn_from_says_so(sayso: Call, tiny_folder: Path, tmp_path: Path) -> None:
    sayso("init", tmp_path / "work", "--model", tiny_folder)
    said = sayso("-C", tmp_path / "work", "export", "--for", "trl", "--out", tmp_path / "out")
    assert (said.code, "no open comment" in said.err) == (2, True)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_folders_place_is_named(sayso: Call, evaluated: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")
    said = sayso("-C", evaluated, "export", "--for", "trl", "--out", tmp_path / "out")
    assert (said.code, "expected a folder to write into" in said.err) == (2, True)
