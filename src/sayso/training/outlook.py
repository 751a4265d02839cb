"""What a training would come to, before it is done: how many steps, on how many tokens, in how much time."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from sayso.batches import collate, micro_batches
from sayso.errors import SettingsError
from sayso.models.arithmetic import quick_products
from sayso.training import order
from sayso.training.data import Data, Material
from sayso.training.settings import Train

if TYPE_CHECKING:
    from sayso.methods import Method
    from sayso.models.local import LocalModel


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What is trained on what, with its rows."""

    verb: str
    policy: LocalModel
    """Made ready to learn."""
    method: Method
    material: Material
    train: Train
    data: Data


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a training would do."""

    parameters: int
    trainable: int
    rows: int
    left_out: int
    tokens: int
    """Tokens of all rows."""
    longest: int
    validation_tokens: int
    steps: int
    tokens_seen: int
    """Tokens that all steps together see, about."""
    seconds: float
    """How long it would take, from a few batches that were tried."""
    packed: str
    mixture: Mapping[str, float] = field(default_factory=dict)
    """Of a mixture: how often each group would be seen."""


def seeded(train: Train, seed: int) -> Train:
    """Return the training settings with the seed of everything.

    Raises:
        SettingsError: they name another of their own.
    """
    if train.seed not in (0, seed):
        raise SettingsError(
            "train.seed: found {found}, but seed is {seed}; set seed, it is for both", found=train.seed, seed=seed
        )
    return replace(train, seed=seed)


def laid_out(material: Material, train: Train, data: Data) -> Train:
    """Return the training settings with as many steps as the budget of tokens wants.

    Raises:
        SettingsError: both a number of steps and a number of tokens were asked for.
    """
    if not data.tokens:
        return train
    if train.max_steps:
        raise SettingsError("train.max_steps and data.tokens both end the schedule; set one of them")
    per_epoch = math.ceil(len(material.train) / train.groups_per_step)
    return replace(train, max_steps=max(1, round(data.tokens / material.train.tokens * per_epoch)))


def tokens_of(material: Material, train: Train) -> int:
    """Return how many tokens all steps together see, about."""
    per_epoch = math.ceil(len(material.train) / train.groups_per_step)
    return round(material.train.tokens * order.num_steps(len(material.train), train) / per_epoch)


def foreseen(job: Job) -> Preview:
    """Return what a training would do; a few batches are tried for the time it would take."""
    facts, held = job.material.train.facts, job.material.validation
    seen = tokens_of(job.material, job.train)
    return Preview(
        parameters=job.policy.num_parameters(), trainable=job.policy.num_parameters(trainable=True),
        rows=len(job.material.train), left_out=job.material.left_out, tokens=facts.tokens, longest=facts.longest,
        validation_tokens=held.tokens if held else 0, steps=order.num_steps(len(job.material.train), job.train),
        tokens_seen=seen, seconds=seen * _seconds_a_token(job), packed=job.policy.packed_reason,
        mixture={name: round(passes * seen / facts.tokens, 3) for name, passes in job.material.mixed.items()},
    )  # fmt: skip


def _seconds_a_token(job: Job) -> float:
    """Try two batches, one to warm up, and leave no gradient behind."""
    rows = job.material.train
    few = [rows[number] for number in range(min(len(rows), 4 * job.train.groups_per_step))]
    parts = list(micro_batches(few, group=1, max_tokens=job.train.max_tokens))[:3]
    taken, count = 0.0, 0
    for number, part in enumerate([parts[0], *parts]):
        started = time.perf_counter()
        batch = collate(part, packed=job.policy.packed, pad_id=job.policy.pad_id, device=job.policy.device)
        with quick_products():
            with torch.autocast(job.policy.device.type, torch.bfloat16, enabled=job.train.bf16):
                loss = job.method.loss(job.policy, job.policy, batch)
            torch.autograd.backward(loss.total)
        if number:
            taken += time.perf_counter() - started
            count += sum(len(item.ids) for item in part)
    for parameter in job.policy.module.parameters():
        parameter.grad = None
    return taken / count
