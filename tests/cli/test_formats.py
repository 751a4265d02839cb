"""Files of other tools, as a user brings them in and takes them out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Call
from tests.store.bridges.samples import LABEL_STUDIO, OPEN_WEBUI


@pytest.fixture
def folder(sayso: Call, tmp_path: Path, tiny_folder: Path) -> Path:
    """A workspace in which nothing was said."""
    sayso("init", tmp_path / "work", "--model", tiny_folder)
    return tmp_path / "work"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export of Label Studio."""
    path = tmp_path / "export.json"
    path.write_text(json.dumps(LABEL_STUDIO), encoding="utf-8")
    return path


def test_a_file_of_another_tool_comes_in_and_what_was_lost_is_listed(sayso: Call, folder: Path, export: Path) -> None:
    said = sayso("-C", folder, "comments", "import", export, "--format", "label-studio")
    assert (said.code, said.err) == (0, "")
    assert "Not taken in, since a comment has no place for it:" in said.out
    assert "annotations[].result[].value.rating" in said.out
    assert len(sayso("-C", folder, "comments", "list", "--json").json["comments"]) == 3


def test_auto_says_what_it_took_the_file_for(sayso: Call, folder: Path, export: Path) -> None:
    assert (
        "This looks like the format label-studio."
        in sayso("-C", folder, "comments", "import", export, "--format", "auto").out
    )
    found = sayso("-C", folder, "comments", "import", export, "--format", "auto", "--json").json
    assert (found["format"], found["guessed"], found["new"], found["known"]) == ("label-studio", True, 0, 5)
    assert {"what": "data.id", "count": 1, "reason": ""} not in found["lost"]
    assert [item for item in found["lost"] if item["what"] == "id"] == [{"what": "id", "count": 1, "reason": ""}]


@pytest.mark.parametrize("name", ["sayso", "open-webui", "trl"])
def test_a_wrong_format_gets_a_suggestion_and_imports_nothing(sayso: Call, folder: Path, export: Path, name: str) -> None:
    said = sayso("-C", folder, "comments", "import", export, "--format", name)
    assert said.code == 2
    assert "try --format label-studio" in said.err
    assert sayso("-C", folder, "comments", "list", "--json").json["comments"] == []


def test_a_name_that_is_no_format_gets_a_suggestion(sayso: Call, folder: Path, export: Path) -> None:
    said = sayso("-C", folder, "comments", "import", export, "--format", "openwebui")
    assert (said.code, "did you mean 'open-webui'" in said.err) == (2, True)
    said = sayso("-C", folder, "comments", "export", folder / "out", "--format", "trl-dpo")
    assert (said.code, "trl-preference" in said.err) == (2, True)


def test_a_dry_run_says_what_would_come_in_and_writes_nothing(sayso: Call, folder: Path, export: Path) -> None:
    said = sayso("-C", folder, "comments", "import", export, "--format", "label-studio", "--dry-run")
    assert "Would import 3 comments, 1 refinements" in said.out
    found = sayso("-C", folder, "comments", "import", export, "--format", "label-studio", "--dry-run", "--json").json
    assert (found["dry_run"], found["new"], found["wrong"]) == (True, 3, 0)
    assert sayso("-C", folder, "comments", "list", "--json").json["comments"] == []


def test_a_store_goes_out_to_a_training_tool_and_what_was_lost_is_listed(sayso: Call, folder: Path, export: Path) -> None:
    sayso("-C", folder, "comments", "import", export, "--format", "label-studio")
    out = folder / "pairs.jsonl"
    said = sayso("-C", folder, "comments", "export", out, "--format", "trl-preference")
    assert "Not written, since the format has no place for it:" in said.out
    assert "comment.text" in said.out
    (line,) = out.read_text(encoding="utf-8").splitlines()
    assert set(json.loads(line)) == {"prompt", "chosen", "rejected"}
    found = sayso("-C", folder, "comments", "export", out, "--format", "trl-preference", "--json").json
    assert (found["lines"], found["files"]) == (1, [str(out)])
    assert {item["what"] for item in found["lost"]} >= {"comment.text", "comment.spans"}


def test_words_changed_elsewhere_become_a_revision_only_when_asked(sayso: Call, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "feedback.json"
    rows = json.loads(json.dumps(OPEN_WEBUI))
    path.write_text(json.dumps(rows), encoding="utf-8")
    sayso("-C", folder, "comments", "import", path, "--format", "open-webui")
    rows[0]["data"]["comment"] = "Say where the gear is."
    path.write_text(json.dumps(rows), encoding="utf-8")
    assert sayso("-C", folder, "comments", "import", path, "--format", "open-webui").code == 2
    assert sayso("-C", folder, "comments", "import", path, "--format", "open-webui", "--revise").code == 0
    listed = sayso("-C", folder, "comments", "list", "--json").json["comments"]
    assert [item["id"] for item in listed] == ["open-webui-f1@2"]
