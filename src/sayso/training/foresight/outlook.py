"""What a training would come to, before it is done: how many steps, on how many tokens, in how much time."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sayso.errors import SettingsError
from sayso.training.engine import order
from sayso.training.engine.guard import Anchors
from sayso.training.engine.place import place
from sayso.training.foresight.choosing import Choice, applied, checked, looked_at
from sayso.training.foresight.forecast import Forecast, foresee
from sayso.training.foresight.lesson import Lesson
from sayso.training.material.data import Data, Material
from sayso.training.settings import Train

if TYPE_CHECKING:
    from sayso.batches import Row
    from sayso.methods import Method
    from sayso.models.local import LocalModel

logger = logging.getLogger(__name__)


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
    forecast: Forecast | None = None
    """What it would take in time and memory; None for models that are counted."""
    choice: Choice | None = None
    """Whether it would fit into memory, and what would make it fit."""


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


def lesson_of(job: Job) -> Lesson:
    """Return a training as it is tried."""
    return Lesson(method=job.method, policy=job.policy, rows=job.material.train, train=job.train, anchors=Anchors())


def foreseen(job: Job) -> Preview:
    """Return what a training would do; a few micro-batches are tried for the time and the memory it would take."""
    facts, held = job.material.train.facts, job.material.validation
    seen = tokens_of(job.material, job.train)
    found = foresee(lesson_of(job))
    measured = (found.steps // job.data.eval_steps if job.data.eval_steps else 0) + 1
    beside = measured * held.tokens / 3 / seen if held else 0.0  # without a backward pass, a third
    return Preview(
        parameters=job.policy.num_parameters(), trainable=job.policy.num_parameters(trainable=True),
        rows=len(job.material.train), left_out=job.material.left_out, tokens=facts.tokens, longest=facts.longest,
        validation_tokens=held.tokens if held else 0, steps=found.steps,
        tokens_seen=seen, seconds=found.seconds.value * (1 + beside), packed=job.policy.packed_reason,
        mixture={name: round(passes * seen / facts.tokens, 3) for name, passes in job.material.mixed.items()},
        forecast=found, choice=looked_at(lesson_of(job), found),
    )  # fmt: skip


def fitted(job: Job) -> Job:
    """Return a training that fits into memory, where that was asked for; otherwise a doubt is logged."""
    return replace(job, train=decided(lesson_of(job)))


def decided(lesson: Lesson, drawn: Sequence[Row] = ()) -> Train:
    """Return the settings that a training is done with, and log what has to be known of its memory before it begins.

    Where there is plainly room nothing is tried; nor by several processes, each of which sees only its share.
    """
    choice = checked(lesson, drawn) if place().size == 1 else None
    if choice is None or choice.fits:
        return lesson.train
    logger.warning("%s", choice.sentence)
    return applied(lesson.train, choice) if lesson.train.auto_find_batch_size else lesson.train
