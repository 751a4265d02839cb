"""Files that a call names are taken in by every verb, and what the model wrote goes out to be commented on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import COMMENTS, Call, fresh, prints_of


@pytest.fixture
def empty(sayso: Call, tmp_path: Path, tiny_folder: Path) -> Path:
    """A workspace in which nothing was said, with short answers."""
    folder = tmp_path / "empty"
    sayso("init", folder, "--model", tiny_folder)
    with (folder / "sayso.yaml").open("a", encoding="utf-8") as file:
        file.write("generate: {max_new_tokens: 4}\nrefine: {refiners: [given, edit]}\ntrain: {max_steps: 2}\n")
    return folder


@pytest.fixture
def round_file(tmp_path: Path) -> Path:
    """A round that names prompts and comments."""
    folder = tmp_path / "round"
    folder.mkdir()
    (folder / "said.jsonl").write_text("".join(json.dumps(item) + "\n" for item in COMMENTS), encoding="utf-8")
    (folder / "asked.jsonl").write_text('{"prompt": "Who?"}\n{"prompt": "Where?"}\n', encoding="utf-8")
    (folder / "round.yaml").write_text("prompts: asked.jsonl\ncomments: said.jsonl\n", encoding="utf-8")
    return folder / "round.yaml"


def counts(sayso: Call, folder: Path) -> tuple[int, int]:
    from sayso.loop.workspace import Workspace

    workspace = Workspace.open(folder)
    found = len(workspace.store.comments()), sum(item.text in ("Who?", "Where?") for item in workspace.store.prompts())
    workspace.close()
    return found


@pytest.mark.parametrize("verb", ["plan", "generate", "refine"])
def test_a_verb_takes_in_the_files_that_its_settings_name(sayso: Call, empty: Path, round_file: Path, verb: str) -> None:
    said = sayso("-C", empty, verb, "--config", round_file)
    assert said.code == 0, said.err
    assert counts(sayso, empty) == (2, 2)


@pytest.mark.parametrize("verb", ["learn", "evaluate", "critique"])
def test_the_other_verbs_take_them_in_too(sayso: Call, empty: Path, round_file: Path, verb: str) -> None:
    assert sayso("-C", empty, verb, "--config", round_file).code == 2  # nothing to learn from, measure or judge by yet
    assert counts(sayso, empty) == (2, 2)


def test_a_verb_with_a_comments_file_works_on_its_comments_alone(sayso: Call, empty: Path, round_file: Path) -> None:
    sayso("-C", empty, "comments", "add", "Say nothing.")
    found = sayso("-C", empty, "plan", "--config", round_file, "--json").json
    assert [item["id"] for item in found["comments"]] == ["short", "thanks"]


@pytest.mark.parametrize("verb", ["generate", "refine", "learn"])
def test_a_dry_run_says_what_it_would_import_and_imports_nothing(
    sayso: Call, empty: Path, round_file: Path, verb: str
) -> None:
    before = prints_of(empty)
    said = sayso("-C", empty, verb, "--config", round_file, "--dry-run", "--json")
    assert said.code == 0, said.err
    assert said.json["import"] == {"comments": 2, "prompts": 2}
    assert "import 2 comments and 2 prompts" in sayso("-C", empty, verb, "--config", round_file, "--dry-run").out
    assert prints_of(empty) == before


def test_a_faulty_line_stops_a_verb_and_imports_nothing(sayso: Call, empty: Path, round_file: Path) -> None:
    with (round_file.parent / "said.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"text": "a", "check": {"name": "exclude"}}\n')
    for words in (("plan",), ("generate",), ("generate", "--dry-run"), ("loop", "--dry-run"), ("loop",)):
        said = sayso("-C", empty, *words, "--config", round_file)
        assert said.code == 2
        assert "said.jsonl:3: check: unknown check 'exclude'" in said.err
    assert counts(sayso, empty) == (0, 0)


def test_a_file_in_sayso_yaml_is_looked_for_in_the_workspace(sayso: Call, empty: Path, round_file: Path) -> None:
    (round_file.parent / "asked.jsonl").rename(empty / "asked.jsonl")
    with (empty / "sayso.yaml").open("a", encoding="utf-8") as file:
        file.write("prompts: asked.jsonl\n")
    assert sayso("-C", empty, "generate", "--json").json["responses"] == 2


def test_prompts_are_answered_and_the_responses_come_back_as_comments(
    sayso: Call, empty: Path, round_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "answers.jsonl"
    words = ("generate", "--prompts", round_file.parent / "asked.jsonl", "--export", out)
    found = sayso("-C", empty, *words, "--json").json
    assert found == {"responses": 2, "lines": 2, "file": str(out)}
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    said = "".join(json.dumps({**line, "text": "Be kind.", "refinement": "Gladly."}) + "\n" for line in lines)
    (tmp_path / "said.jsonl").write_text(said, encoding="utf-8")
    imported = sayso("-C", empty, "comments", "import", tmp_path / "said.jsonl", "--json").json
    assert (imported["comments"], imported["refinements"], imported["faults"]) == (2, 2, [])
    assert sayso("-C", empty, *words, "--json").json == {"responses": 0, "lines": 2, "file": str(out)}


def test_a_dry_run_of_an_export_writes_no_file(sayso: Call, empty: Path, round_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    words = ("generate", "--prompts", round_file.parent / "asked.jsonl", "--export", out, "--dry-run")
    assert sayso("-C", empty, *words).code == 0
    assert not out.exists()


def test_a_refinement_is_added_with_its_comment_and_learnt_from(sayso: Call, empty: Path) -> None:
    words = ("Be kind.", "--prompt", "How are you?", "--response", "Fine.", "--refinement", "Fine, thank you!")
    added = sayso("-C", empty, "comments", "add", *words, "--json").json
    assert added["refinement"].startswith("f-")
    assert sayso("-C", empty, "plan", "--json").json["rows"] == 1


def test_a_faulty_refinement_adds_no_comment(sayso: Call, empty: Path) -> None:
    words = ("Be kind.", "--prompt", "How are you?", "--response", "Fine.", "--refinement", " ")
    assert sayso("-C", empty, "comments", "add", *words).code == 2
    assert counts(sayso, empty) == (0, 0)


def test_a_check_of_ones_own_is_found_in_the_current_folder(empty: Path, tmp_path: Path) -> None:
    (tmp_path / "my_own_checks.py").write_text("def short(text): return len(text) < 9\n", encoding="utf-8")
    words = ("-C", empty, "comments", "add", "Be short.", "--check", "my_own_checks:short")
    assert fresh(*words, cwd=tmp_path).code == 0
    assert fresh(*words, cwd=empty).code == 2


def test_a_withdrawn_comment_is_imported_whatever_its_check(sayso: Call, empty: Path, tmp_path: Path) -> None:
    line = {"text": "a", "check": {"name": "gone.module:thing"}, "status": "withdrawn"}
    (tmp_path / "in.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    assert sayso("-C", empty, "comments", "import", tmp_path / "in.jsonl").code == 0
