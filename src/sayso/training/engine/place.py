"""Which of several processes of one training this is, as the launcher says it; no torch is needed to ask.

`sayso learn --processes`, `accelerate launch` and `torchrun` say it in the environment, under the same names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sayso.errors import SettingsError

T = TypeVar("T")
P = TypeVar("P")

MEETING = "SAYSO_MEETING"
"""The environment variable that names a file in which the processes of one machine find each other, in place of a port."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One process among `size`; the one of rank 0 writes and speaks for all."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    """Its number on its own machine: which GPU is its own."""

    @property
    def first(self) -> bool:
        """Whether it is the one that writes and speaks."""
        return self.rank == 0


def place(environ: Mapping[str, str] = os.environ) -> Place:
    """Return this process's place; a process that no launcher started is alone.

    Raises:
        SettingsError: what the launcher says makes no sense.
    """
    if "RANK" not in environ or "WORLD_SIZE" not in environ:
        return Place()
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    said = [environ.get(name, environ["RANK"]) for name in names]
    if not all(item.isdecimal() for item in said) or int(said[0]) >= int(said[1]):
        raise SettingsError(
            "RANK, WORLD_SIZE and LOCAL_RANK are {found!r} in the environment; expected numbers, RANK below WORLD_SIZE; "
            "start it with --processes, accelerate launch or torchrun, or without these variables",
            found=", ".join(said),
        )  # fmt: skip
    rank, size, local_rank = map(int, said)
    return Place(rank=rank, size=size, local_rank=local_rank)


def by_deepspeed(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the launcher (`accelerate launch --use_deepspeed`) wants trainings done by DeepSpeed."""
    return environ.get("ACCELERATE_USE_DEEPSPEED", "false").lower() in ("true", "1", "yes")


def by_first(do: Callable[[], T]) -> T:
    """Let the first process do it, and return to all of them what came of it; alone, just do it.

    Raises:
        SaysoError: it failed; the same error in all processes.
    """
    if place().size == 1:
        return do()
    from sayso.training.engine import distributed

    return distributed.by_first(do)


def as_first_says(value: T) -> T:
    """Return the first process's value to all of them, where they might not agree: what depends on a clock, or on a file."""
    return by_first(lambda: value)


def first_then_others(do: Callable[[], T]) -> T:
    """Do it in every process, but in the others only when the first is done: they find what it wrote."""
    if place().size == 1:
        return do()
    from sayso.training.engine import distributed

    return distributed.first_then_others(do)


def each(do: Callable[[P], T], parts: Iterable[P]) -> list[T]:
    """Do something with each part, every process with its share, and return to all what came of them in their order.

    Raises:
        SaysoError: it failed; the same error in all processes.
    """
    if place().size == 1:
        return [do(part) for part in parts]
    from sayso.training.engine import distributed

    return distributed.each(do, parts)


def together(writer: T) -> T:
    """Return a writer that lets each process write a share of what all ask it for; alone, it itself."""
    if place().size == 1:
        return writer
    from sayso.training.engine import together as sharing

    shared: T = sharing.together(writer)
    return shared
