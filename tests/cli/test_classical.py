"""`sayso pretrain --architecture ngram|hmm` as it is typed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sayso.models import textmodel


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file to learn from."""
    monkeypatch.chdir(tmp_path)
    lines = [{"text": f"The cat ran {number} miles, and the dog {number + 1}."} for number in range(40)]
    (tmp_path / "cats.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("architecture", "keys"),
    [("ngram", ("model.order=3",)), ("hmm", ("model.states=3", "model.iterations=3"))],
)
def test_a_model_that_is_no_network_is_learnt_by_the_same_verb(sayso, texts, tiny_folder, architecture, keys):
    words = ("pretrain", "cats.jsonl", "--out", "run", "--tokenizer", tiny_folder, "--architecture", architecture,
        "--set", "data.validation_share=0.2", *(word for key in keys for word in ("--set", key)))  # fmt: skip
    foreseen = sayso(*words, "--dry-run", "--json")
    assert foreseen.code == 0
    assert not (texts / "run").exists()
    done = sayso(*words, "--json")
    assert done.code == 0
    assert done.json["validation"]["bits_per_byte"] < 8
    assert done.json["parameters"] == foreseen.json["parameters"]
    assert len(done.json["samples"]) == 3
    page = (texts / "run" / "report.html").read_text(encoding="utf-8")
    assert "The cat" in page
    assert "was done before" in sayso(*words).out
    assert textmodel.load(texts / "run" / "model").num_parameters() == done.json["parameters"]


def test_what_only_networks_have_is_refused(sayso, texts, tiny_folder):
    words = ("pretrain", "cats.jsonl", "--out", "run", "--tokenizer", tiny_folder, "--architecture", "ngram")
    for more, said in [(("--find-rate",), "--find-rate"), (("--tokens", 9), "data.tokens"), (("--set", "model.n=3"), "'n'")]:
        refused = sayso(*words, *more)
        assert refused.code == 2
        assert said in refused.err
    assert not (texts / "run").exists()


def test_such_a_model_cannot_be_taught_by_comments_and_that_is_said(sayso, texts, tiny_folder):
    words = ("pretrain", "cats.jsonl", "--out", "run", "--tokenizer", tiny_folder, "--architecture", "ngram")
    assert sayso(*words, "--set", "model.order=2").code == 0
    refused = sayso("finetune", "run/model", "cats.jsonl", "--out", "more")
    assert refused.code == 1
    assert "is no network" in refused.err


@pytest.mark.slow
def test_a_count_that_is_killed_ends_with_the_same_bytes(texts, tiny_folder):
    lines = (texts / "cats.jsonl").read_text(encoding="utf-8") * 2000
    (texts / "many.jsonl").write_text(lines, encoding="utf-8")
    words = [
        sys.executable,
        "-m",
        "sayso",
        "pretrain",
        "many.jsonl",
        "--tokenizer",
        str(tiny_folder),
        "--architecture",
        "ngram",
    ]
    subprocess.run([*words, "--out", "whole"], cwd=texts, check=True, capture_output=True)
    running = subprocess.Popen([*words, "--out", "parts"], cwd=texts, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = texts / "parts" / ".model.counting" / "journal.json"
    while running.poll() is None and not journal.exists():
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert journal.exists(), "it was done before it could be killed"
    subprocess.run([*words, "--out", "parts"], cwd=texts, check=True, capture_output=True)
    for path in (texts / "whole" / "model").glob("*.npy"):
        assert path.read_bytes() == (texts / "parts" / "model" / path.name).read_bytes()
