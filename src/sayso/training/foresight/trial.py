"""A few micro-batches of a training are tried, so that its time and memory can be foreseen; nothing of it is kept.

They are real ones, of different sizes, and the first is not counted: ever larger parts of the largest, for memory, then
those of some steps, for time. The optimizer steps at a rate of 0, so that the weights stay as they are.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import torch

from sayso.batches import Row
from sayso.models.arithmetic import quick_products
from sayso.training.engine import checkpoints, guard, memory, precision
from sayso.training.engine.backward import backward
from sayso.training.engine.drawing import Drawing
from sayso.training.engine.layers import arranged
from sayso.training.engine.optimizer import optimizers, trainable
from sayso.training.engine.remembering import Remembering
from sayso.training.foresight import peaks
from sayso.training.foresight.lesson import Lesson, Schedule, Size, Sizes

if TYPE_CHECKING:
    from sayso.models import Scorer

SECONDS = 8.0
"""About so long micro-batches are tried."""
MOST = 12
"""So many at most, of the method's rows and of the anchors each."""
_SHARES = (0.25, 0.5, 1.0)
_ROOM = 0.8
_SAVED = 64 * 2**20
_ALL = 2**40

Part = Sequence[Row]


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A micro-batch that was tried."""

    size: Size
    seconds: float
    peak: int
    """Bytes: the most that was taken, with all that rests."""
    again: float | None = None
    """Seconds when what the model before training says of the rows is remembered; None where that was not tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What was measured."""

    own: tuple[Point, ...]
    """Micro-batches of the method."""
    anchors: tuple[Point, ...]
    """Micro-batches of the scope guard."""
    step_seconds: float
    """Gradients measured and shortened, weights updated."""
    save_seconds: float
    """A checkpoint."""
    save_peak: int
    parts: Mapping[str, int]
    """What rests between micro-batches, in bytes: weights, gradients, optimizer, reference, and the rest of the process."""
    draw_seconds: float = 0.0
    """What the method writes for one step."""
    draw_peak: int = 0
    seconds: float = 0.0
    """How long all of it took."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bench:
    lesson: Lesson
    reference: Scorer
    device: torch.device
    sizes: Sizes
    clock: Callable[[], float]


def run(
    lesson: Lesson, planned: Schedule, *, seconds: float = SECONDS, clock: Callable[[], float] = time.perf_counter
) -> Trial:
    """Try a few micro-batches of a training for about `seconds`, and leave the model as it was.

    Raises:
        ModelError: the loss is not finite; the rows are named.
    """
    began = clock()
    device = torch.device(guard.device_of(lesson.policy))
    before = peaks.taken(device)
    reference = lesson.policy.reference() if lesson.uses_reference else lesson.policy
    kept = peaks.taken(device) - before if lesson.uses_reference else 0
    bench = _Bench(lesson=lesson, reference=reference, device=device, sizes=Sizes(lesson.policy), clock=clock)
    parameters = trainable(lesson.policy.module)
    updating = optimizers(parameters, lesson.train)
    with torch.random.fork_rng(), quick_products(), arranged(lesson.policy.module, lesson.train):
        try:
            draw_seconds, draw_peak = _drawn(bench)
            _warm(bench, planned)
            step_seconds = _updated(bench, parameters, updating)
            resting = peaks.taken(device)
            several = any(len(own) > 1 for own in planned.own)
            share = 0.7 if any(planned.anchors) else 1.0
            left = seconds - (clock() - began)
            own = _tried(bench, planned.own, _own, left * share, keep=several)
            anchors = _tried(bench, planned.anchors, _held, left * (1 - share), keep=True)
            save_seconds, save_peak = _saved(bench, parameters, updating)
        finally:
            for optimizer in updating:
                optimizer.zero_grad(set_to_none=True)
    parts = _parts(lesson, parameters, updating, max(0, kept), resting)
    del updating
    memory.give_back()
    return Trial(
        own=own, anchors=anchors, step_seconds=step_seconds, save_seconds=save_seconds, save_peak=save_peak, parts=parts,
        draw_seconds=draw_seconds, draw_peak=draw_peak, seconds=clock() - began,
    )  # fmt: skip


def _drawn(bench: _Bench) -> tuple[float, int]:
    """Return what it takes to draw the answers of a step; nothing with fixed rows."""
    rows = bench.lesson.rows
    if not isinstance(rows, Drawing):
        return 0.0, 0
    with peaks.peak(bench.device) as most:
        began = bench.clock()
        rows.of_step(bench.lesson.policy, 0, bench.lesson.train)
        taken = bench.clock() - began
    return taken, most.bytes


def _warm(bench: _Bench, planned: Schedule) -> None:
    """Do what is slow the first time, on the smallest of the micro-batches; its gradients stay."""
    for kinds, way in ((planned.own, _own), (planned.anchors, _held)):
        parts = [part for step in kinds for part in step]
        if parts:
            smallest = min(parts, key=lambda part: bench.sizes.of(part).work)
            _point(bench, smallest[: bench.lesson.method.group if way is _own else 1], way)


def _own(bench: _Bench, rows: Part, reference: Scorer) -> None:
    lesson = bench.lesson
    train = precision.decided(
        lesson.train, lesson.policy, compares=lesson.uses_reference or isinstance(lesson.rows, Drawing)
    )
    backward(lesson.method, lesson.policy, reference, rows, replace(train, max_tokens=_ALL), step=0)


def _held(bench: _Bench, rows: Part, _reference: Scorer) -> None:
    settings = replace(bench.lesson.anchors.settings, rows_per_step=len(rows), near_weight=1.0)
    held = replace(bench.lesson.anchors, near=rows, out=(), settings=settings)
    guard.backward(bench.lesson.policy, bench.reference, held, step=0, seed=0, max_tokens=_ALL)


Way = Callable[[_Bench, Part, "Scorer"], None]


def _point(bench: _Bench, rows: Part, way: Way) -> Point:
    lesson = bench.lesson
    remembers = lesson.method.uses_reference and not isinstance(lesson.rows, Drawing)
    reference = Remembering(bench.reference) if remembers else bench.reference
    with peaks.peak(bench.device) as most:
        seconds = _timed(bench, rows, way, reference)
    again = _timed(bench, rows, way, reference) if remembers and way is _own and lesson.epochs > 1 else None
    return Point(size=bench.sizes.of(rows), seconds=seconds, peak=most.bytes, again=again)


def _timed(bench: _Bench, rows: Part, way: Way, reference: Scorer) -> float:
    began = bench.clock()
    way(bench, rows, reference)
    if bench.device.type == "cuda":
        torch.cuda.synchronize(bench.device)
    return bench.clock() - began


def _tried(bench: _Bench, steps: Sequence[Sequence[Part]], way: Way, seconds: float, *, keep: bool) -> tuple[Point, ...]:
    """Try ever larger parts of the largest micro-batch, then those of some steps, until the time is over."""
    parts = [part for step in steps for part in step]
    if not parts:
        return ()
    began, found = bench.clock(), list[Point]()
    group = bench.lesson.method.group if way is _own else 1
    for number, part in enumerate(_order(bench, parts, group)):
        left = seconds - (bench.clock() - began)
        if number == MOST or (number > 1 and not _affordable(bench, part, found, left)):
            break
        if not keep:
            bench.lesson.policy.module.zero_grad(set_to_none=True)
        found.append(_point(bench, part, way))
    return tuple(found)


def _order(bench: _Bench, parts: Sequence[Part], group: int) -> Iterator[Part]:
    largest = max(parts, key=lambda part: bench.sizes.of(part).tokens)
    groups = len(largest) // group
    for count in sorted({1, *(max(1, round(groups * share)) for share in _SHARES)}):
        yield largest[: count * group]
    every = max(1, len(parts) // MOST)
    yield from parts[::every]


def _affordable(bench: _Bench, part: Part, found: Sequence[Point], left: float) -> bool:
    """Whether there is time, and memory beyond doubt, for a micro-batch."""
    last, size = found[-1], bench.sizes.of(part)
    if last.seconds * size.work / last.size.work > left:
        return False
    low = min(found, key=lambda point: point.size.tokens)
    high = max(found, key=lambda point: point.size.tokens)
    if size.tokens <= high.size.tokens or low is high:
        return True
    slope = (high.peak - low.peak) / (high.size.tokens - low.size.tokens)
    more = slope * (size.tokens - high.size.tokens) + high.peak - peaks.taken(bench.device)
    return more < _ROOM * peaks.free(bench.device)


def _updated(
    bench: _Bench, parameters: Mapping[str, torch.nn.Parameter], updating: Sequence[torch.optim.Optimizer]
) -> float:
    """Return how long it takes to measure the gradients and update; the first time makes the state and is not counted."""
    seconds = []
    for _ in range(3):
        began = bench.clock()
        torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
        for optimizer in updating:
            optimizer.step()  # at the rate of 0 with which it is made
        if bench.device.type == "cuda":
            torch.cuda.synchronize(bench.device)
        seconds.append(bench.clock() - began)
    return median(seconds[1:])


def _saved(
    bench: _Bench, parameters: Mapping[str, torch.nn.Parameter], updating: Sequence[torch.optim.Optimizer]
) -> tuple[float, int]:
    """Return how long a checkpoint takes and the most that is taken meanwhile, from writing some of the weights."""
    bench.lesson.policy.module.zero_grad(set_to_none=True)
    some, size = dict[str, torch.nn.Parameter](), 0
    for name, item in parameters.items():
        if not some or size + _bytes(item) <= _SAVED:
            some[name], size = item, size + _bytes(item)
    share = sum(map(_bytes, parameters.values())) / size
    resting = peaks.taken(bench.device)
    with tempfile.TemporaryDirectory() as aside, peaks.peak(bench.device) as most:
        began = bench.clock()
        checkpoints.save(Path(aside), step=1, fingerprint="", parameters=some, optimizers=updating)
        taken = bench.clock() - began
    return taken * share, resting + round((most.bytes - resting) * share)


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _parts(
    lesson: Lesson,
    parameters: Mapping[str, torch.nn.Parameter],
    updating: Sequence[torch.optim.Optimizer],
    kept: int,
    resting: int,
) -> dict[str, int]:
    weights = sum(map(_bytes, lesson.policy.module.parameters())) + sum(map(_bytes, lesson.policy.module.buffers()))
    gradients = sum(map(_bytes, parameters.values()))
    states = [value for optimizer in updating for state in optimizer.state.values() for value in state.values()]
    moments = sum(_bytes(value) for value in states if isinstance(value, torch.Tensor))
    rest = max(0, resting - weights - gradients - moments - kept)
    return {"weights": weights, "gradients": gradients, "optimizer": moments, "reference": kept, "process": rest}
