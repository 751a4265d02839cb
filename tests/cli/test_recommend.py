"""`sayso recommend`, and what `sayso plan` shows of examples and rows."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from tests.cli.conftest import Call, prints_of

from sayso.cli import console
from sayso.loop import competence


def test_the_first_line_is_a_command_that_runs(sayso: Call, workspace: Path) -> None:
    seen = []
    for _step in range(3):
        line = shlex.split(sayso("-C", workspace, "recommend").out.splitlines()[0])
        assert line[:3] == ["sayso", "-C", str(workspace)]
        seen.append(line[3])
        assert sayso(*line[1:]).code == 0
    assert seen == ["generate", "refine", "learn"]


def test_it_gives_the_ranking_as_json_and_changes_nothing(sayso: Call, evaluated: Path) -> None:
    before = prints_of(evaluated)
    found = sayso("-C", evaluated, "recommend", "--minutes", "30", "--json").json
    assert found["command"] == f"sayso -C {evaluated} learn --method {found['best']}"
    assert found["ranked"][0]["method"] == found["best"]
    assert all(item["seconds"] > 0 for item in found["ranked"])
    scores = [item["score"] for item in found["ranked"]]
    assert scores == sorted(scores, reverse=True)
    assert prints_of(evaluated) == before


def test_it_speaks_chinese(sayso: Call, evaluated: Path) -> None:
    said = sayso("--language", "zh", "-C", evaluated, "recommend").out
    assert "最合适" in said
    assert "fits best" not in said


@pytest.mark.parametrize("minutes", ["0", "-1", "soon"])
def test_a_time_that_is_none_is_wrong_use(sayso: Call, workspace: Path, minutes: str) -> None:
    assert sayso("-C", workspace, "recommend", "--minutes", minutes).code == 2


def test_outside_a_workspace_it_is_wrong_use(sayso: Call, tmp_path: Path) -> None:
    assert sayso("-C", tmp_path, "recommend").code == 2


def test_a_folder_with_a_space_is_quoted(sayso: Call, workspace: Path, tmp_path: Path) -> None:
    spaced = tmp_path / "my workspace"
    shutil.copytree(workspace, spaced)
    assert f"sayso -C '{spaced}' generate" in sayso("-C", spaced, "recommend").out


def test_the_plan_measures_competence_once_and_says_what_the_examples_show(sayso: Call, evaluated: Path) -> None:
    found = sayso("-C", evaluated, "plan", "--competence", "--json").json
    assert found["competence"]["n"] <= competence.MOST
    assert (evaluated / competence.FILE).is_file()
    assert found["signs"]["edit_ratio"] == found["edit_ratio"]
    assert {item["rule"] for item in found["warned"]} >= {"few_families"}
    said = sayso("-C", evaluated, "plan").out
    assert "told the comment, the model puts right" in said
    assert "refinements change" in said


def test_rows_are_painted_on_a_terminal_and_marked_elsewhere(
    sayso: Call, evaluated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sayso.cli import plan
    from sayso.loop.workspace import Workspace

    opened = Workspace.open(evaluated)
    found = opened.plan()
    opened.close()
    assert [line.count("«") for line in plan._painted(found)] == [1, 1, 1]
    monkeypatch.setattr(console, "in_colour", lambda: True)
    painted = plan._painted(found)
    assert len(painted) == 3
    assert all("\x1b[32m" in line and "\x1b[2m" in line and "«" not in line for line in painted)
