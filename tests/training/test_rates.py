"""The test of learning rates: what it suggests of known curves, what it keeps, and that it stops when all is lost."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from sayso.errors import PreflightError
from sayso.training import fitting, pretraining, rates
from sayso.training.engine.optimizer import rate
from sayso.training.settings import Train

SMALL = ["model.hidden_size=32", "model.num_hidden_layers=1", "model.num_attention_heads=2", "model.intermediate_size=32",
    "train.per_device_train_batch_size=4"]  # fmt: skip


def quiet(**_seen: object) -> None:
    """Watch nothing."""


@pytest.fixture
def task(tiny_folder, tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": f"The cat ran {n} miles."}) + "\n" for n in range(40)), encoding="utf-8")
    return pretraining.task([path], pretraining.settings_of([], [f"tokenizer={tiny_folder}", *SMALL]))


def test_a_rising_rate_grows_by_the_same_factor_up_to_the_peak():
    settings = Train(lr_scheduler_type="rising", warmup_ratio=0.0)
    found = [rate(step, 6, 0.5, settings) for step in range(6)]
    assert found[-1] == pytest.approx(0.5)
    assert found[0] == pytest.approx(0.5e-6 * 10)
    assert np.diff(np.log10(found)) == pytest.approx([1.0] * 5)


def curve(fall: float, lowest: float) -> list[tuple[float, float]]:
    """A loss that falls from 4 to 2 around the rate `fall` and grows without bound behind `lowest`."""
    tried = np.logspace(-6, 0, 100)
    return [(float(x), 3 - math.tanh(math.log(x / fall)) + (x / lowest / 10) ** 2) for x in tried]


def test_the_steepest_fall_and_a_tenth_of_the_lowest_are_found_of_a_known_curve():
    found = rates.suggest(curve(1e-3, 1e-2))
    # the running mean of 0.9 is about ten steps behind: a factor of four at 100 steps over six decades
    assert 1e-3 < found.steepest < 1e-2
    assert 1e-3 < found.tenth < 2e-2
    assert found.suggested == min(found.steepest, found.tenth)
    assert [entry.rate for entry in found.tried] == [x for x, _loss in curve(1e-3, 1e-2)]


def test_the_smoothed_loss_is_the_running_mean_corrected_for_its_beginning():
    found = rates.suggest([(10.0 ** (n - 12), float(n % 3)) for n in range(12)]).tried
    assert found[0].smoothed == pytest.approx(0.0)
    assert found[2].smoothed == pytest.approx((0.1 * 2 + 0.09 * 1 + 0.081 * 0) / (1 - 0.9**3))


def test_too_few_rates_suggest_nothing():
    with pytest.raises(PreflightError, match="broke after 9 rates"):
        rates.suggest([(0.1, 1.0)] * 9)


def test_a_task_is_tested_and_stops_when_the_loss_breaks(task, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    found = rates.find(task, quiet, num_steps=30, highest=1000.0)
    assert 10 <= len(found.tried) < 30
    assert found.tried[0].rate == pytest.approx(1e-3 * 10 ** (6 / 30))
    assert 1e-3 < found.suggested < 100
    assert found.tokens > 0
    assert sorted(tmp_path.rglob("*")) == before, "something was written"


def test_what_was_found_is_kept_beside_the_model(task, tmp_path):
    found = rates.find(task, quiet, num_steps=10)
    path = rates.keep(found, tmp_path / "run")
    assert json.loads(path.read_text())["suggested"] == found.suggested
    assert [item.name for item in (tmp_path / "run").iterdir()] == ["rates.json"]
    assert fitting.preview(task, tmp_path / "run", quiet).steps > 0, "the folder is free for the training itself"
