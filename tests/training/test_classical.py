"""`pretrain` with models that are no networks: the same folder, the same report, taken up again to the same end."""

from __future__ import annotations

import hashlib
import itertools
import json
import math

import pytest

from sayso.errors import ModelError, SettingsError
from sayso.models import local, textmodel
from sayso.training import classical, pretraining

WORDS = ["the cat sat", "on the mat", "a dog ran", "over the hill", "and sat down", "by the cat"]
HMM = {"model": {"states": 3, "iterations": 4, "starts": 2, "tolerance": 0.0}}


@pytest.fixture
def files(tmp_path):
    """Texts to learn from, and texts to measure on."""
    for name, count in (("learn", 40), ("held", 6)):
        lines = [{"text": " ".join(WORDS[(number * step) % 6] for step in range(1, 5))} for number in range(count)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return [tmp_path / "learn.jsonl"]


@pytest.fixture
def task(files, tiny_folder, tmp_path):
    """Makes a task of an architecture."""

    def make(architecture, form=None, *assignments):
        form = {
            "architecture": architecture, "tokenizer": str(tiny_folder), **(form or {}),
            "data": {"validation": [str(tmp_path / "held.jsonl")], **(form or {}).get("data", {})},
        }  # fmt: skip
        return classical.task(files, pretraining.settings_of([form], assignments))

    return make


def deaf(**_seen):
    """Hears nothing."""


class StoppedError(Exception):
    """Somebody pulled the plug."""


def stopping(at):
    """Hears until the stage or iteration `at`, and then no more."""

    def watch(*, stage, done, **_rest):
        if stage == "pretrain" and done == at:
            raise StoppedError

    return watch


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("architecture", "form"), [("ngram", {"model": {"order": 3}}), ("hmm", HMM)])
def test_the_report_is_that_of_any_training(task, tmp_path, architecture, form):
    found = classical.fit(task(architecture, form), tmp_path / "run", deaf)
    assert json.loads((tmp_path / "run" / "report.json").read_text())["loss"] == found.loss
    assert found.validation is not None
    assert found.rows == 40
    assert len(found.samples) == 3
    model = textmodel.load(tmp_path / "run" / "model")
    texts = [json.loads(line)["text"] for line in (tmp_path / "held.jsonl").read_text().splitlines()]
    costs = textmodel.costs(model, texts)
    assert sum(cost.tokens for cost in costs) == found.validation.tokens
    bits = sum(cost.nats for cost in costs) / math.log(2) / sum(cost.num_bytes for cost in costs)
    assert found.validation.bits_per_byte == pytest.approx(bits)
    assert found.parameters == model.num_parameters()
    again = classical.fit(task(architecture, form), tmp_path / "run", deaf)
    assert again.again
    assert again.loss == found.loss


@pytest.mark.parametrize(("architecture", "form"), [("ngram", {"model": {"order": 3}}), ("hmm", HMM)])
def test_a_run_that_is_broken_off_ends_with_the_same_bytes(task, tmp_path, architecture, form):
    whole = classical.fit(task(architecture, form), tmp_path / "whole", deaf)
    for at in (1, 3, whole.steps - 1):
        with pytest.raises(StoppedError):
            classical.fit(task(architecture, form), tmp_path / "parts", stopping(at))
        assert not (tmp_path / "parts" / "report.json").exists()
    parts = classical.fit(task(architecture, form), tmp_path / "parts", deaf)
    assert digests(tmp_path / "whole" / "model") == digests(tmp_path / "parts" / "model")
    assert (parts.loss, parts.validation, parts.samples) == (whole.loss, whole.validation, whole.samples)
    assert sorted(path.name for path in (tmp_path / "parts").glob(".*")) == []


def test_the_lines_of_a_run_are_noted_once_each(task, tmp_path):
    for at in (2, 5):
        with pytest.raises(StoppedError):
            classical.fit(task("hmm", HMM), tmp_path / "run", stopping(at))
    found = classical.fit(task("hmm", HMM), tmp_path / "run", deaf)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 9))
    assert [line["start"] for line in lines] == [1] * 4 + [2] * 4
    assert found.loss == min(lines[3]["loss"], lines[7]["loss"])
    assert all(before["seconds"] <= after["seconds"] for before, after in itertools.pairwise(lines))


def test_a_longer_ngram_foretells_better_what_repeats(task, tmp_path):
    losses = [
        classical.fit(task("ngram", {"model": {"order": order}}), tmp_path / str(order), deaf).validation.loss
        for order in (1, 4)
    ]
    assert losses[0] > losses[1] + 0.5


@pytest.mark.parametrize(("architecture", "form"), [("ngram", {"model": {"order": 3}}), ("hmm", HMM)])
def test_a_preview_says_what_would_be_done_and_writes_nothing(task, tmp_path, architecture, form):
    found = classical.preview(task(architecture, form), tmp_path / "run", deaf)
    assert not (tmp_path / "run").exists()
    done = classical.fit(task(architecture, form), tmp_path / "run", deaf)
    assert (found.steps, found.rows, found.parameters) == (done.steps, done.rows, done.parameters)
    assert found.tokens_seen == done.tokens


def test_another_model_in_the_same_folder_is_refused(task, tmp_path):
    classical.fit(task("ngram", {"model": {"order": 2}}), tmp_path / "run", deaf)
    with pytest.raises(SettingsError, match=r"model\.order: 2 → 3"):
        classical.fit(task("ngram", {"model": {"order": 3}}), tmp_path / "run", deaf)


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("train.learning_rate=1", r"train\.learning_rate"),
        ("data.tokens=1000", r"data\.tokens"),
        ("data.mixture={a.jsonl: 1}", r"data\.mixture"),
        ("model.ordr=3", "did you mean 'order'"),
        ("model.order=0", "expected a number from 1 to 16"),
        ("tokenizer=''", "sayso tokenizer train"),
    ],
)
def test_settings_that_do_not_fit_are_refused(task, assignment, said):
    with pytest.raises(SettingsError, match=said):
        task("ngram", None, assignment)


def test_such_a_folder_is_no_network(task, tmp_path):
    classical.fit(task("ngram", {"model": {"order": 2}}), tmp_path / "run", deaf)
    with pytest.raises(ModelError, match="is no network"):
        local.load(tmp_path / "run" / "model")
