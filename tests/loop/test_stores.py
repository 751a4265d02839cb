"""Where a workspace keeps its records: beside its settings, or where settings or environment say."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.errors import SettingsError
from sayso.loop.workspace import SETTINGS, Workspace
from sayso.records import Comment


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    Workspace.init(tmp_path / "w", model=str(tmp_path / "model")).close()
    return tmp_path / "w"


def add_to_settings(folder: Path, line: str) -> None:
    path = folder / SETTINGS
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")


def test_the_environment_says_where_records_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_STORE", str(folder / "other.db"))
    workspace = Workspace.open(folder)
    workspace.comment(Comment(text="Be brief."))
    workspace.close()
    monkeypatch.delenv("SAYSO_STORE")
    workspace = Workspace.open(folder)
    assert workspace.store.comments() == []
    workspace.close()


def test_a_password_in_the_settings_is_refused_with_the_way_out(folder: Path) -> None:
    add_to_settings(folder, "store: postgresql://sayso:secret@127.0.0.1:1/sayso")
    with pytest.raises(SettingsError, match=r"SAYSO_STORE") as raised:
        Workspace.open(folder)
    assert "secret" not in str(raised.value)


def test_a_store_that_is_no_url_is_refused(folder: Path) -> None:
    add_to_settings(folder, "store: elsewhere.db")
    with pytest.raises(SettingsError, match="expected a postgresql:// URL"):
        Workspace.open(folder)


def test_a_caller_that_names_a_store_is_obeyed_over_the_environment(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_STORE", str(tmp_path / "team.db"))
    workspace = Workspace.open(folder, store=folder / "sayso.db")
    workspace.comment(Comment(text="Be brief."))
    workspace.close()
    assert not (tmp_path / "team.db").exists()
