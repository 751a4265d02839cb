"""Time and memory are foreseen from a few micro-batches, and what does not fit is said with what would."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
import torch

from sayso.batches import row
from sayso.errors import SettingsError
from sayso.methods.refine_dpo import RefineDpo
from sayso.methods.sft import Sft
from sayso.training import steps
from sayso.training.engine.guard import Anchors
from sayso.training.foresight import choosing, forecast, outlook, peaks, trial
from sayso.training.foresight.forecast import Band, Forecast, Line
from sayso.training.foresight.lesson import Lesson, Size, Sizes, schedule
from sayso.training.foresight.trial import Point
from sayso.training.settings import Train, size_of

MB = 1_000_000
ROWS = [row([5] * (4 + number % 7), [6, 7, 8, 9][: 2 + number % 3], label=str(number)) for number in range(40)]


def lesson(ready: Any, method: Any = None, *, anchors: Anchors | None = None, **train: Any) -> Lesson:
    settings = Train(**{"use_lora": False, "max_steps": 6, "max_tokens": 32, **train})
    return Lesson(
        method=method or Sft(), policy=ready(settings), rows=ROWS, train=settings, anchors=anchors or Anchors()
    )  # fmt: skip


def found(**given: Any) -> Forecast:
    usual: dict[str, Any] = {
        "steps": 10, "seconds": Band(value=1, low=1, high=1), "memory": Band(value=500 * MB, low=0, high=600 * MB),
        "parts": {}, "largest": 2048, "smallest": 256, "whole": 4096, "tried": 5, "seconds_tried": 1.0,
        "lines": (Line(least=90 * MB, a_token=250_000),), "available": 1000 * MB,
    }  # fmt: skip
    return Forecast(**{**usual, **given})


def test_the_peak_of_a_piece_of_work_is_counted_and_the_next_begins_anew() -> None:
    device = torch.device("cpu")
    before = peaks.taken(device)
    with peaks.peak(device) as most:
        torch.ones(25 * MB)
    assert 90 * MB <= most.bytes - before <= 130 * MB
    with peaks.peak(device) as less:
        pass
    assert less.bytes <= most.bytes
    assert peaks.free(device) > 0


def test_the_schedule_has_the_micro_batches_that_the_loop_makes(ready: Any) -> None:
    planned = schedule(lesson(ready))
    assert planned.steps == len(planned.own) == 6
    assert all(sum(len(item.ids) for item in part) <= 32 for step in planned.own for part in step)
    assert [sum(len(part) for part in step) for step in planned.own] == [8, 8, 8, 8, 8, 8]


def test_a_padded_micro_batch_counts_its_padding(tiny: Any) -> None:
    tiny.packed = False
    assert Sizes(tiny).of([row([5], [6]), row([5] * 7, [6])]).tokens == 16
    tiny.packed = True
    assert Sizes(tiny).of([row([5], [6]), row([5] * 7, [6])]).tokens == 10


def test_trying_leaves_weights_gradients_and_random_numbers_as_they_were(ready: Any) -> None:
    given = lesson(ready, RefineDpo(), anchors=Anchors(near=ROWS[:5], out=ROWS[5:9]), num_train_epochs=3.0)
    before = {name: item.clone() for name, item in given.policy.module.named_parameters()}
    state = torch.random.get_rng_state()
    tried = trial.run(given, schedule(given), seconds=0.5)
    assert torch.equal(state, torch.random.get_rng_state())
    for name, item in given.policy.module.named_parameters():
        assert torch.equal(item, before[name])
        assert item.grad is None
    assert len(tried.own) >= 2
    assert tried.anchors
    assert all(point.again for point in tried.own), "rows come again, and what the reference said is remembered"
    weights = sum(item.numel() * 4 for item in before.values())
    assert tried.parts["gradients"] == weights
    assert tried.parts["optimizer"] >= 2 * weights


def test_time_is_a_part_of_every_micro_batch_and_a_part_of_its_work() -> None:
    points = [Point(size=Size(tokens=1, work=work), seconds=0.01 + 2e-6 * work, peak=0) for work in (1e3, 4e3, 2e4)]
    fixed, rate, error = forecast.fitted(points)
    assert (fixed, rate, error) == (pytest.approx(0.01), pytest.approx(2e-6), pytest.approx(0, abs=1e-9))
    falling = [Point(size=Size(tokens=1, work=work), seconds=1e3 / work, peak=0) for work in (1e3, 2e3)]
    fixed, rate, error = forecast.fitted(falling)
    assert (fixed, rate > 0, error > 0.2) == (0.0, True, True), "noise never makes more work quicker"


def test_a_forecast_counts_steps_checkpoints_and_all_that_takes_memory(ready: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "other_kernel_serves", lambda: False)
    given = lesson(ready)
    planned = schedule(given)
    point = Point(size=Size(tokens=32, work=Sizes(given.policy).of(planned.own[0][0]).work), seconds=0.5, peak=700 * MB)
    tried = trial.Trial(
        own=(point,) * 16, anchors=(), step_seconds=0.25, save_seconds=3.0, save_peak=0,
        parts={"weights": 100 * MB, "process": 400 * MB},
    )  # fmt: skip
    seen = forecast.of(given, planned, tried, available=10**9)
    micro = sum(Sizes(given.policy).of(part).work for step in planned.own for part in step) / point.size.work
    assert seen.seconds.value == pytest.approx(micro * 0.5 + 6 * 0.25 + 3.0)
    assert seen.seconds.low < seen.seconds.value < seen.seconds.high
    assert seen.memory.value == pytest.approx(700 * MB, rel=0.01)
    assert seen.parts["activations"] == pytest.approx(200 * MB, rel=0.05)
    more = forecast.of(replace(given, train=replace(given.train, save_steps=2)), planned, tried, available=10**9)
    assert more.seconds.value == pytest.approx(seen.seconds.value + 2 * 3.0)


def test_what_fits_is_the_largest_micro_batch_within_the_limit() -> None:
    seen = found()
    assert seen.tokens_within(600 * MB) == 1984, "2,040 tokens, in sixty-fours"
    assert seen.tokens_within(10**12) == 4096, "no step is larger"
    assert seen.tokens_within(100 * MB) == 0, "not one group"
    assert choosing.choose(Train(), seen).fits


def test_what_does_not_fit_is_said_with_the_setting_that_would() -> None:
    choice = choosing.choose(Train(memory_limit="400MB"), found())
    assert (choice.fits, choice.max_tokens, choice.assignments) == (False, 1216, ("train.max_tokens=1216",))
    assert "600 MB" in choice.sentence
    assert "--set train.max_tokens=1216" in choice.sentence
    assert choosing.applied(Train(), choice).max_tokens == 1216


def test_gradient_checkpointing_is_what_helps_where_one_group_alone_does_not_fit() -> None:
    less = found(lines=(Line(least=20 * MB, a_token=50_000),))
    choice = choosing.choose(Train(memory_limit="100MB"), found(), lambda: less)
    assert choice.assignments == ("train.gradient_checkpointing=true", "train.max_tokens=1600")
    assert choosing.applied(Train(), choice).gradient_checkpointing
    hopeless = choosing.choose(Train(memory_limit="1MB", use_lora=False), found(), lambda: less)
    assert (hopeless.max_tokens, hopeless.assignments) == (0, ())
    assert "train.use_lora=true" in hopeless.sentence


def test_a_training_is_tried_beforehand_only_where_room_is_not_plain(
    ready: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert choosing.checked(lesson(ready)) is None
    tried = found(available=1)
    monkeypatch.setattr(choosing, "foresee", lambda *_given, **_named: tried)
    caplog.set_level(logging.WARNING)
    tight = lesson(ready, memory_limit="400MB")
    assert outlook.decided(tight).max_tokens == 32, "nothing is changed behind anyone's back"
    assert "train.max_tokens=1216" in caplog.text
    asked = lesson(ready, memory_limit="400MB", auto_find_batch_size=True, max_tokens=4000)
    assert outlook.decided(asked).max_tokens == 1216


def test_a_run_goes_on_with_smaller_micro_batches_and_another_limit() -> None:
    def mark(**train: Any) -> str:
        return steps.fingerprint(Sft(), ROWS, Train(**train), Anchors())

    assert mark() == mark(max_tokens=64, memory_limit="1GB", auto_find_batch_size=True)
    assert mark() != mark(weight_decay=0.5)


@pytest.mark.parametrize(("text", "size"), [("8GB", 8 * 10**9), ("1.5 GiB", 3 * 2**29), ("500mb", 5 * 10**8)])
def test_a_size_is_written_as_people_write_it(text: str, size: int) -> None:
    assert size_of(text, key="memory_limit") == size


@pytest.mark.parametrize("text", ["much", "8 apples", "0GB", "-1GB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="memory_limit"):
        Train(memory_limit=text)
