"""Thirty steps of every method on the tiny model, as they were: a changed curve needs a sentence saying why.

A method that draws its answers has none: where processors round differently, other answers are drawn. One that teaches
classifiers has none, for the model writes.

To record them anew: `SAYSO_RECORD_CURVES=1 pytest tests/curves`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.contracts.method import draws, given
from tests.contracts.test_methods import TEACHES_CLASSIFIERS

from sayso.methods import METHODS
from sayso.models import local
from sayso.registry import load
from sayso.training.engine.guard import Anchors
from sayso.training.engine.optimizer import prepare
from sayso.training.settings import Train
from sayso.training.steps import steps

HERE = Path(__file__).parent
TOLERANCE = 2e-3
"""Other processors and versions of torch round differently, and thirty steps make more of it."""
SETTINGS = Train(max_steps=30, per_device_train_batch_size=4, learning_rate=3e-3, use_lora=False, seed=11)


def curve(name, folder):
    method = load(METHODS, name, kind="method")()
    policy = prepare(local.load(folder, device="cpu"), SETTINGS)
    first, others = given(method, 14)[:10], given(method, 14)[10:14]
    held = given(method, 14)[14:]  # near and out answers, for a method that wants them
    rows = list(method.rows([*first, *held], policy))
    beside = list(method.rows([*others, *held], policy))[:: method.group]
    anchors = Anchors(near=[row for row in beside if min(row.weights) >= 0])
    run = steps(method, policy, rows, SETTINGS, guard=anchors)
    return [{"loss": record.loss, "near": record.near, **_smooth(record.sums)} for record in run]


def _smooth(sums):
    """Leave out counts: a tie that rounding decides would jump."""
    return {key: value for key, value in sums.items() if key != "accuracy"}


CURVED = [name for name in METHODS if name not in TEACHES_CLASSIFIERS and not draws(load(METHODS, name, kind="method")())]


@pytest.mark.slow
@pytest.mark.parametrize("name", CURVED)
def test_the_curve_is_as_it_was(name, tiny_folder):
    path = HERE / f"{name}.json"
    found = curve(name, tiny_folder)
    if os.environ.get("SAYSO_RECORD_CURVES"):
        lines = ",\n".join(json.dumps({key: round(value, 5) for key, value in record.items()}) for record in found)
        path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    expected = json.loads(path.read_text(encoding="utf-8"))
    assert len(found) == len(expected) == 30
    for step, (record, before) in enumerate(zip(found, expected, strict=True), start=1):
        assert record == pytest.approx(before, rel=TOLERANCE, abs=TOLERANCE), f"step {step}"
