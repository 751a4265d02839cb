"""The token-level methods in a round: learnt, planned, and refused with a reason before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sayso.errors import PreflightError, SettingsError
from sayso.loop import importing, learning, planning, rounds
from sayso.loop.workspace import Workspace


def given(workspace, round_folder, **method):
    """Return the round's settings with a method, its files taken in and its prompts answered and refined."""
    read = rounds.read(round_folder / "round.yaml")
    settings = importing.take_in(workspace, workspace.settings({**read, "method": method}))
    workspace.generate(settings=settings)
    workspace.refine(settings=settings)
    return settings


@pytest.mark.parametrize(
    "method", [{"name": "edit_weighted", "spans": "narrow", "gate": None}, {"name": "cut", "threshold": 1.1, "alpha": 1.0}]
)
def test_a_round_learns_by_it(method, workspace: Workspace, round_folder: Path):
    settings = given(workspace, round_folder, **method)
    planned = planning.plan(workspace, settings)
    assert not planned.refused
    learnt = workspace.learn(settings=settings)
    assert learnt.run.method == method["name"]
    assert learnt.version.form == "adapter"
    lines = (workspace.folder / learnt.run.folder / "metrics.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 4
    assert all(0 <= json.loads(line)["sums"]["pushed"] <= 1 for line in lines)
    assert workspace.learn(settings=settings).again


def test_without_refinements_edits_are_refused_before_training_and_cut_is_not(workspace: Workspace, round_folder: Path):
    read = rounds.read(round_folder / "round.yaml")
    settings = importing.take_in(workspace, workspace.settings({**read, "method": "edit_weighted"}))
    workspace.generate(settings=settings)
    with pytest.raises(PreflightError, match=r"has a refinement, and this method learns from refinements"):
        workspace.learn(settings=settings)
    assert list((workspace.folder / "runs").iterdir()) == []
    other = workspace.settings({**read, "method": "cut"})
    assert learning.gather(workspace, other, learning.method_of(other)).examples
    assert not planning.plan(workspace, other).refused


def test_a_setting_that_a_method_has_not_is_named(workspace: Workspace):
    with pytest.raises(SettingsError, match="gates"):
        learning.method_of(workspace.settings({"method": {"name": "edit_weighted", "gates": 1}}))
