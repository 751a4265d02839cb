"""Whatever is wrong on the way in: one clear line, the right exit code, no traceback, and nothing is changed."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Call, fresh, prints_of

WORDS = [
    # what was typed, and what the line must name
    ("lern", "did you mean 'learn'"),
    ("nothing", "unknown command 'nothing'"),
    ("comments ad", "did you mean 'add'"),
    ("comments add", "TEXT"),
    ("comments add a b", "unexpected extra argument"),
    ("comments add a --kind blame", "'blame' is not one of"),
    ("comments add a --check nothing", "unknown check 'nothing'"),
    ("comments add a --check no.module:thing", "no.module:thing"),
    ("comments add a --check max_words", "max_words"),
    ("comments add a --check max_words --arg n", "expected key=value"),
    ("comments add a --check max_words --arg m=3", "'m'"),
    ("comments add a --check max_words --arg n=many", "'many'"),
    ("comments add a --arg n=3", "--check NAME"),
    ("comments add a --prompt b", "--prompt and --response"),
    ("comments add a --response b", "--prompt and --response"),
    ("comments add a --refinement b", "--prompt and --response"),
    ("comments add a --prompt b --response c --refinement ", "--refinement"),
    ("comments add ", "text"),
    ("comments import", "FILE"),
    ("comments import nowhere.jsonl", "no such file"),
    ("comments import .", "folder"),
    ("comments export", "FILE"),
    ("comments export nowhere/out.jsonl", "nowhere"),
    ("comments list --status gone", "'gone' is not one of"),
    ("comments withdraw", "ID"),
    ("comments withdraw short", "--reason"),
    ("comments withdraw shorn --reason x", "did you mean"),
    ("init", "DIR"),
    ("init new", "--model"),
    ("init new --model ./no/such/folder", "no folder './no/such/folder'"),
    ("init new --model champion", "'champion' is no model"),
    ("init new --model v3", "'v3' is no model"),
    ("init new --model ", "no model"),
    ("learn --method", "--method"),
    ("learn --method refine_sfd", "did you mean 'refine_sft'"),
    ("learn --method no.module:Thing", "no.module:Thing"),
    ("learn --set", "--set"),
    ("learn --set train", "expected key=value"),
    ("learn --set =3", "expected key=value"),
    ("learn --set train.max_stepz=3", "did you mean 'max_steps'"),
    ("learn --set trian.max_steps=3", "did you mean 'train'"),
    ("learn --set train.max_steps=many", "train.max_steps"),
    ("learn --set train.max_steps=-1", "max_steps"),
    ("learn --set train=3", "train"),
    ("learn --set train.max_steps.deep=3", "train.max_steps"),
    ("learn --set train.lr_scheduler_type=steep", "lr_scheduler_type"),
    ("learn --set train.max_steps=[1", "not valid YAML"),
    ("learn --set model_name_or_path=nobody", "nobody"),
    ("learn --seed -1", "-1"),
    ("learn --seed x", "'x'"),
    ("learn --config nowhere.yaml", "nowhere.yaml"),
    ("learn --config .", "folder"),
    ("learn --jsn", "--json"),
    ("learn more", "unexpected extra argument"),
    ("generate --set generate.temperature=hot", "generate.temperature"),
    ("generate --set generate.max_new_tokens=1.5", "generate.max_new_tokens"),
    ("refine --set refine.refiners=[nobody]", "unknown refiner 'nobody'"),
    ("critique nobody", "unknown critic 'nobody'"),
    ("critique", "needs the setting critics.rules.checks; say it in sayso.yaml, such as critics: {rules: {checks:"),
    ("critique reference", "needs the setting critics.reference.answers"),
    ("critique --set critics.rules.checkz=[]", "critics.rules: unknown key 'checkz'; expected checks"),
    ("critique --set critics.rules.checks=5", "found 5; expected a list"),
    ("generate --prompts nowhere.jsonl", "nowhere.jsonl"),
    ("plan --set model_name_or_path=./no/such", "no folder './no/such'"),
    ("evaluate", "candidate"),
    ("evaluate --candidate v9", "v9"),
    ("gate", "nothing was evaluated"),
    ("gate --set gate.alpha=often", "gate.alpha"),
    ("report", "nothing was evaluated"),
    ("report --language fr", "'fr' is not one of"),
    ("promote v9", "v9"),
    ("rollback", "no earlier champion"),
    ("loop nowhere.yaml", "nowhere.yaml"),
    ("schema", "comments|prompts|responses"),
    ("schema verdicts", "'verdicts' is not one of"),
    ("--language fr models", "'fr' is not one of"),
    ("--nothing", "--nothing"),
]
FILES = {
    "empty": (b"", "holds nothing"),
    "a list": (b"- a\n- b\n", "expected keys and values"),
    "a word": (b"hello\n", "expected keys and values"),
    "broken": (b"train: {max_steps: 3\n", "not valid YAML"),
    "tabs": (b"train:\n\tmax_steps: 3\n", "not valid YAML"),
    "unknown key": (b"trian: {}\n", "did you mean 'train'"),
    "unknown inner key": (b"train: {max_stepz: 3}\n", "did you mean 'max_steps'"),
    "a wrong type": (b"train: {max_steps: many}\n", "train.max_steps"),
    "a wrong section": (b"train: 3\n", "train"),
    "a wrong seed": (b"seed: often\n", "seed"),
    "a missing file": (b"comments: nowhere.jsonl\n", "nowhere.jsonl"),
    "Latin-1": ("method: caf\u00e9\n".encode("latin-1"), "UTF-8"),
    "UTF-16": ("method: refine_sft\n".encode("utf-16"), "UTF-8"),
    "nulls": (b"\0\0\0\0", "YAML"),
    "a tag": (b"method: !!python/object/apply:os.getcwd []\n", "YAML"),
    "a huge line": (b"method: " + b"x" * 100_000 + b"\n", "unknown method"),
}


def assert_one_line(code: int, err: str, expected: str) -> None:
    assert code in (1, 2), err
    assert expected in err
    assert "Traceback" not in err
    assert err.startswith("sayso: ")
    assert len(err.strip().splitlines()) == 1
    assert len(err) < 1100


@pytest.mark.parametrize(("typed", "expected"), WORDS, ids=[typed for typed, _expected in WORDS])
def test_a_wrong_word_gets_one_line(
    sayso: Call, workspace: Path, monkeypatch: pytest.MonkeyPatch, typed: str, expected: str
) -> None:
    monkeypatch.chdir(workspace)
    before = prints_of(workspace)
    said = sayso(*typed.split(" "))
    assert_one_line(said.code, said.err, expected)
    assert said.out == ""
    assert prints_of(workspace) == before


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("way", ["--config", "round", "sayso.yaml"])
def test_a_wrong_settings_file_gets_one_line(sayso: Call, workspace: Path, tmp_path: Path, name: str, way: str) -> None:
    content, expected = FILES[name]
    path = workspace / "sayso.yaml" if way == "sayso.yaml" else tmp_path / "given.yaml"
    path.write_bytes(content)
    before = prints_of(workspace)
    words = {"--config": ("learn", "--config", path), "round": ("loop", path), "sayso.yaml": ("learn",)}[way]
    said = sayso("-C", workspace, *words)
    assert_one_line(said.code, said.err, expected)
    assert prints_of(workspace) == before


@pytest.mark.parametrize("verb", ["models", "plan", "generate", "learn", "evaluate", "gate", "report", "rollback", "loop"])
def test_without_a_workspace_the_line_says_how_to_make_one(sayso: Call, tmp_path: Path, verb: str) -> None:
    said = sayso("-C", tmp_path, verb)
    assert_one_line(said.code, said.err, "sayso init")
    assert said.code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_round_without_a_model_and_without_a_workspace_says_so(sayso: Call, tmp_path: Path) -> None:
    (tmp_path / "round.yaml").write_text("method: refine_sft\n", encoding="utf-8")
    said = sayso("loop", tmp_path / "round.yaml")
    assert_one_line(said.code, said.err, "model_name_or_path")
    assert [path.name for path in tmp_path.iterdir()] == ["round.yaml"]


@pytest.mark.parametrize("model", ["champion", "./no/such/folder", "../gone/model"])
@pytest.mark.parametrize("words", [(), ("--dry-run",)], ids=["for real", "dry"])
def test_a_round_without_a_workspace_leaves_nothing_behind_when_its_model_is_none(
    sayso: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "round.yaml").write_text(f"model_name_or_path: {model}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    said = sayso("loop", "round.yaml", *words)
    assert_one_line(said.code, said.err, model)
    assert said.code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["round.yaml"]


def test_a_round_without_a_workspace_reads_its_files_before_it_makes_one(
    sayso: Call, tmp_path: Path, tiny_folder: Path
) -> None:
    (tmp_path / "c.jsonl").write_text('{"text": "a", "check": {"name": "exclude"}}\n', encoding="utf-8")
    (tmp_path / "round.yaml").write_text(f"model_name_or_path: {tiny_folder}\ncomments: c.jsonl\n", encoding="utf-8")
    said = sayso("loop", tmp_path / "round.yaml")
    assert_one_line(said.code, said.err, "c.jsonl:1: check: unknown check 'exclude'")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.jsonl", "round.yaml"]


def test_a_hugging_face_id_is_taken_without_loading_it(sayso: Call, tmp_path: Path) -> None:
    assert sayso("init", tmp_path / "new", "--model", "org/name", "--json").json["model"] == "org/name"


def test_init_twice_is_refused(sayso: Call, workspace: Path) -> None:
    before = prints_of(workspace)
    said = sayso("init", workspace, "--model", "x")
    assert_one_line(said.code, said.err, "is a workspace already")
    assert prints_of(workspace) == before


def test_a_file_in_place_of_a_folder_gets_one_line(sayso: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    said = sayso("init", tmp_path / "file" / "new", "--model", "x")
    assert_one_line(said.code, said.err, "file")
    assert said.code == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [("text", b"this is no database\n" * 100), ("zeros", b"\0" * 4096), ("cut", b"SQLite format 3\0" + b"\1" * 30)],
)
def test_a_damaged_database_gets_one_line(sayso: Call, workspace: Path, name: str, content: bytes) -> None:
    (workspace / "sayso.db").write_bytes(content)
    said = sayso("-C", workspace, "models")
    assert_one_line(said.code, said.err, "sayso.db")
    assert (workspace / "sayso.db").read_bytes() == content, name


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "no line"),
        (b"{\n", "in.jsonl:1"),
        (b'["a"]\n', "JSON list"),
        (b"\xff\xfea\0", "UTF-8"),
        (b'{"text": "caf\xe9"}\n', "in.jsonl:1"),
        (b'{"text": 7}\n', "in.jsonl:1"),
        (b'{"txet": "a"}\n', "in.jsonl:1"),
        (b'{"text": "a", "check": {"name": "max_words", "args": {"n": NaN}}}\n', "in.jsonl:1"),
        (b'{"text": "' + b"a" * 10_000_001 + b'"}\n', "in.jsonl:1"),
        (b'{"text": "a", "id": "short"}\n', "short"),
        (b'{"text": "a", "check": {"name": "exclude"}}\n', "in.jsonl:1: check: unknown check 'exclude'; did you mean"),
        (b'{"text": "a", "check": {"name": "excludes", "args": {"txt": 1}}}\n', "unknown argument 'txt'"),
        (b'{"text": "a", "check": {"name": "no.module:thing"}}\n', "no.module:thing"),
    ],
    ids=[
        "empty",
        "cut",
        "list",
        "UTF-16",
        "Latin-1",
        "type",
        "key",
        "NaN",
        "huge line",
        "taken id",
        "unknown check",
        "wrong argument",
        "check that is not there",
    ],
)
def test_a_wrong_comments_file_imports_nothing(
    sayso: Call, workspace: Path, tmp_path: Path, content: bytes, expected: str
) -> None:
    (tmp_path / "in.jsonl").write_bytes(content)
    before = prints_of(workspace)
    said = sayso("-C", workspace, "comments", "import", tmp_path / "in.jsonl")
    assert said.code == 2
    assert expected in said.err
    assert "Traceback" not in said.err
    assert max(map(len, said.err.splitlines())) < 1000
    assert prints_of(workspace) == before


def test_with_json_an_error_is_json_too(sayso: Call, workspace: Path) -> None:
    said = sayso("-C", workspace, "learn", "--set", "trian.x=1", "--json")
    assert said.code == 2
    assert said.json["exit_code"] == 2
    assert said.json["error"]["kind"] == "SettingsError"
    assert said.json["error"]["message"] in said.err


def test_with_json_a_wrong_flag_is_json_too(sayso: Call) -> None:
    said = sayso("learn", "--json", "--nothing")
    assert (said.code, said.json["error"]["kind"]) == (2, "UsageError")


def test_an_error_is_said_in_chinese(sayso: Call, tmp_path: Path) -> None:
    said = sayso("--language", "zh", "-C", tmp_path, "models")
    assert "工作区" in said.err
    assert "sayso init" in said.err


def test_our_own_bugs_keep_their_traceback(sayso: Call, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("sayso.loop.workspace.Workspace.rollback", broken)
    with pytest.raises(ZeroDivisionError):
        sayso("-C", workspace, "rollback")


def test_the_console_script_exits_with_the_code() -> None:
    said = fresh("lern")
    assert_one_line(said.code, said.err, "did you mean 'learn'")


def test_without_a_verb_the_help_is_shown() -> None:
    said = fresh()
    assert said.code == 2
    assert "Usage: sayso" in said.err


def test_json_is_the_last_line_of_a_real_call(workspace: Path) -> None:
    said = fresh("-C", workspace, "models", "--json")
    assert said.code == 0
    assert said.json["aliases"] == {"champion": "base"}
    assert said.err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_under_stdout_gets_one_line(workspace: Path) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        said = fresh("schema", "comments", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert_one_line(said.code, said.err, "refused")
    assert said.code == 1


def test_a_reader_that_goes_away_is_no_traceback(workspace: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", encoding="utf-8") as gone:
        said = fresh("schema", "comments", capture_output=False, stdout=gone, stderr=subprocess.PIPE)
    assert said.err == ""
    assert said.code == 1


def test_a_full_disk_keeps_what_was_there(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text(
        "".join(json.dumps({"text": f"Comment {number}. " + "x" * 900}) + "\n" for number in range(400)), encoding="utf-8"
    )
    before = prints_of(workspace)
    said = fresh("-C", workspace, "comments", "import", path, preexec_fn=_little_disk)
    assert_one_line(said.code, said.err, "sayso.db")
    assert said.code == 1
    assert prints_of(workspace) == before
    assert len(fresh("-C", workspace, "comments", "list", "--json").json["comments"]) == 2


def _little_disk() -> None:
    """Let no file grow past 300 kB: what a full disk looks like to one process."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


@pytest.mark.slow
def test_ctrl_c_stops_with_one_line_and_the_same_command_goes_on(workspace: Path) -> None:
    command = [sys.executable, "-c", "from sayso.cli.main import main; main()", "-C", str(workspace), "generate",
        "--set", "generate.batch_size=1", "--set", "generate.max_new_tokens=100"]  # fmt: skip
    environment = {**os.environ, "SAYSO_LANG": "en"}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert running.stderr is not None
    assert "generate" in running.stderr.readline()
    time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err.strip().splitlines()[-1] == "sayso: stopped; run the same command again to go on"
    assert "Traceback" not in err
    again = fresh("-C", workspace, "generate", "--dry-run", "--json").json
    assert again["answered"] > 0
    assert again["missing"] > 0
