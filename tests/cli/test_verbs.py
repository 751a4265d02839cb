"""Every verb, as a user calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Call, prints_of

from sayso.cli import COMMANDS, COMMENTS, takes
from sayso.records import Decision, Evaluation, Verdict

VERBS = [(name,) for name in COMMANDS] + [("comments", name) for name in COMMENTS]
FLAGS = {
    "demo": ("--comment", "--output", "--json"),
    "init": ("--model", "--json"),
    "doctor": ("--json",),
    "recommend": ("--minutes", "--config", "--set", "--seed", "--json"),
    "plan": ("--rows", "--competence", "--config", "--set", "--seed", "--json"),
    "generate": ("--prompts", "--export", "--config", "--set", "--seed", "--dry-run", "--json"),
    "comments add": ("--prompt", "--response", "--refinement", "--check", "--arg", "--scope", "--kind", "--json"),
    "comments import": ("--format", "--skip-bad", "--revise", "--dry-run", "--json"),
    "comments export": ("--format", "--json"),
    "comments list": ("--status", "--json"),
    "comments withdraw": ("--reason", "--json"),
    "critique": ("--config", "--set", "--seed", "--json"),
    "refine": ("--config", "--set", "--seed", "--dry-run", "--json"),
    "learn": ("--method", "--config", "--set", "--seed", "--dry-run", "--json"),
    "evaluate": ("--candidate", "--config", "--set", "--seed", "--dry-run", "--json"),
    "compare": ("--methods", "--seeds", "--steps", "--tokens", "--seconds", "--out", "--keep", "--config", "--dry-run"),
    "gate": ("--config", "--set", "--json"),
    "models": ("--json",),
    "promote": ("--dry-run", "--json"),
    "rollback": ("--json",),
    "report": ("--language", "--json"),
    "loop": ("--config", "--set", "--seed", "--dry-run", "--json"),
    "schema": (),
}


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_has_help_with_its_flags(sayso: Call, verb: tuple[str, ...]) -> None:
    said = sayso(*verb, "--help")
    assert said.code == 0
    assert "Usage: sayso" in said.out
    missing = [flag for flag in FLAGS.get(" ".join(verb), ()) if flag not in said.out]
    assert missing == []


def test_the_verbs_stand_in_the_order_of_the_loop(sayso: Call) -> None:
    listed = sayso("--help").out.split("Commands:")[1].split("\n")
    assert [line.split()[0] for line in listed if line.strip()] == list(COMMANDS)


def test_python_m_sayso_is_the_same_command() -> None:
    done = subprocess.run([sys.executable, "-m", "sayso", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()[0]) == (0, "sayso")


def test_help_is_in_the_users_language(sayso: Call) -> None:
    english, chinese = sayso("learn", "--help").out, sayso("--language", "zh", "learn", "--help").out
    assert "Train a candidate" in english
    assert "Train a candidate" not in chinese
    assert "候选" in chinese
    assert "用法" in chinese
    assert sayso("learn", "--help").out == english


def test_a_wrong_option_is_said_in_the_users_language(sayso: Call) -> None:
    said = sayso("--language", "zh", "learn", "--nothing")
    assert said.code == 2
    assert "选项" in said.err


def test_init_makes_a_workspace_and_names_the_next_step(sayso: Call, tiny_folder: Path, tmp_path: Path) -> None:
    said = sayso("init", tmp_path / "new", "--model", tiny_folder)
    assert said.code == 0
    assert (tmp_path / "new" / "sayso.yaml").is_file()
    assert "doctor" in said.out


def test_init_with_json_says_where_and_what(sayso: Call, tiny_folder: Path, tmp_path: Path) -> None:
    found = sayso("init", tmp_path / "new", "--model", tiny_folder, "--json").json
    assert found == {"workspace": str(tmp_path / "new"), "champion": "base", "model": str(tiny_folder)}


def test_doctor_loads_the_model_and_finds_the_workspace_healthy(sayso: Call, workspace: Path) -> None:
    said = sayso("-C", workspace, "doctor", "--json")
    states = {sign["name"]: sign["state"] for sign in said.json["signs"]}
    assert said.code == 0
    assert said.json["healthy"] is True
    assert states["model"] == states["workspace"] == states["torch"] == "ok"


def test_doctor_exits_1_when_the_model_is_gone(sayso: Call, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    assert sayso("init", tmp_path / "new", "--model", tmp_path / "model").code == 0
    said = sayso("-C", tmp_path / "new", "doctor")
    assert said.code == 1
    assert "fail" in said.out


def test_doctor_without_a_workspace_warns_and_says_how_to_make_one(sayso: Call, tmp_path: Path) -> None:
    said = sayso("-C", tmp_path, "doctor", "--json")
    sign = next(sign for sign in said.json["signs"] if sign["name"] == "workspace")
    assert said.code == 0
    assert sign["state"] == "warn"
    assert "sayso init" in sign["advice"]


def test_a_comment_is_added_listed_and_withdrawn(sayso: Call, workspace: Path) -> None:
    words = ("comments", "add", "Be kind.", "--check", "contains", "--arg", "text=please", "--json")
    added = sayso("-C", workspace, *words).json["id"]
    listed = sayso("-C", workspace, "comments", "list", "--json").json["comments"]
    assert [item["id"] for item in listed] == ["short", "thanks", added]
    assert listed[-1]["check"] == "contains"
    assert sayso("-C", workspace, "comments", "withdraw", added, "--reason", "wrong").code == 0
    assert len(sayso("-C", workspace, "comments", "list", "--json").json["comments"]) == 2
    withdrawn = sayso("-C", workspace, "comments", "list", "--status", "withdrawn", "--json").json["comments"]
    assert [item["id"] for item in withdrawn] == [added]


def test_a_comment_on_a_response_keeps_both(sayso: Call, workspace: Path) -> None:
    words = (
        "comments",
        "add",
        "Too long.",
        "--prompt",
        "How are you?",
        "--response",
        "Well, you see …",
        "--kind",
        "concern",
    )
    assert sayso("-C", workspace, *words).code == 0
    sayso("-C", workspace, "comments", "export", workspace / "out.jsonl")
    line = json.loads((workspace / "out.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (line["prompt"], line["response"], line["kind"]) == ("How are you?", "Well, you see …", "concern")


def test_what_is_exported_can_be_imported_elsewhere(sayso: Call, workspace: Path, tiny_folder: Path, tmp_path: Path) -> None:
    assert sayso("-C", workspace, "comments", "export", tmp_path / "out.jsonl", "--json").json["lines"] == 2
    sayso("init", tmp_path / "other", "--model", tiny_folder)
    said = sayso("-C", tmp_path / "other", "comments", "import", tmp_path / "out.jsonl", "--json")
    assert (said.json["comments"], said.json["new"]) == (2, 2)
    assert sayso("-C", tmp_path / "other", "comments", "import", tmp_path / "out.jsonl", "--json").json["known"] == 2


def test_a_faulty_line_stops_the_import_unless_it_may_be_skipped(sayso: Call, workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "Good."}\n{"txet": "Bad."}\n', encoding="utf-8")
    before = prints_of(workspace)
    said = sayso("-C", workspace, "comments", "import", path)
    assert said.code == 2
    assert "in.jsonl:2" in said.err
    assert prints_of(workspace) == before
    found = sayso("-C", workspace, "comments", "import", path, "--skip-bad", "--json").json
    assert (found["comments"], Path(found["bad_file"]).name) == (1, "in.bad.jsonl")


@pytest.mark.parametrize("shape", ["comments", "prompts", "responses"])
def test_schema_prints_a_json_schema(sayso: Call, shape: str) -> None:
    found = json.loads(sayso("schema", shape).out)
    assert found["type"] == "object"
    assert found["properties"]


def test_models_names_the_champion(sayso: Call, workspace: Path) -> None:
    assert "champion" in sayso("-C", workspace, "models").out
    assert sayso("-C", workspace, "models", "--json").json["aliases"] == {"champion": "base"}


def test_plan_says_what_there_is_to_learn(sayso: Call, workspace: Path) -> None:
    found = sayso("-C", workspace, "plan", "--json").json
    assert [item["id"] for item in found["comments"]] == ["short", "thanks"]
    assert (found["answered"], found["refused"], found["warnings"]) == (0, "", [])
    said = sayso("-C", workspace, "plan")
    assert "Start with thanks." in said.out
    assert "No prompt is answered yet" in said.out
    assert "sayso generate" in said.out
    assert "refused" not in said.out
    sayso("-C", workspace, "generate")
    found = sayso("-C", workspace, "plan", "--json").json
    assert found["note"] == ""
    assert found["refused"]  # answered, and not refined yet


DRY = [
    ("generate",), ("refine",), ("learn",), ("evaluate", "--candidate", "base"), ("promote", "base"), ("loop",),
]  # fmt: skip


@pytest.mark.parametrize("words", DRY, ids=lambda words: words[0])
def test_a_dry_run_gives_numbers_and_writes_nothing(sayso: Call, workspace: Path, words: tuple[str, ...]) -> None:
    if words[0] == "learn":
        sayso("-C", workspace, "generate")
        sayso("-C", workspace, "refine")
    before = prints_of(workspace)
    said = sayso("-C", workspace, *words, "--dry-run", "--json")
    assert said.code == 0, said.err
    assert said.json["dry_run"] is True
    assert len(said.json) > 2
    plain = sayso("-C", workspace, *words, "--dry-run")
    assert plain.code == 0
    assert len(plain.out.strip().splitlines()) == 1
    assert prints_of(workspace) == before


def test_a_dry_import_counts_and_writes_nothing(sayso: Call, workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "New."}\n{"txet": "Bad."}\n', encoding="utf-8")
    before = prints_of(workspace)
    found = sayso("-C", workspace, "comments", "import", path, "--dry-run", "--json").json
    assert (found["comments"], found["new"], found["wrong"]) == (1, 1, 1)
    assert prints_of(workspace) == before


def test_a_round_in_a_folder_without_a_workspace_would_make_one(sayso: Call, tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "round.yaml").write_text(f"model_name_or_path: {tiny_folder}\noutput_dir: mine\n", encoding="utf-8")
    found = sayso("loop", tmp_path / "round.yaml", "--dry-run", "--json").json
    assert (found["made"], found["workspace"]) == (True, str(tmp_path / "mine"))
    assert not (tmp_path / "mine").exists()


def test_the_steps_of_a_round_one_by_one(sayso: Call, workspace: Path) -> None:
    assert sayso("-C", workspace, "generate", "--json").json["responses"] > 0
    assert sayso("-C", workspace, "generate", "--json").json["responses"] == 0
    refined = sayso("-C", workspace, "refine", "--json").json
    assert refined["wanting"] == refined["kept"] + refined["rejected"]
    learnt = sayso("-C", workspace, "learn", "--method", "refine_dpo", "--json").json
    assert (learnt["method"], learnt["steps"], learnt["candidate"]) == ("refine_dpo", 2, "v1")
    assert sayso("-C", workspace, "learn", "--method", "refine_dpo", "--json").json["again"] is True
    evaluated = sayso("-C", workspace, "evaluate", "--json")
    assert evaluated.code == {"promote": 0, "refuse": 3, "unsure": 4}[evaluated.json["verdict"]]
    assert {item["id"] for item in evaluated.json["comments"]} == {"short", "thanks"}
    assert sayso("-C", workspace, "gate").code == evaluated.code
    assert sayso("-C", workspace, "promote", "--json").json == {"before": "base", "after": "v1"}
    assert sayso("-C", workspace, "rollback", "--json").json == {"before": "v1", "after": "base"}


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (("gate.min_probes=1000",), 4),
        (("gate.worthwhile=1.5", "gate.min_gain=1.2", "gate.min_probes=1"), 3),
    ],
    ids=["unsure", "refuse"],
)  # fmt: skip
def test_the_exit_code_says_the_verdict(sayso: Call, evaluated: Path, settings: tuple[str, ...], code: int) -> None:
    said = sayso("-C", evaluated, "gate", "--json", *(word for given in settings for word in ("--set", given)))
    assert said.code == code, said.out
    assert said.json["verdict"] == {3: "refuse", 4: "unsure"}[code]


def test_the_table_of_takes_has_a_row_a_comment(sayso: Call, evaluated: Path) -> None:
    said = sayso("-C", evaluated, "gate")
    assert "Answer in at most five words." in said.out
    assert "Start with thanks." in said.out
    assert "Verdict:" in said.out


def test_critique_by_rules_adds_comments(sayso: Call, workspace: Path) -> None:
    sayso("-C", workspace, "generate")
    rule = "critics={rules: {checks: [{name: contains, args: {text: please}}]}}"
    assert sayso("-C", workspace, "critique", "--set", rule, "--json").json["comments"] > 0
    assert sayso("-C", workspace, "critique", "--set", rule, "--json").json["comments"] == 0


@pytest.mark.parametrize(("verdict", "code"), [("promote", 0), ("refuse", 3), ("unsure", 4)])
def test_each_verdict_has_its_exit_code(verdict: Decision, code: int) -> None:
    decided = Verdict(verdict=verdict, reason="because")
    assert takes.exit_code(Evaluation(id="e", champion="base", candidate="v1", takes=(), verdict=decided)) == code
