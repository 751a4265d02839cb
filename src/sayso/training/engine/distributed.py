"""Several processes, one training: each takes a share of a step's groups, and what they find is summed.

Losses here are sums with counts: gradients are summed over the processes, and divided once by what all of them counted, so
that many processes learn what one would, up to rounding, however uneven their shares. This is why torch's
`DistributedDataParallel` is not used: it averages means, and wants the loss to come out of one call of one module, where a
method asks the policy and the reference as often as it likes. Random numbers are functions of the seed and the step, so all
processes know which groups a step takes without being told.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous
from torch.distributed.tensor import DTensor, distribute_tensor

from sayso import errors
from sayso.batches import Row
from sayso.errors import BrokenOffError, NoRoomError, PeerError, SaysoError
from sayso.training.engine.place import MEETING, Place

T = TypeVar("T")
P = TypeVar("P")

_BUCKET = 2**23
"""Numbers that are summed over the processes at once (32 MiB in float32)."""
_PATIENCE = timedelta(hours=12)
"""So long a process waits for the others: the first may measure while they do. One that ended is noticed at once."""
_FAILURE = "failure"
_ALONE = Place()


def here() -> Place:
    """Return this process's place among those that have joined; alone where none have."""
    if not (dist.is_available() and dist.is_initialized()):
        return _ALONE
    return Place(rank=dist.get_rank(), size=dist.get_world_size())


@contextmanager
def joined(place: Place) -> Iterator[Place]:
    """Join the processes of a training for the time of a block; a failure of any is raised in the first.

    Raises:
        PeerError: another process ended, and did not say why.
    """
    store = _store(place)
    if torch.cuda.is_available():
        torch.cuda.set_device(place.local_rank % torch.cuda.device_count())
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    with _peers():
        dist.init_process_group(backend, store=store, rank=place.rank, world_size=place.size, timeout=_PATIENCE)
    _end_with_launcher()
    try:
        yield here()
    except PeerError as error:
        raise (_told(store) if place.first else None) or error from error
    except SaysoError as error:
        if not place.first:
            form = {"kind": type(error).__name__, "template": error.template, "fields": error.fields}
            store.set(_FAILURE, json.dumps(form, default=str))
        raise
    finally:
        dist.destroy_process_group()


def _store(place: Place) -> dist.Store:
    if MEETING in os.environ:
        return dist.FileStore(os.environ[MEETING], place.size)  # type: ignore[attr-defined]  # documented, in no __all__
    with _peers():
        store: dist.Store = next(iter(rendezvous("env://", place.rank, place.size)))[0]
    return store


def _told(store: dist.Store) -> SaysoError | None:
    """Return what another process said before it ended, or None where it said nothing."""
    try:
        if not store.check([_FAILURE]):
            return None
        form = json.loads(store.get(_FAILURE))
    except RuntimeError:  # the store was the launcher's, and went with it
        return None
    kind: type[SaysoError] = getattr(errors, form["kind"], SaysoError)
    return kind(form["template"], **form["fields"])


def _end_with_launcher() -> None:
    """Stop as SIGTERM stops it when whoever started this process is gone: nobody else would end it."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _peers() -> Iterator[None]:
    """Say in one line that another process has gone."""
    try:
        yield
    except RuntimeError as error:
        raise PeerError(
            "another process of this training ended, so it cannot go on; run the same command again to go on from its "
            "last checkpoint"
        ) from error


@contextmanager
def in_step(policy: Any) -> Iterator[None]:
    """Say in one line what ends a block in whose middle processes with a model in shards wait for each other.

    Raises:
        BrokenOffError: memory ran out here; the others, who are in the middle of it too, end because this one does.
        PeerError: another process ended.
    """
    try:
        yield
    except NoRoomError as error:
        if not in_shards(policy):
            raise
        if error.fields["groups"] == 1:  # smaller parts there are none
            raise BrokenOffError("process {number}: {reason}", number=here().rank + 1, reason=str(error)) from error
        raise BrokenOffError(
            "process {number}: {reason}. With weights in shards a step cannot be done again in smaller parts: set "
            "train.max_tokens to {tokens} or fewer, and run the same command again to go on from the last checkpoint",
            number=here().rank + 1, reason=str(error), tokens=error.fields["tokens"] // 2,
        ) from error  # fmt: skip
    except RuntimeError as error:
        if isinstance(error, SaysoError) or not _lost(error):
            raise
        with _peers():
            raise


def _lost(error: RuntimeError) -> bool:
    """Whether a failure says that another process has gone."""
    return isinstance(error, dist.DistError) or "gloo" in str(error)


def gathered(do: Callable[[], T]) -> list[T]:
    """Do something in every process and return to each what came of it in all of them, in the order of their ranks.

    Raises:
        SaysoError: it failed somewhere; the error of the first that failed, in all processes.
    """
    group = here()
    if group.size == 1:
        return [do()]
    mine: T | SaysoError
    try:
        mine = do()
    except (PeerError, BrokenOffError):
        raise
    except SaysoError as error:
        mine = error
    found: list[Any] = [None] * group.size
    with _peers():
        dist.all_gather_object(found, mine)
    for item in found:
        if isinstance(item, SaysoError):
            raise item
    return found


def by_first(do: Callable[[], T]) -> T:
    """Let the first process do it, and return to all of them what came of it; see `place.by_first`."""
    first = here().first
    found: Any = gathered(lambda: do() if first else None)[0]
    return found  # type: ignore[no-any-return]


def first_then_others(do: Callable[[], T]) -> T:
    """Do it in every process, but in the others only when the first is done; see `place.first_then_others`."""
    first, found = here().first, list[T]()
    gathered(lambda: found.append(do()) if first else None)
    gathered(lambda: None if first else found.append(do()))
    return found[0]


def share(rows: Sequence[Row], *, size: int) -> list[Row]:
    """Return this process's whole groups of a step's rows, in their order; it may have none.

    The groups go one by one, the longest first, to the process with the fewest tokens so far.
    """
    group = here()
    if group.size == 1:
        return list(rows)
    members = [rows[first : first + size] for first in range(0, len(rows), size)]
    tokens = [sum(len(item.ids) for item in rows) for rows in members]
    given, mine = [0] * group.size, set()
    for place in sorted(range(len(members)), key=lambda place: (-tokens[place], place)):
        taker = min(range(group.size), key=lambda rank: (given[rank], rank))
        given[taker] += tokens[place]
        if taker == group.rank:
            mine.add(place)
    return [item for place in sorted(mine) for item in members[place]]


def in_parts(write: Callable[[list[P]], list[T]], prompts: Sequence[P], keys: Sequence[Hashable]) -> list[T]:
    """Let every process answer its share of the prompts, and return to each all answers, in the order of the prompts.

    Prompts of one key go to one process, in their order: what is drawn for a prompt depends on how often it came before.
    """
    group = here()
    if group.size == 1:
        return write(list(prompts))
    number = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    owners = [number[key] % group.size for key in keys]
    mine = [prompt for prompt, owner in zip(prompts, owners, strict=True) if owner == group.rank]
    answers = [iter(part) for part in gathered(lambda: write(mine) if mine else [])]
    return [next(answers[owner]) for owner in owners]


def each(do: Callable[[P], T], parts: Iterable[P]) -> list[T]:
    """Do something with each part, in turns, and return to all what came of each; see `place.each`."""
    group = here()
    found = gathered(lambda: [do(part) for number, part in enumerate(parts) if number % group.size == group.rank])
    return [found[number % group.size][number // group.size] for number in range(sum(map(len, found)))]


def in_shards(policy: Any) -> bool:
    """Whether the weights of a model are spread over the processes (`training.sharding`)."""
    return getattr(policy, "through", None) is not None


def turns(policy: Any, parts: Sequence[list[Row]], idle: Sequence[Row]) -> Iterator[tuple[list[Row], bool]]:
    """Yield this process's micro-batches, each with True; where a model is in shards, all processes take equally many turns.

    A process that has fewer than another computes `idle` with False instead: it counts nothing.
    """
    most = max(gathered(lambda: len(parts))) if in_shards(policy) else len(parts)
    for number in range(most):
        yield (parts[number], True) if number < len(parts) else (list(idle), False)


def whole(value: torch.Tensor) -> torch.Tensor:
    """Return a tensor that is in shards as a whole one, in every process; any other as it is."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def placed(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return a whole tensor on the device of another, and in shards where that is."""
    if not isinstance(like, DTensor):
        return value.to(like.device)
    spread: torch.Tensor = distribute_tensor(value.to(like.device), like.device_mesh, like.placements)
    return spread


def add_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace every gradient by its sum over the processes; where no process has any, there is none afterwards."""
    if here().size == 1:
        return
    named = list(parameters)
    had = [any(some) for some in zip(*gathered(lambda: [item.grad is not None for item in named]), strict=True)]
    wanted = [item for item, has in zip(named, had, strict=True) if has]
    for item in wanted:
        if item.grad is None:
            item.grad = torch.zeros_like(item)
    for bucket in _buckets([item.grad for item in wanted if item.grad is not None]):
        flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
        with _peers():
            dist.all_reduce(flat)
        for gradient, summed in zip(bucket, torch.split(flat, [gradient.numel() for gradient in bucket]), strict=True):
            gradient.copy_(summed.view_as(gradient))


def _buckets(gradients: Iterable[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    """Yield runs of tensors of one kind that are summed together; a larger one goes alone."""
    run: list[torch.Tensor] = []
    for gradient in gradients:
        alike = not run or (run[0].dtype, run[0].device) == (gradient.dtype, gradient.device)
        if run and (not alike or sum(item.numel() for item in run) + gradient.numel() > _BUCKET):
            yield run
            run = []
        run.append(gradient)
    if run:
        yield run


def as_first(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Give every process the weights of the first."""
    if here().size == 1:
        return
    with _peers(), torch.no_grad():
        for item in parameters:
            dist.broadcast(item.data, src=0)
