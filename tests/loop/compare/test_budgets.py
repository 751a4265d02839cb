"""An equal budget becomes a number of steps: counted where it can be, else reckoned from a trial and held by a stop."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from tests.loop.conftest import write_round

from sayso.batches import row
from sayso.loop import importing, improving, learning, rounds, writing
from sayso.loop.compare import trying
from sayso.loop.compare.budgets import Budget, Course, Pace, exhausted, limited, needs_trial, usual
from sayso.loop.compare.trying import Ring, Unit
from sayso.loop.grounding import Ground
from sayso.loop.workspace import Workspace
from sayso.methods.refine_sft import RefineSft
from sayso.training.engine.guard import Anchors
from sayso.training.settings import Guard, Train

ROWS = [row([1, 2], [3] * length) for length in (2, 4, 6)]
TRAIN = Train(per_device_train_batch_size=2, train_sampling_strategy="sequential", num_train_epochs=2)


def course(*, anchors: Anchors | None = None, train: Train = TRAIN) -> Course:
    return Course(method=RefineSft(), ground=Ground(rows=ROWS, groups=3), anchors=anchors, train=train)


def tokens(amount: float) -> Budget:
    return Budget(kind="tokens", amount=amount)


def test_the_tokens_of_every_step_are_counted_with_the_anchors():
    # An epoch is a step of the rows with 4 and 6 tokens, and one of the row with 8.
    assert [course().tokens_of(number) for number in range(4)] == [10, 8, 10, 8]
    held = Anchors(settings=Guard(rows_per_step=1), near=ROWS[:1], out=ROWS[1:2])
    assert course(anchors=held).tokens_of(0) == 10 + 4 + 6


@pytest.mark.parametrize(("amount", "steps"), [(1, 1), (17, 1), (18, 2), (27, 2), (28, 3), (180, 20)])
def test_as_many_steps_are_done_as_the_tokens_allow_and_at_least_one(amount: int, steps: int):
    assert limited(course(), tokens(amount), None).max_steps == steps


def test_steps_are_taken_as_they_are_and_seconds_by_the_pace():
    assert limited(course(), Budget(kind="steps", amount=7), None).max_steps == 7
    pace = Pace(seconds=0.5, tokens=10)
    assert needs_trial(Budget(kind="seconds", amount=4), course().ground)
    assert not needs_trial(tokens(40), course().ground)
    assert limited(course(), Budget(kind="seconds", amount=4), pace).max_steps == 8
    assert limited(course(), Budget(kind="seconds", amount=0.1), pace).max_steps == 1


def test_without_a_budget_it_is_what_the_method_would_read():
    assert usual(course(), None) == tokens(36)


def test_a_run_ends_when_its_seconds_are_spent_whatever_the_trial_said(tmp_path: Path, tiny_folder: Path):
    workspace = Workspace.init(tmp_path / "workspace", model=str(tiny_folder))
    folder = write_round(tmp_path / "round", tiny_folder)
    settings = importing.take_in(workspace, workspace.settings(rounds.read(folder / "round.yaml")))
    writing.generate(workspace, settings)
    improving.refine(workspace, settings)
    (entry,) = trying.entries("refine_sft")
    ticks = itertools.count()
    ring = Ring(
        base=str(tiny_folder), adapter=None, settings=settings, budget=Budget(kind="seconds", amount=20), prompts=(),
        heldout=(), clock=lambda: float(next(ticks)),
    )  # fmt: skip
    material = learning.gather(workspace, settings, entry.method())
    workspace.close()
    unit = Unit(entry=entry, seed=0, material=material, file=tmp_path / "unit.json", pace=Pace(seconds=0.1, tokens=1))
    found = trying.attempt(ring, unit)
    assert found["planned"] == 200
    assert 1 < found["steps"] < 20
    assert found["seconds"] >= 20
    assert exhausted(ring.budget, trying.Spent(clock=lambda: 20.0, began=0.0))
    pace = trying.pace_of(ring, entry, material, 0)
    assert pace.seconds > 0
    assert pace.tokens > 0
