"""Promote and roll back."""

from __future__ import annotations

from pathlib import Path

import pytest

import sayso
from sayso.errors import NotFoundError, SettingsError
from sayso.loop.workspace import Workspace
from sayso.records import Version


def add(workspace: Workspace, name: str) -> None:
    (workspace.folder / "models" / name).mkdir()
    workspace.store.add_version(Version(id=name, path=f"models/{name}", form="full"))


def test_a_new_workspace_has_its_base_as_champion(workspace: Workspace):
    assert workspace.store.alias("champion") == "base"
    assert workspace.version("champion").form == "base"


def test_promoting_moves_the_alias_and_the_pointer(workspace: Workspace):
    add(workspace, "v1")
    moved = workspace.promote("v1")
    assert (moved.before, moved.after) == ("base", "v1")
    assert workspace.store.alias("champion") == "v1"
    assert (workspace.folder / "models" / "champion").resolve() == workspace.folder / "models" / "v1"


def test_rolling_back_twice_goes_two_versions_back(workspace: Workspace):
    for name in ("v1", "v2"):
        add(workspace, name)
        workspace.promote(name)
    assert workspace.rollback().after == "v1"
    assert workspace.rollback().after == "base"
    with pytest.raises(NotFoundError, match="no earlier champion"):
        workspace.rollback()


def test_promoting_an_unknown_version_changes_nothing(workspace: Workspace):
    with pytest.raises(NotFoundError):
        workspace.promote("v9")
    assert workspace.store.alias("champion") == "base"


def test_gate_without_an_evaluation_says_what_to_do(workspace: Workspace):
    with pytest.raises(NotFoundError, match="sayso learn"):
        workspace.gate()


def test_a_workspace_is_not_made_twice(workspace: Workspace, tiny_folder: Path):
    with pytest.raises(SettingsError, match="already"):
        sayso.init(workspace.folder, model=str(tiny_folder))


def test_a_folder_that_is_no_workspace_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(NotFoundError, match="sayso init"):
        sayso.open(tmp_path)
