"""Which groups a step learns from: a function of the seed and the step, so that resuming needs only the step's number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import torch

from sayso.training.settings import Train

T = TypeVar("T")


def num_steps(num_groups: int, settings: Train) -> int:
    """Return how many optimizer steps the settings ask for."""
    if settings.max_steps:
        return settings.max_steps
    return max(1, math.ceil(_steps_per_epoch(num_groups, settings) * settings.num_train_epochs))


def groups_of_step(step: int, num_groups: int, settings: Train) -> list[int]:
    """Return the numbers of the groups of one step (from 0); the last step of an epoch may be short."""
    per_epoch = _steps_per_epoch(num_groups, settings)
    epoch, place = divmod(step, per_epoch)
    first = place * settings.groups_per_step
    if settings.train_sampling_strategy == "sequential":
        return list(range(first, min(first + settings.groups_per_step, num_groups)))
    chosen: list[int] = _permutation(num_groups, settings.seed, epoch)[first : first + settings.groups_per_step].tolist()
    return chosen


def endless(rows: Sequence[T], *, step: int, size: int, seed: int) -> list[T]:
    """Return `size` of `rows` for one step, going round them in a new order each time; fewer where there are fewer."""
    size = min(size, len(rows))
    places = range(step * size, (step + 1) * size)
    return [rows[int(_permutation(len(rows), seed, place // len(rows))[place % len(rows)])] for place in places]


def _steps_per_epoch(num_groups: int, settings: Train) -> int:
    return math.ceil(num_groups / settings.groups_per_step)


@lru_cache(maxsize=8)
def _permutation(count: int, seed: int, epoch: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(count, generator=generator).to(torch.int32)  # half the size, kept for several epochs
