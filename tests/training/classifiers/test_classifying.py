"""A classifier's training keeps its best weights, stops when it gets no better, resumes, and is calibrated at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tests.models.engine import running

from sayso.cli.main import group as main
from sayso.errors import PreflightError, SettingsError
from sayso.evaluation import classifying as judging
from sayso.models import labelling
from sayso.models.labelling import log_softmax
from sayso.tasks.classify.task import Classify
from sayso.tasks.items import Item
from sayso.training import run
from sayso.training.classifiers import calibration, classifying, classifying_data
from sayso.training.classifiers.classifying import Classifying
from sayso.training.early_stopping import Keeper

SMALL = ["model.hidden_size=16", "model.intermediate_size=32", "model.num_hidden_layers=1", "model.num_attention_heads=2",
    "vocab_size=300", "train.per_device_train_batch_size=16", "train.learning_rate=0.01", "device=cpu"]  # fmt: skip


def silent(**_seen: Any) -> None:
    pass


def _fitted(texts: Path, folder: Path, *assignments: str, model: str = "fresh:bert") -> classifying.Fitted:
    settings = classifying.settings_of([], [*(SMALL if model.startswith("fresh:") else []), *assignments], model=model)
    return classifying.fit(model, classifying.read([texts], settings), settings, folder, silent)


def test_a_network_from_random_weights_learns_and_is_saved_with_its_temperature(texts: Path, tmp_path: Path) -> None:
    found = _fitted(texts, tmp_path / "run", "train.num_train_epochs=8", "patience=0")
    assert found.best == 1.0
    assert (found.train + found.validation + found.test, found.held_back) == (72, ("validation", "test"))
    model = labelling.load(found.model, device="cpu")
    assert model.labels == ("bad", "good")
    assert model.logprobs([("a lovely thing 3", ""), ("a awful thing 3", "")]).argmax(axis=1).tolist() == [1, 0]
    assert (tmp_path / "run" / "baseline" / "config.json").is_file()
    again = _fitted(texts, tmp_path / "run", "train.num_train_epochs=8", "patience=0")
    assert again.again


def test_another_run_in_the_same_folder_is_refused(texts: Path, tmp_path: Path) -> None:
    _fitted(texts, tmp_path / "run", model="linear")
    with pytest.raises(SettingsError, match=r"holds a run with other settings \(seed: 0 → 1"):
        _fitted(texts, tmp_path / "run", "seed=1", model="linear")


def test_a_run_that_was_broken_off_goes_on_to_the_same_weights(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("train.num_train_epochs=3", "baseline=false")
    whole = _fitted(texts, tmp_path / "whole", *settings)
    kept = run.keep

    def broken(*given: Any, **named: Any) -> Any:
        for record in kept(*given, **named):
            yield record
            if record.step == 5:
                raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(run, "keep", broken)
        with pytest.raises(KeyboardInterrupt):
            _fitted(texts, tmp_path / "broken", *settings)
    resumed = _fitted(texts, tmp_path / "broken", *settings)
    assert (resumed.best, resumed.temperature, resumed.steps) == (whole.best, whole.temperature, whole.steps)
    one, other = (labelling.load(found.model, device="cpu").logprobs([("a warm thing", "")]) for found in (whole, resumed))
    np.testing.assert_array_equal(one, other)


def test_an_adapter_and_a_head_alone_learn_on_a_model_that_is_there(texts: Path, tmp_path: Path, tiny_folder: Path) -> None:
    for name, setting in {"adapter": "train.use_lora=true", "head": "freeze_body=true"}.items():
        found = _fitted(
            texts, tmp_path / name, setting, "train.max_steps=3", "train.learning_rate=0.01", "baseline=false", "device=cpu",
            model=str(tiny_folder),
        )  # fmt: skip
        assert found.steps == 3
        assert labelling.load(found.model, device="cpu").labels == ("bad", "good")


def test_settings_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(SettingsError, match="random weights have nothing to adapt"):
        classifying.settings_of([], ["train.use_lora=true"], model="fresh:bert")
    with pytest.raises(SettingsError, match="set one of them"):
        classifying.settings_of([], ["train.use_lora=true", "freeze_body=true"])
    with pytest.raises(SettingsError, match="patience: found -1"):
        Classifying(patience=-1)


def test_too_few_texts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "few.jsonl").write_text('{"text": "x", "label": "a"}\n{"text": "y", "label": "b"}\n')
    with pytest.raises(PreflightError, match="expected some of both"):
        _fitted(tmp_path / "few.jsonl", tmp_path / "run", model="linear")


def test_it_stops_when_measurements_get_no_better_and_keeps_the_best(tmp_path: Path) -> None:
    weight = {"w": torch.nn.Parameter(torch.zeros(2))}
    keeper = Keeper(tmp_path, patience=2)
    for step, value in enumerate([0.5, 0.7, 0.7, float("nan")], start=1):
        assert not keeper.over
        with torch.no_grad():
            weight["w"].fill_(step)
        assert keeper.note(step, value, weight) == (step < 3)
    assert keeper.over
    assert keeper.best is not None
    assert keeper.best.step == 2
    keeper.restore(weight)
    assert weight["w"].tolist() == [2.0, 2.0]
    assert [note.step for note in Keeper(tmp_path, patience=2, step=3).notes] == [1, 2, 3]


def test_rare_classes_weigh_more_when_balanced() -> None:
    task = Classify(labels=("a", "b"))
    items = [Item(inputs={"text": "x"}, answers=(label,)) for label in "aaab"]
    assert classifying_data.class_weights(task, items, balanced=True) == {0: pytest.approx(2 / 3), 1: 2.0}
    assert classifying_data.class_weights(task, items, balanced=False) == {0: 1.0, 1: 1.0}


def test_a_grade_lies_between_two_classes() -> None:
    task = Classify(preset="stsb")
    for answer, wanted in {"3.75": {3: 0.25, 4: 0.75}, "5": {5: 1.0}, "0.0": {0: 1.0}}.items():
        item = Item(inputs={"text": "x"}, answers=(answer,))
        assert dict(classifying_data.targets(task, item)) == pytest.approx(wanted)
    assert task.said(np.log(np.array([[1e-9, 1e-9, 1e-9, 0.25, 0.75, 1e-9]]))) == ["3.7500"]


def test_the_temperature_is_the_one_that_the_logits_were_heated_by() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(20_000, 4)) * 2
    chances = np.exp(log_softmax(logits))
    classes = [int(generator.choice(4, p=row)) for row in chances]
    assert calibration.temperature(logits * 3, classes) == pytest.approx(3, rel=0.05)
    assert calibration.temperature(np.eye(3), [0, 1, 2]) == 1.0


def test_a_classifier_is_judged_beside_another_with_paired_intervals(texts: Path, tmp_path: Path) -> None:
    settings = classifying.settings_of([], [], model="linear")
    splits = classifying.read([texts], settings)
    model, _best = classifying.fit_linear(splits, settings, silent)
    found = judging.by_labeller(model, splits.task, splits.test)
    assert {metric.name: metric.value for metric in found.metrics()}["accuracy"] == 1.0
    assert all(metric.value == metric.low == metric.high == 0.0 for metric in judging.changes(found, found))
    assert sum(count for _stated, _right, count in judging.reliability(found, splits.test)) == len(splits.test)
    assert judging.mixed_up(found, splits.task, splits.test).trace() == len(splits.test)


def test_the_command_line_trains_measures_and_draws(texts: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    out = tmp_path / "run"
    done = runner.invoke(main, ["finetune", "linear", str(texts), "--task", "classify", "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    form = json.loads(done.stdout.splitlines()[-1])
    assert form["training"]["metric"] == "accuracy"
    assert {path.name for path in out.iterdir()} >= {"evaluation.json", "confusion.svg", "reliability.svg", "model"}
    asked = ["evaluate", "--task", "classify", str(out / "model"), str(texts), "--compare", str(out / "model"), "--json"]
    measured = runner.invoke(main, asked)
    assert measured.exit_code == 0, measured.output
    found = json.loads(measured.stdout.splitlines()[-1])
    assert found["items"] == 72
    assert [change["value"] for change in found["standings"][1]["changes"]] == [0.0] * 4
    foreseen = runner.invoke(main, [*asked, "--dry-run"])
    assert json.loads(foreseen.stdout.splitlines()[-1]) == {"task": "classify", "items": 72}


def test_a_model_behind_an_address_is_measured_by_asking_it(texts: Path) -> None:
    with running() as engine:
        asked = ["evaluate", "--task", "classify", f"{engine.address}#parrot", str(texts), "--json"]
        done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    assert len(engine.asked) == 72


def test_a_model_that_writes_is_measured_by_asking_it(texts: Path, tiny_folder: Path) -> None:
    asked = ["evaluate", "--task", "classify", str(tiny_folder), str(texts), "--json", "--set", "device=cpu"]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    names = [metric["name"] for metric in json.loads(done.stdout.splitlines()[-1])["standings"][0]["metrics"]]
    assert names == ["accuracy", "macro_f1", "answered"]


def test_a_class_that_the_model_does_not_know_is_named_with_its_line(texts: Path, tmp_path: Path) -> None:
    _fitted(texts, tmp_path / "run", model="linear")
    other = tmp_path / "other.jsonl"
    other.write_text('{"text": "a warm thing", "label": "good"}\n{"text": "x", "label": "meh"}\n')
    done = CliRunner().invoke(main, ["evaluate", "--task", "classify", str(tmp_path / "run" / "model"), str(other)])
    assert done.exit_code == 2
    assert "other.jsonl:2: found the class 'meh'; expected one of bad, good" in done.output
