"""`sayso pretrain` as it is typed: mixtures, recurrent nets, rates, the page, and a run that is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

LSTM = ("--architecture", "lstm", "--set", "model.hidden_size=16", "--set", "model.num_hidden_layers=1")


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two files to mix."""
    monkeypatch.chdir(tmp_path)
    for name in ("cats", "dogs"):
        lines = [{"text": f"The {name} ran {number} miles."} for number in range(30)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return tmp_path


def test_a_mixture_needs_no_files_beside_it_and_a_page_is_written(sayso, texts, tiny_folder):
    words = ("pretrain", "--out", "run", "--tokenizer", tiny_folder, *LSTM, "--tokens", 2000,
        "--set", "data.mixture={cats.jsonl: 3, dogs.jsonl: 1}", "--set", "data.validation_share=0.2")  # fmt: skip
    foreseen = sayso(*words, "--dry-run")
    assert foreseen.code == 0
    assert "dogs.jsonl is seen" in foreseen.out
    assert not (texts / "run").exists()
    done = sayso(*words, "--json")
    assert done.code == 0
    assert done.json["mixture"]["cats.jsonl"] > 2 * done.json["mixture"]["dogs.jsonl"]
    assert len(done.json["samples"]) == 3
    page = (texts / "run" / "report.html").read_text(encoding="utf-8")
    assert "cats.jsonl" in page
    assert "<svg " in page
    again = sayso(*words)
    assert "was done before" in again.out
    assert "report.html" in again.out


def test_without_files_and_without_a_mixture_it_says_what_is_missing(sayso, texts, tiny_folder):
    refused = sayso("pretrain", "--out", "run", "--tokenizer", tiny_folder)
    assert refused.code == 2
    assert "no file was named" in refused.err


def test_rates_are_tested_and_drawn_and_the_training_may_follow(sayso, texts, tiny_folder):
    words = ("pretrain", "cats.jsonl", "--out", "run", "--tokenizer", tiny_folder, *LSTM)
    found = sayso(*words, "--find-rate")
    assert found.code == 0
    assert "--set train.learning_rate=" in found.out
    assert sorted(path.name for path in (texts / "run").iterdir()) == ["rates.json", "rates.svg"]
    assert sayso(*words, "--set", "train.max_steps=1").code == 0
    assert (texts / "run" / "model").is_dir()


@pytest.mark.slow
def test_killed_in_the_middle_of_an_epoch_it_goes_on_to_the_same_end(texts, tiny_folder):
    def command(out: str) -> list[str]:
        return [sys.executable, "-c", "from sayso.cli.main import main; main()", "pretrain", "--out", out,
            "--tokenizer", str(tiny_folder), *LSTM, "--set", "data.mixture={cats.jsonl: 3, dogs.jsonl: 1}", "--json",
            "--set", "train.per_device_train_batch_size=2", "--set", "train.save_steps=5",
            "--set", "train.num_train_epochs=4"]  # fmt: skip

    straight = subprocess.run(command("straight"), capture_output=True, text=True, check=True)
    running = subprocess.Popen(command("killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list((texts / "killed" / "checkpoints").glob("step-*")):
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert not (texts / "killed" / "report.json").exists()
    resumed = subprocess.run(command("killed"), capture_output=True, text=True, check=True)
    one, other = (json.loads(done.stdout.splitlines()[-1]) for done in (straight, resumed))
    assert (one["steps"], one["tokens"], one["loss"], one["samples"]) == (
        other["steps"], other["tokens"], other["loss"], other["samples"],
    )  # fmt: skip
    read = [load_file(texts / name / "model" / "model.safetensors") for name in ("straight", "killed")]
    assert all(torch.equal(read[0][name], read[1][name]) for name in read[0])
