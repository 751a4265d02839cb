"""What a training will take in time and memory, from a trial of a few micro-batches.

Time of a micro-batch: a part of its own, and a part in proportion to its multiplications, fitted in relative error. Memory:
the most that was taken, along a straight line in tokens, and what ragged batches leave between them in a processor's heap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import torch

from sayso.batches import Row
from sayso.models.arithmetic import other_kernel_serves
from sayso.training.engine import guard
from sayso.training.foresight import peaks, trial
from sayso.training.foresight.lesson import Lesson, Schedule, Sizes, schedule
from sayso.training.foresight.trial import Point, Trial

LEAST_TIME_BAND = 0.15
"""Clocks, and neighbours on the machine, move times by so much."""
LEAST_MEMORY_BAND = 0.1
MOST_BAND = 0.5
RAGGED, RAGGED_UNTIL = 0.1, 16
"""On a processor activations take this share more with every doubling of the micro-batches of different sizes that came
before, up to so many: what is freed between larger tensors fits no other."""
_LARGE = 0.75
_CODE = 20 * 10**6
"""Bytes of code for shapes that are met later, where oneDNN multiplies (`models.arithmetic`)."""
_ROUND = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """A figure that is foreseen, and between what it is to be expected."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Bytes as a function of the tokens of the largest micro-batch."""

    least: float
    a_token: float

    def at(self, tokens: float) -> float:
        """Return the bytes at so many tokens."""
        return self.least + self.a_token * tokens

    def tokens(self, limit: float) -> float:
        """Return how many tokens stay within so many bytes."""
        if self.at(0) > limit:
            return 0.0
        return (limit - self.least) / self.a_token if self.a_token > 0 else math.inf


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What a training will take."""

    steps: int
    seconds: Band
    """Of all steps and checkpoints; opening the model is not counted."""
    memory: Band
    """Bytes at the most: of the whole process on a CPU, of the card elsewhere."""
    parts: Mapping[str, int]
    """What the memory is taken by, in bytes: weights, gradients, optimizer, reference, process, and activations."""
    largest: int
    """Tokens of the largest micro-batch."""
    smallest: int
    """Tokens of the largest group of rows: no micro-batch is cut smaller."""
    whole: int
    """Tokens of the largest step: no micro-batch grows beyond it."""
    tried: int
    """Micro-batches that were tried."""
    seconds_tried: float
    """How long that took."""
    lines: tuple[Line, ...]
    """The upper end of the memory, of the method's micro-batches and of the anchors'."""
    available: int
    """Bytes that the training could take now: what is free, and what this process has taken already."""

    def most_at(self, tokens: int) -> float:
        """Return the upper end of the memory if the largest micro-batch had so many tokens."""
        return max(line.at(tokens) for line in self.lines)

    def tokens_within(self, limit: float) -> int:
        """Return the largest micro-batch that stays within so many bytes, in tokens; 0 where one group does not."""
        most = min(self.whole, *(line.tokens(limit) for line in self.lines))
        if most < self.smallest:
            return 0
        return max(self.smallest, int(most) // _ROUND * _ROUND)


def foresee(lesson: Lesson, drawn: Sequence[Row] = (), *, seconds: float = trial.SECONDS) -> Forecast:
    """Return what a training will take, from a trial of about `seconds`; `drawn` stand for the answers of any step.

    Raises:
        ModelError: the loss is not finite; the rows are named.
    """
    device = torch.device(guard.device_of(lesson.policy))
    available = peaks.free(device) + peaks.taken(device)
    planned = schedule(lesson, drawn)
    return of(lesson, planned, trial.run(lesson, planned, seconds=seconds), available)


def of(lesson: Lesson, planned: Schedule, found: Trial, available: int) -> Forecast:
    """Return what a trial says of a training."""
    sizes = Sizes(lesson.policy)
    ragged = torch.device(guard.device_of(lesson.policy)).type == "cpu"
    largest, smallest, whole = _extents(lesson, planned, sizes)
    parts = {**found.parts, "process": found.parts.get("process", 0) + (_CODE if ragged and other_kernel_serves() else 0)}
    resting, more = sum(parts.values()), sum(parts.values()) - sum(found.parts.values())
    kinds = [points for points in (found.own, found.anchors) if points]
    lines = [_line([replace(item, peak=item.peak + more) for item in points], resting, ragged=ragged) for points in kinds]
    most = max((line.at(largest) for line in lines), default=float(resting))
    value = max(most, found.draw_peak, found.save_peak)
    beyond = max((largest / max(point.size.tokens for point in points) for points in kinds), default=1.0)
    band = min(MOST_BAND, LEAST_MEMORY_BAND + 0.05 * max(0.0, math.log2(beyond)))
    return Forecast(
        steps=planned.steps, seconds=_seconds(lesson, planned, found, sizes),
        memory=Band(value=value, low=value * (1 - band), high=value * (1 + band)),
        parts={**parts, "activations": max(0, round(value) - resting)},
        largest=largest, smallest=smallest, whole=whole, tried=len(found.own) + len(found.anchors),
        seconds_tried=found.seconds, available=available,
        lines=tuple(Line(least=line.least * (1 + band), a_token=line.a_token * (1 + band)) for line in lines),
    )  # fmt: skip


def _extents(lesson: Lesson, planned: Schedule, sizes: Sizes) -> tuple[int, int, int]:
    """Return the tokens of the largest micro-batch, of the largest group, and of the largest step."""
    size = lesson.method.group
    own = [part for step in planned.own for part in step]
    parts = [*own, *(part for step in planned.anchors for part in step)]
    largest = max((sizes.of(part).tokens for part in parts), default=0)
    groups = [part[first : first + size] for part in own for first in range(0, len(part), size)]
    smallest = max((sizes.of(group).tokens for group in groups), default=0)
    steps = [[row for part in step for row in part] for step in planned.own if step]
    whole = max((sizes.of(rows).tokens for rows in steps), default=0)
    if any(len(step) > 1 for step in planned.own):  # cut by the limit, which some step comes close to
        largest = max(largest, lesson.train.max_tokens)
    return largest, smallest, max(whole, largest)


def _line(points: Sequence[Point], resting: int, *, ragged: bool) -> Line:
    """Return the line along what was tried in the order of its size, as high as the largest of all, and what comes to it."""
    high = max(point.size.tokens for point in points)
    rising = [
        now for number, now in enumerate(points) if all(now.size.tokens > item.size.tokens for item in points[:number])
    ]
    first, last = rising[0], rising[-1]
    between = last.size.tokens - first.size.tokens
    slope = (last.peak - first.peak) / between if between else 0.0
    large = [point for point in points if point.size.tokens >= _LARGE * high]
    slope = max(slope, 0.5 * (max(point.peak for point in large) - resting) / high)  # much the same sizes tell no slope
    lift = max(point.peak - slope * point.size.tokens for point in large)
    more = 1 + RAGGED * max(0.0, math.log2(RAGGED_UNTIL / len(points))) if ragged else 1.0
    return Line(least=resting + (lift - resting) * more, a_token=slope * more)


def _seconds(lesson: Lesson, planned: Schedule, found: Trial, sizes: Sizes) -> Band:
    total, spread = planned.steps * (found.step_seconds + found.draw_seconds), LEAST_TIME_BAND
    first = min(1.0, 1 / lesson.epochs)
    for points, steps in ((found.own, planned.own), (found.anchors, planned.anchors)):
        if points:
            mean, error = _mean(points, steps, sizes)
            again = [replace(point, seconds=point.again) for point in points if point.again is not None]
            later = _mean(again, steps, sizes)[0] if again else mean
            total += planned.steps * (first * mean + (1 - first) * later)
            spread = max(spread, 2 * error)
    every = lesson.train.save_steps
    total += found.save_seconds * (math.ceil(planned.steps / every) if every else 1)
    spread = min(spread, MOST_BAND)
    return Band(value=total, low=total * (1 - spread), high=total * (1 + spread))


def _mean(points: Sequence[Point], steps: Sequence[Sequence[Sequence[Row]]], sizes: Sizes) -> tuple[float, float]:
    """Return the mean seconds of a step's micro-batches, and the relative error of the fit."""
    fixed, rate, error = fitted(points)
    return fmean(sum(fixed + rate * sizes.of(part).work for part in step) for step in steps), error


def fitted(points: Sequence[Point]) -> tuple[float, float, float]:
    """Return the seconds of any micro-batch, the seconds a multiplication, and the relative error of both together."""
    weights = [1 / point.seconds**2 for point in points]
    whole = sum(weights)
    work = sum(w * point.size.work for w, point in zip(weights, points, strict=True)) / whole
    time = sum(w * point.seconds for w, point in zip(weights, points, strict=True)) / whole
    spread = sum(w * (point.size.work - work) ** 2 for w, point in zip(weights, points, strict=True))
    along = sum(w * (p.size.work - work) * (p.seconds - time) for w, p in zip(weights, points, strict=True))
    rate = along / spread if spread > 0 else 0.0
    fixed = time - rate * work
    if rate <= 0 or fixed < 0:  # in proportion
        fixed, rate = 0.0, time / work
    errors = [(fixed + rate * point.size.work) / point.seconds - 1 for point in points]
    return fixed, rate, math.sqrt(fmean(error**2 for error in errors))
