"""The loop: pack rows, ask the method for its loss, divide the gradient once, add the anchors, step, yield a record."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

import torch

from sayso.batches import Drawn, Row
from sayso.errors import NoRoomError, PreflightError, SettingsError
from sayso.models.arithmetic import quick_products
from sayso.training.engine import checkpoints, deep, distributed, memory, precision, sharding
from sayso.training.engine import guard as guards
from sayso.training.engine.backward import Summed, backward, divide
from sayso.training.engine.drawing import Drawing
from sayso.training.engine.finite import culprits, not_finite
from sayso.training.engine.guard import Anchors
from sayso.training.engine.layers import arranged
from sayso.training.engine.naming import name_rows
from sayso.training.engine.optimizer import carries_adapter, optimizers, rate, trainable
from sayso.training.engine.order import groups_of_step, num_steps
from sayso.training.engine.place import by_deepspeed
from sayso.training.engine.remembering import Remembering
from sayso.training.preflight import check_rows
from sayso.training.settings import INDIFFERENT, Train

if TYPE_CHECKING:
    from sayso.methods import Method
    from sayso.models import Policy, Scorer
    from sayso.models.local import LocalModel


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

    In each of several processes that have joined (`engine.distributed`) this is called with the same; every one yields
    the same records and ends with the same weights, and the first writes the checkpoints. How many there are is no part of
    the run: it may be taken up again by more or fewer.

    Raises:
        PreflightError: there is nothing to learn from.
        SettingsError: the folder holds another run's checkpoints, or one that was not asked to be resumed.
        ModelError: the loss or the gradient is not finite; the rows are named, and no update was made from them.
    """
    if not isinstance(rows, Drawing) or not rows:
        check_rows([] if isinstance(rows, Drawing) else rows, policy, group=method.group)
    anchors = guard or Anchors()
    compares = isinstance(rows, Drawing) or _needs_reference(method, anchors)
    settings = precision.decided(deep.settled(settings), policy, compares=compares)
    kept = folder / "checkpoints" if folder else None
    mark = fingerprint(method, rows, settings, anchors)
    found = _same_everywhere(lambda: _found(kept, mark, resume=resume), mark)
    _expect_trainable(policy, settings)
    if settings.dropout and compares:
        raise SettingsError(
            "train.dropout is for methods that compare nothing with the model before training or with what it drew, "
            "where noise would be compared; set it to false, or use sft without a guard"
        )
    reference = _reference(method, policy, rows, anchors, folder)
    with _spread(policy, method, settings), arranged(policy.module, settings):
        parameters, most = trainable(policy.module), num_steps(_num_groups(method, rows), settings)
        run = _Run(
            method=method, policy=policy, reference=reference, rows=rows, settings=settings, anchors=anchors,
            parameters=parameters, optimizers=optimizers(parameters, settings), num_steps=most, folder=kept,
            fingerprint=mark, room=memory.Room(settings.max_tokens),
            held=guards.remembered(policy, reference, anchors, num_steps=most, max_tokens=settings.max_tokens),
        )  # fmt: skip
        if found:
            checkpoints.load(found, parameters=parameters, optimizers=run.optimizers)
        with _by_deepspeed(run) as shared:
            yield from _records(shared, found.step if found else 0, stop, clock)


@contextmanager
def _by_deepspeed(run: _Run) -> Iterator[_Run]:
    """Hand the weights over to DeepSpeed for the time of a block, where the launcher wants it."""
    if not by_deepspeed():
        yield run
        return
    config = deep.configuration(run.settings)
    with deep.sharded(cast("LocalModel", run.policy), run.parameters, run.optimizers[0], config) as zero:
        yield dataclasses.replace(run, optimizers=(), zero=zero)


def _spread(policy: Policy, method: Method, settings: Train) -> AbstractContextManager[None]:
    """Give every process the weights of the first; with `fsdp` in shards for the time of a block."""
    distributed.as_first(trainable(policy.module).values())
    if by_deepspeed():
        deep.expect_possible(method)
        return deep.aside(cast("LocalModel", policy))
    if not settings.fsdp or distributed.here().size == 1:
        return nullcontext()
    sharding.expect_possible(method, settings)
    return sharding.sharded(cast("LocalModel", policy))


def _records(run: _Run, begin: int, stop: Callable[[], bool], clock: Callable[[], float]) -> Iterator[Step]:
    """Do the steps from `begin` on, and write checkpoints between them."""
    started = clock()
    for number in range(begin, run.num_steps):
        with distributed.in_step(run.policy):
            record = _step(run, number)
        yield dataclasses.replace(record, seconds=clock() - started)
        stops = distributed.gathered(stop)
        stopped = any(stops)
        with distributed.in_step(run.policy):
            _keep(run, number + 1, now=stopped)
        if (number + 1) % memory.EVERY_STEPS == 0:
            memory.give_back()
        if stopped:
            if not stops[0]:  # another process was told to stop, and the first speaks for all
                raise KeyboardInterrupt(signal.SIGTERM)
            return


def _needs_reference(method: Method, anchors: Anchors) -> bool:
    return method.uses_reference or bool(anchors.kinds() and anchors.settings.kl_share)


def _reference(
    method: Method, policy: Policy, rows: Sequence[Row] | Drawing, anchors: Anchors, folder: Path | None
) -> Scorer:
    """Return the model before training, asked once about rows that come again; the policy itself where nothing asks it."""
    if not _needs_reference(method, anchors):
        return policy
    found = policy.reference()
    return found if isinstance(rows, Drawing) else Remembering(found, folder / "reference" if folder else None)


def _num_groups(method: Method, rows: Sequence[Row] | Drawing) -> int:
    return len(rows) if isinstance(rows, Drawing) else len(rows) // method.group


def fingerprint(method: Method, rows: Sequence[Row] | Drawing, settings: Train, anchors: Anchors) -> str:
    """Return the hash of everything that decides what is learnt; how often checkpoints are written is no part of it."""
    given = dataclasses.asdict(settings).items()
    decisive = {key: value for key, value in given if not key.startswith("save_") and key not in INDIFFERENT}
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
    room: memory.Room
    held: guards.Known
    """What the model before training says of the anchors, where it was asked before the first step."""
    zero: deep.Zero | None = None
    """What does the step, where DeepSpeed has the weights."""

    @property
    def fitted(self) -> Train:
        """The settings with as many tokens at once as have been found to fit."""
        return dataclasses.replace(self.settings, max_tokens=self.room.max_tokens)


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


def _same_everywhere(find: Callable[[], checkpoints.Checkpoint | None], mark: str) -> checkpoints.Checkpoint | None:
    """Return the checkpoint to go on from, after the processes of a run have found that they do the same."""
    found: checkpoints.Checkpoint | None = None

    def seen() -> tuple[str, int]:
        nonlocal found
        found = find()
        return mark, found.step if found else 0

    if len(set(distributed.gathered(seen))) > 1:
        raise SettingsError(
            "the processes of this training have different settings, rows or checkpoints; start them with the same command, "
            "on the same files, in a folder that all of them see"
        )
    return found


def _expect_trainable(policy: Policy, settings: Train) -> None:
    if settings.use_lora != carries_adapter(policy.module):
        raise SettingsError(
            "train.use_lora is {wanted}, but the model carries {found}; make it ready with "
            "training.engine.optimizer.prepare first",
            wanted=settings.use_lora, found="no adapter" if settings.use_lora else "an adapter",
        )  # fmt: skip


def _step(run: _Run, number: int) -> Step:
    """Do one optimizer step (`number` from 0). Random numbers are a function of seed and step and touch no one else's."""
    drawn = _of_step(run, number)
    chosen = drawn.rows
    with torch.random.fork_rng(), quick_products():
        try:
            loss, sums, held = _gradients(run, drawn, number)
            if not distributed.in_shards(run.policy):  # in shards they were summed as they came
                distributed.add_gradients(run.parameters.values())
            norm = _updated(run, chosen, number)
        finally:
            for updating in _updating(run):
                updating.zero_grad(set_to_none=True)
    return Step(
        step=number + 1, num_steps=run.num_steps, loss=loss, learning_rate=_rate(run, number), grad_norm=norm,
        tokens=sum(len(item.ids) for item in chosen), rows=len(chosen),
        near=held.get("near"), out=held.get("out"), sums={**sums, **drawn.sums},
        answers=drawn.answers, reward=drawn.reward,
    )  # fmt: skip


def _updating(run: _Run) -> Sequence[torch.optim.Optimizer | deep.Zero]:
    return [run.zero] if run.zero else run.optimizers


def _updated(run: _Run, chosen: Sequence[Row], number: int) -> float:
    """Update the weights, and return the length of the gradient before it was shortened."""
    for updating in _updating(run):
        for group in updating.param_groups:
            group["lr"] = _rate(run, number)
    if run.zero:
        norm = run.zero.step()  # it leaves the weights as they are where that is not finite
        if not math.isfinite(norm):
            raise not_finite(norm, chosen, number)
        return norm
    norm = _norm(run, chosen, number)
    for optimizer in run.optimizers:
        optimizer.step()
    return norm


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


def _gradients(run: _Run, drawn: Drawn, number: int) -> tuple[float, dict[str, float], dict[str, float]]:
    """Leave the step's gradient in the parameters; where memory runs out, all of it is done again on smaller micro-batches.

    From the beginning, because a backward pass that was broken off has added to some of the gradients.
    """
    while True:
        torch.manual_seed(run.settings.seed * 1_000_003 + number)
        try:
            loss, sums = _method_backward(run, drawn, number)
            return loss, sums, _anchors_backward(run, number)
        except NoRoomError as error:
            if error.fields["groups"] == 1:
                raise
            tokens = error.fields["tokens"]
        for optimizer in run.optimizers:
            optimizer.zero_grad(set_to_none=True)
        run.room.halve(tokens)


def _method_backward(run: _Run, drawn: Drawn, number: int) -> tuple[float, dict[str, float]]:
    """Leave the gradient of the mean loss in the parameters: sums over micro-batches, divided once by the total count."""
    mine = distributed.share(drawn.rows, size=run.method.group)
    found = _together(distributed.gathered(lambda: _backward(run, mine, number, idle=drawn.rows[: run.method.group])))
    count = found.count if drawn.count is None else drawn.count
    if not count:
        return _nothing_left(drawn, number)
    if run.zero:
        run.zero.divide(count)
    else:
        divide(run.parameters.values(), count)
    return found.total / count, {name: amount / count for name, amount in found.sums.items()}


def _backward(run: _Run, rows: Sequence[Row], number: int, *, idle: Sequence[Row]) -> Summed:
    if distributed.in_shards(run.policy):
        with distributed.in_step(run.policy):
            return sharding.backward(run.method, run.policy, run.reference, rows, run.fitted, step=number, idle=idle)
    return backward(run.method, run.policy, run.reference, rows, run.fitted, step=number)


def _together(parts: Sequence[Summed]) -> Summed:
    """Return what the loss came to over the rows of all processes."""
    return Summed(
        total=sum(part.total for part in parts), count=sum(part.count for part in parts),
        sums=_added([part.sums for part in parts]),
    )  # fmt: skip


def _anchors_backward(run: _Run, number: int) -> dict[str, float]:
    """Add the gradient of the anchors, and return their mean losses."""
    return _added(distributed.gathered(lambda: _anchors_share(run, number)))


def _anchors_share(run: _Run, number: int) -> dict[str, float]:
    with distributed.in_step(run.policy):
        return guards.backward(
            run.policy,
            run.reference,
            run.anchors,
            step=number,
            seed=run.settings.seed,
            max_tokens=run.room.max_tokens,
            known=run.held,
        )


def _added(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: sum(part.get(name, 0.0) for part in parts) for name in names}


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
    norm = float(distributed.whole(torch.nn.utils.clip_grad_norm_(run.parameters.values(), limit)))
    if not math.isfinite(norm):
        raise not_finite(norm, culprits(chosen, run.method.group, lambda some: _length(run, some, number)), number)
    return norm


def _length(run: _Run, rows: Sequence[Row], number: int) -> float:
    """Return how long the gradient of some rows alone is."""
    for parameter in run.parameters.values():
        parameter.grad = None
    backward(run.method, run.policy, run.reference, rows, run.fitted, step=number)
    gradients = [item.grad for item in run.parameters.values() if item.grad is not None]
    return float(distributed.whole(torch.nn.utils.get_total_norm(gradients)))


def _rate(run: _Run, number: int) -> float:
    peak = run.settings.learning_rate
    return rate(number, run.num_steps, run.method.learning_rate if peak is None else peak, run.settings)


def _keep(run: _Run, done: int, *, now: bool) -> None:
    if run.folder is None:
        return
    every, folder = run.settings.save_steps, run.folder
    if now or done == run.num_steps or (every and done % every == 0):
        if isinstance(run.reference, Remembering):
            distributed.gathered(run.reference.keep)
        distributed.gathered(lambda: _write(run, folder, done))


def _write(run: _Run, folder: Path, done: int) -> None:
    parameters, optimizers = run.parameters, run.optimizers
    if run.zero:
        parameters, optimizer = deep.snapshot(run.zero, run.parameters)
        optimizers = (optimizer,)
    checkpoints.save(folder, step=done, fingerprint=run.fingerprint, parameters=parameters, optimizers=optimizers)
    if distributed.here().first:
        checkpoints.prune(folder, run.settings.save_total_limit)
