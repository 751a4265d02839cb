"""The loop: pack rows, ask the method for its loss, divide the gradient once, add the anchors, step, yield a record."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch

from sayso.batches import Drawn, Row
from sayso.errors import PreflightError, SettingsError
from sayso.models.arithmetic import quick_products
from sayso.training import checkpoints, memory
from sayso.training import guard as guards
from sayso.training.backward import backward, divide
from sayso.training.drawing import Drawing
from sayso.training.finite import culprits, not_finite
from sayso.training.guard import Anchors
from sayso.training.naming import name_rows
from sayso.training.optimizer import carries_adapter, optimizers, rate, trainable
from sayso.training.order import groups_of_step, num_steps
from sayso.training.preflight import check_rows
from sayso.training.settings import Train

if TYPE_CHECKING:
    from sayso.methods import Method
    from sayso.models import Policy, Scorer


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one optimizer step did."""

    step: int
    """From 1."""
    num_steps: int
    loss: float
    """The method's loss, averaged over everything it counts in the step."""
    learning_rate: float
    grad_norm: float
    """Length of the gradient before it was shortened."""
    tokens: int
    """Tokens of the method's rows that went through the model."""
    rows: int
    near: float | None = None
    """Loss of the near anchors, in nats a token; None without any."""
    out: float | None = None
    """Loss of the out anchors, in nats a token; None without any."""
    sums: Mapping[str, float] = field(default_factory=dict, hash=False)
    """What else the loss reports, averaged alike, and what a method that draws answers says of them."""
    answers: int = 0
    """Answers that were drawn for this step; 0 with fixed rows."""
    reward: float | None = None
    """Their mean reward; None where nothing judges them."""
    seconds: float = 0.0
    """Since the run was started or taken up again."""


def steps(  # noqa: PLR0913  the door of training: a method, a model, rows, settings, and how the run is kept
    method: Method,
    policy: Policy,
    rows: Sequence[Row] | Drawing,
    settings: Train,
    *,
    guard: Anchors | None = None,
    folder: Path | None = None,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Step]:
    """Train `policy` (made ready by `prepare`) on `rows` in place and yield a record after each optimizer step.

    With a `Drawing` in the place of rows the method draws new answers at every step; a step all of whose answers are equally
    good may leave the weights to the guard alone.

    With a `folder`, checkpoints are kept in its `checkpoints/`; with `resume`, the run goes on after the newest whole one,
    and on a CPU ends bit for bit where it would have ended without a stop. A checkpoint is written after its step's record
    was taken, so that what the consumer writes down is never behind the weights on disk. When `stop` is asked after a step
    and says yes, one is written at once and the run ends there.

    Raises:
        PreflightError: there is nothing to learn from.
        SettingsError: the folder holds another run's checkpoints, or one that was not asked to be resumed.
        ModelError: the loss or the gradient is not finite; the rows are named, and no update was made from them.
    """
    if not isinstance(rows, Drawing) or not rows:
        check_rows([] if isinstance(rows, Drawing) else rows, policy, group=method.group)
    anchors = guard or Anchors()
    kept = folder / "checkpoints" if folder else None
    mark = fingerprint(method, rows, settings, anchors)
    found = _found(kept, mark, resume=resume)
    parameters = _expected(policy, settings)
    if settings.bf16 and _needs_reference(method, anchors):
        raise SettingsError(
            "train.bf16 is for methods that compare nothing with the model before training, whose differences bfloat16 "
            "would round away; set it to false, or use sft without a guard"
        )
    if settings.dropout and (isinstance(rows, Drawing) or _needs_reference(method, anchors)):
        raise SettingsError(
            "train.dropout is for methods that compare nothing with the model before training or with what it drew, "
            "where noise would be compared; set it to false, or use sft without a guard"
        )
    run = _Run(
        method=method, policy=policy, reference=policy.reference() if _needs_reference(method, anchors) else policy,
        rows=rows, settings=settings, anchors=anchors, parameters=parameters, optimizers=optimizers(parameters, settings),
        num_steps=num_steps(_num_groups(method, rows), settings), folder=kept, fingerprint=mark,
    )  # fmt: skip
    if found:
        checkpoints.load(found, parameters=parameters, optimizers=run.optimizers)
    started = clock()
    for number in range(found.step if found else 0, run.num_steps):
        record = _step(run, number)
        yield dataclasses.replace(record, seconds=clock() - started)
        stopped = stop()
        _keep(run, number + 1, now=stopped)
        if (number + 1) % memory.EVERY_STEPS == 0:
            memory.give_back()
        if stopped:
            return


def _needs_reference(method: Method, anchors: Anchors) -> bool:
    return method.uses_reference or bool(anchors.kinds() and anchors.settings.kl_share)


def _num_groups(method: Method, rows: Sequence[Row] | Drawing) -> int:
    return len(rows) if isinstance(rows, Drawing) else len(rows) // method.group


def fingerprint(method: Method, rows: Sequence[Row] | Drawing, settings: Train, anchors: Anchors) -> str:
    """Return the hash of everything that decides what is learnt; how often checkpoints are written is no part of it."""
    decisive = {key: value for key, value in dataclasses.asdict(settings).items() if not key.startswith("save_")}
    held = [(name, weight, kind) for name, kind, weight in anchors.kinds()]
    digest = hashlib.sha256(repr((method, decisive, anchors.settings.rows_per_step)).encode())
    for name, weight, kind in [("rows", 1.0, rows), *held]:
        digest.update(repr((name, weight)).encode())
        if isinstance(kind, Digested):
            digest.update(kind.digest().encode())
            continue
        for item in kind:
            digest.update(repr((item.ids, item.weights, *filter(None, (item.kind, item.labels)))).encode())
    return digest.hexdigest()


@runtime_checkable
class Digested(Protocol):
    """Rows that know the hash of what they hold, because there are too many of them to read for it."""

    def digest(self) -> str:
        """Return the hash of all rows, in order."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """The parts of a run, put together once."""

    method: Method
    policy: Policy
    reference: Scorer
    rows: Sequence[Row] | Drawing
    settings: Train
    anchors: Anchors
    parameters: dict[str, torch.nn.Parameter]
    optimizers: Sequence[torch.optim.Optimizer]
    num_steps: int
    folder: Path | None
    fingerprint: str


def _found(folder: Path | None, mark: str, *, resume: bool) -> checkpoints.Checkpoint | None:
    found = checkpoints.newest(folder) if folder else None
    if folder and resume:
        checkpoints.tidy(folder)
    if found is None:
        return None
    if not resume:
        raise SettingsError(
            "{path!r} already holds a run of {step} steps; resume it, or choose another folder",
            path=str(folder), step=found.step,
        )  # fmt: skip
    if found.fingerprint != mark:
        raise SettingsError(
            "{path!r} holds a run with other settings or other rows, so it cannot be resumed with these; "
            "give back what it was started with (settings.json lies beside it), or choose another folder",
            path=str(folder),
        )
    return found


def _expected(policy: Policy, settings: Train) -> dict[str, torch.nn.Parameter]:
    if settings.use_lora != carries_adapter(policy.module):
        raise SettingsError(
            "train.use_lora is {wanted}, but the model carries {found}; make it ready with training.optimizer.prepare first",
            wanted=settings.use_lora, found="no adapter" if settings.use_lora else "an adapter",
        )  # fmt: skip
    return trainable(policy.module)


def _step(run: _Run, number: int) -> Step:
    """Do one optimizer step (`number` from 0). Random numbers are a function of seed and step and touch no one else's."""
    settings = run.settings
    drawn = _of_step(run, number)
    chosen = drawn.rows
    with torch.random.fork_rng(), quick_products():
        torch.manual_seed(settings.seed * 1_000_003 + number)
        try:
            loss, sums = _method_backward(run, drawn, number)
            held = guards.backward(
                run.policy, run.reference, run.anchors, step=number, seed=settings.seed, max_tokens=settings.max_tokens
            )
            norm = _norm(run, chosen, number)
            for optimizer in run.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = _rate(run, number)
                optimizer.step()
        finally:
            for optimizer in run.optimizers:
                optimizer.zero_grad(set_to_none=True)
    return Step(
        step=number + 1, num_steps=run.num_steps, loss=loss, learning_rate=_rate(run, number), grad_norm=norm,
        tokens=sum(len(item.ids) for item in chosen), rows=len(chosen),
        near=held.get("near"), out=held.get("out"), sums={**sums, **drawn.sums},
        answers=drawn.answers, reward=drawn.reward,
    )  # fmt: skip


def _of_step(run: _Run, number: int) -> Drawn:
    """Return the rows of a step: some of those that are given, or what the method draws now."""
    if isinstance(run.rows, Drawing):
        drawn = run.rows.of_step(run.policy, number, run.settings)
        return dataclasses.replace(drawn, rows=_laid_out(run, drawn.rows))
    size = run.method.group
    groups = groups_of_step(number, len(run.rows) // size, run.settings)
    rows = [item for group in groups for item in run.rows[group * size : (group + 1) * size]]
    return Drawn(rows=_laid_out(run, rows), answers=0)


def _laid_out(run: _Run, rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the groups of rows in the order in which they go through the model."""
    size = run.method.group
    members = [rows[first : first + size] for first in range(0, len(rows), size)]
    if not run.policy.packed:  # padding is least where neighbours are alike
        members.sort(key=lambda rows: max(len(item.ids) for item in rows))
    return tuple(item for rows in members for item in rows)


def _method_backward(run: _Run, drawn: Drawn, number: int) -> tuple[float, dict[str, float]]:
    """Leave the gradient of the mean loss in the parameters: sums over micro-batches, divided once by the total count."""
    found = backward(run.method, run.policy, run.reference, drawn.rows, run.settings, step=number)
    count = found.count if drawn.count is None else drawn.count
    if not count:
        return _nothing_left(drawn, number)
    divide(run.parameters.values(), count)
    return found.total / count, {name: amount / count for name, amount in found.sums.items()}


def _nothing_left(drawn: Drawn, number: int) -> tuple[float, dict[str, float]]:
    """Return a loss of nothing where answers were drawn: the next ones may teach; fixed rows never will."""
    if drawn.answers:
        return 0.0, {}
    raise PreflightError(
        "nothing is left to learn from at step {step}: {rows}; the method's settings leave out all their tokens",
        step=number + 1, rows=name_rows(drawn.rows),
    )  # fmt: skip


def _norm(run: _Run, chosen: Sequence[Row], number: int) -> float:
    limit = run.settings.max_grad_norm or math.inf
    norm = float(torch.nn.utils.clip_grad_norm_(run.parameters.values(), limit))
    if not math.isfinite(norm):
        raise not_finite(norm, culprits(chosen, run.method.group, lambda some: _length(run, some, number)), number)
    return norm


def _length(run: _Run, rows: Sequence[Row], number: int) -> float:
    """Return how long the gradient of some rows alone is."""
    for parameter in run.parameters.values():
        parameter.grad = None
    backward(run.method, run.policy, run.reference, rows, run.settings, step=number)
    return float(torch.nn.utils.get_total_norm([item.grad for item in run.parameters.values() if item.grad is not None]))


def _rate(run: _Run, number: int) -> float:
    peak = run.settings.learning_rate
    return rate(number, run.num_steps, run.method.learning_rate if peak is None else peak, run.settings)


def _keep(run: _Run, done: int, *, now: bool) -> None:
    if run.folder is None:
        return
    every = run.settings.save_steps
    if now or done == run.num_steps or (every and done % every == 0):
        checkpoints.save(
            run.folder, step=done, fingerprint=run.fingerprint, parameters=run.parameters, optimizers=run.optimizers
        )
        checkpoints.prune(run.folder, run.settings.save_total_limit)
