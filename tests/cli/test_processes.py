"""`--processes`: several processes train together, one speaks; what ends one ends all, and is said once."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tests.cli.conftest import fresh

from sayso.cli import launching
from sayso.errors import PeerError
from sayso.loop.workspace import Workspace


@pytest.mark.parametrize(("rank", "said"), [("0", "sayso review works in one process"), ("1", "")])
def test_a_verb_that_shares_no_work_is_refused_under_a_launcher(sayso, workspace, monkeypatch, rank, said):
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", "2")
    found = sayso("-C", workspace, "review")
    assert found.code == 2
    assert said in found.err
    assert bool(said) == bool(found.err)


def test_a_number_of_processes_that_is_not_the_launchers_is_refused(sayso, workspace, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    found = sayso("-C", workspace, "learn", "--processes", "3")
    assert (found.code, "the launcher started 2" in found.err) == (2, True)


def test_the_first_process_stands_for_all_or_whichever_failed():
    assert launching._code([0, 0], []) == 0
    assert launching._code([3, 1], []) == 3
    assert launching._code([0, 2], []) == 2
    assert launching._code([143, -15], [15]) == 143
    with pytest.raises(KeyboardInterrupt):
        launching._code([-15, -15], [15])
    with pytest.raises(PeerError, match="process 2 of 2 was ended by SIGKILL"):
        launching._code([0, -9], [])


@pytest.fixture
def refined(workspace: Path) -> Path:
    """A workspace in which there is something to learn."""
    opened = Workspace.open(workspace)
    opened.generate()
    opened.refine()
    opened.close()
    return workspace


@pytest.mark.slow
def test_two_processes_write_what_one_writes(workspace, tmp_path):
    shutil.copytree(workspace, tmp_path / "other")
    done = fresh("-C", tmp_path / "other", "generate", "--processes", "2", "--json", timeout=300)
    assert done.code == 0, done.err
    found = []
    opened = Workspace.open(workspace)
    assert opened.generate() == done.json["responses"]
    for workspaces in (opened, Workspace.open(tmp_path / "other")):
        found.append({(item.prompt.id, item.text) for item in workspaces.store.responses()})
        workspaces.close()
    assert found[0] == found[1]


@pytest.mark.slow
def test_two_processes_learn_one_candidate_and_one_speaks(refined):
    done = fresh("-C", refined, "learn", "--processes", "2", "--json", timeout=300)
    assert done.code == 0, done.err
    (line,) = done.out.splitlines()
    assert json.loads(line)["candidate"] == "v1"
    lines = done.err.splitlines()
    assert len(lines) == len(set(lines))
    again = fresh("-C", refined, "learn", "--processes", "2", "--json", timeout=300)
    assert again.json["again"]


@pytest.mark.slow
def test_two_processes_measure_a_task_as_one_does(tiny_folder, tmp_path):
    said = [(f"Tell me of {number}.", f"It is {number}.") for number in range(5)]
    turns = [[{"role": "user", "content": asked}, {"role": "assistant", "content": answer}] for asked, answer in said]
    lines = "".join(json.dumps({"messages": item}) + "\n" for item in turns)
    (tmp_path / "items.jsonl").write_text(lines, encoding="utf-8")
    few = ("--set", "generate.max_new_tokens=4", "--json")
    words = ("evaluate", "--task", "chat", tiny_folder, tmp_path / "items.jsonl", *few)
    one, two = (fresh(*words, *more, timeout=300) for more in ((), ("--processes", "2")))
    assert (one.code, two.code) == (0, 0), two.err
    for alone, shared in zip(one.json["standings"], two.json["standings"], strict=True):
        found = {metric["name"]: metric["value"] for metric in shared["metrics"]}
        assert found == pytest.approx({metric["name"]: metric["value"] for metric in alone["metrics"]}, abs=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("deepspeed") is None, reason="deepspeed is not installed")
def test_accelerate_has_deepspeed_share_a_training(refined):
    how = ["--use_deepspeed", "--zero_stage", "2", "--num_processes", "2", "--main_process_port", "0"]
    launch = [sys.executable, "-m", "accelerate.commands.launch", *how]
    done = subprocess.run(
        [*launch, "-m", "sayso", "-C", refined, "learn", "--json"], capture_output=True, text=True, timeout=300,
        env={**os.environ, "SAYSO_LANG": "en", "DS_ACCELERATOR": "cpu", "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["candidate"] == "v1"


@pytest.mark.slow
def test_a_training_that_fails_says_so_once(refined):
    wrong = ("train.learning_rate=1e30", "train.max_steps=6", "train.max_grad_norm=0")
    done = fresh(
        "-C", refined, "learn", "--processes", "2", *(word for item in wrong for word in ("--set", item)), timeout=300
    )
    assert done.code == 1
    assert done.err.count("sayso: ") == 1
    assert "Traceback" not in done.err


class Begun:
    """A long training in two processes."""

    def __init__(self, folder: Path) -> None:
        words = [
            "-C",
            str(folder),
            "learn",
            "--processes",
            "2",
            "--set",
            "train.max_steps=100000",
            "--set",
            "train.save_steps=1",
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sayso", *words],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SAYSO_LANG": "en"},
        )
        deadline = time.monotonic() + 300
        while not list(folder.glob("runs/*/checkpoints/step-00000002")):
            assert time.monotonic() < deadline, "it did not begin"
            assert self.process.poll() is None, self.process.stderr.read()
            time.sleep(0.1)
        self.trainers = psutil.Process(self.process.pid).children()

    def ended(self) -> tuple[int, str]:
        """Return the exit code and what was said, after everything has ended."""
        _out, said = self.process.communicate(timeout=300)
        assert not any(item.is_running() and item.status() != psutil.STATUS_ZOMBIE for item in self.trainers)
        return self.process.returncode, said


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_with_a_checkpoint(refined, number):
    begun = Begun(refined)
    begun.process.send_signal(number)
    code, said = begun.ended()
    assert (code, said.count("sayso: stopped")) == (128 + number, 1)
    assert "Traceback" not in said
    (metrics,) = refined.glob("runs/*/metrics.jsonl")
    steps = len(metrics.read_text().splitlines())
    assert list(refined.glob(f"runs/*/checkpoints/step-{steps:08d}"))


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_is_killed_ends_all(refined, rank):
    begun = Begun(refined)
    (killed,) = [item for item in begun.trainers if item.environ()["RANK"] == str(rank)]
    killed.kill()
    code, said = begun.ended()
    assert (code, said.count("sayso: ")) == (1, 1)
    assert "Traceback" not in said
