"""`sayso data dedup`, `decontaminate` and `split` as a person calls them; and killed in the middle."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest
from click.testing import CliRunner, Result

from sayso.cli.main import group

QUESTION = "Which of the seven hills of Rome was, in the days of the kings, the last to be settled by them?"


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(group, [str(argument) for argument in arguments])


def texts(path: Path, count: int, words: int = 60) -> Path:
    rng = random.Random(count)
    found = []
    for at in range(count):
        text = " ".join(f"w{rng.randrange(5000)}" for _ in range(words))
        found += [{"id": at, "text": text}] + [{"id": at, "text": f"{text} more"}] * (at % 3 == 0)
    path.write_text("".join(json.dumps(one) + "\n" for one in found))
    return path


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*"))}


def test_dedup_says_what_it_dropped_and_writes_the_rest(tmp_path: Path) -> None:
    source = texts(tmp_path / "a.jsonl", 9)
    said = call("data", "dedup", source, "--out", tmp_path / "out", "--to", "jsonl")
    assert said.exit_code == 0, said.output
    assert "nearly equal to another" in said.stdout
    assert "3 texts stood there several times, one of them 2 times." in said.stdout
    assert len((tmp_path / "out" / "part-00000.jsonl").read_text().splitlines()) == 9
    again = call("data", "dedup", source, "--out", tmp_path / "out", "--to", "jsonl", "--json")
    assert json.loads(again.stdout.splitlines()[-1])["again"] is True


def test_dedup_takes_its_options(tmp_path: Path) -> None:
    source = texts(tmp_path / "a.jsonl", 9)
    for number, (options, left) in enumerate(
        [(["--by", "equal"], 12), (["--threshold", "1"], 12), (["--threshold", "0"], 9), (["--by", "passages"], 12)]
    ):
        said = call("data", "dedup", source, "--out", tmp_path / str(number), "--to", "jsonl", "--json", *options)
        assert json.loads(said.stdout.splitlines()[-1])["documents_out"] == left, options
    longest = call("data", "dedup", source, "--out", tmp_path / "longest", "--to", "jsonl", "--keep", "longest")
    assert longest.exit_code == 0
    assert (tmp_path / "longest" / "part-00000.jsonl").read_text().count("more") == 3


def test_decontaminate_names_the_set_and_the_item(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(json.dumps({"text": f"A quiz: {QUESTION}"}) + '\n{"text": "clean"}\n')
    (tmp_path / "held.jsonl").write_text(json.dumps({"q": QUESTION}) + "\n")
    said = call("data", "decontaminate", tmp_path / "train.jsonl", "--against", f"quiz={tmp_path / 'held.jsonl'}",
        "--out", tmp_path / "out", "--to", "jsonl")  # fmt: skip
    assert said.exit_code == 0, said.output
    assert "2 documents: 1 dropped, 0 cut, 1 written." in said.stdout
    assert "quiz" in said.stdout
    assert "held.jsonl:1" in said.stdout
    assert (tmp_path / "out" / "part-00000.jsonl").read_text() == '{"text": "clean"}\n'


def test_split_writes_parts_and_a_leak_gives_another_exit_code(tmp_path: Path) -> None:
    source = texts(tmp_path / "a.jsonl", 60)
    out = tmp_path / "out"
    said = call("data", "split", source, "--out", out, "--to", "jsonl", "--test", "20", "--validation", "0", "--seed", "3")
    assert said.exit_code == 0, said.output
    clean = call("data", "split", "--check", out)
    assert (clean.exit_code, "Nothing leaks." in clean.stdout) == (0, True)
    first = (out / "train" / "part-00000.jsonl").read_text().splitlines()[0]
    (out / "test" / "zz.jsonl").write_text(first + "\n")
    leak = call("data", "split", "--check", out, "--json")
    assert leak.exit_code == 1
    assert json.loads(leak.stdout.splitlines()[-1])["leaks"] == {"text": 1, "near": 1}


def test_wrong_use_is_said_in_one_line(tmp_path: Path) -> None:
    source = texts(tmp_path / "a.jsonl", 2)
    for arguments, said in (
        (["dedup", "none.jsonl", "--out", "x"], "none.jsonl"),
        (["dedup", source, "--out", tmp_path / "x", "--field", "body"], "a.jsonl:1: found the fields id, text, not 'body'"),
        (["dedup", source, "--out", tmp_path], "holds something else"),
        (["split", source], "--out FOLDER is missing"),
        (["split", source, source, "--check"], "--check takes one folder"),
        (["split", source, "--out", "x", "--set", "split.shares=1"], "split.shares"),
        (["decontaminate", source, "--out", "x", "--against", "nothing.jsonl"], "nothing.jsonl"),
    ):
        result = call("data", *arguments)
        assert result.exit_code == 2, result.output
        assert said in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_to_the_same_bytes_and_leaves_no_process(tmp_path: Path) -> None:
    source = texts(tmp_path / "a.jsonl", 45_000, words=150)
    command = [sys.executable, "-m", "sayso", "data", "dedup", str(source), "--to", "jsonl", "--workers", "2", "--out"]
    working = tmp_path / ".killed.working" / "signed"
    process = subprocess.Popen([*command, str(tmp_path / "killed")], stderr=subprocess.DEVNULL, start_new_session=True)
    until = monotonic() + 120
    while not list(working.glob("signatures-*.npy")) and monotonic() < until:
        sleep(0.02)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed").exists()
    assert len(children) >= 2
    while any(_runs(int(child)) for child in children) and monotonic() < until:
        sleep(0.05)
    assert not any(_runs(int(child)) for child in children)
    subprocess.run([*command, str(tmp_path / "killed")], check=True, capture_output=True)
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    assert digest(tmp_path / "killed") == digest(tmp_path / "whole")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
