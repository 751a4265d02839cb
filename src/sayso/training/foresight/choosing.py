"""Whether a training fits into memory, and what would make it fit; nothing is changed here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch

from sayso.i18n import gettext as _
from sayso.training.engine import guard
from sayso.training.foresight import peaks
from sayso.training.foresight.forecast import Forecast, foresee
from sayso.training.foresight.lesson import Lesson, Sizes, schedule
from sayso.training.settings import Train, size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sayso.batches import Row

SHORT_SECONDS = 3.0
"""A check before training tries micro-batches for so long at most, and only where room is not plain."""
_PLAIN = 2.0
_STATES = 4.0
"""Activations and their gradients that a layer keeps, for each that goes into it and comes out of it; measured about 3."""
_TABLES = 6
"""Tables of tokens by vocabulary that a method may hold at once, gradients among them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Whether a training fits, and with which settings it would."""

    limit: int
    """Bytes that it may take: `train.memory_limit`, or what is free."""
    fits: bool
    """As it is set."""
    max_tokens: int
    """The largest micro-batch that fits, in tokens; 0: none does."""
    gradient_checkpointing: bool = False
    """Whether it fits only so."""
    assignments: tuple[str, ...] = ()
    """What to set, as `key=value`; empty where nothing has to be, or nothing helps."""
    sentence: str = ""
    """What is to be said of it."""


def choose(train: Train, found: Forecast, checkpointed: Callable[[], Forecast] | None = None) -> Choice:
    """Return whether a training that was foreseen fits, and what to set where it does not.

    `checkpointed` foresees it with gradient checkpointing; None: that is on already, or the model has none.
    """
    limit = _limit(train, found.available)
    most = found.tokens_within(limit)
    if found.memory.high <= limit:
        return Choice(limit=limit, fits=True, max_tokens=most, sentence=_fits(found, limit, most))
    if most and most < found.largest:
        return _advised(found, limit, most, (f"train.max_tokens={most}",))
    if checkpointed is not None:
        other = checkpointed()
        most = other.tokens_within(limit)
        if most:
            fewer = (f"train.max_tokens={most}",) if most < other.largest else ()
            return _advised(found, limit, most, ("train.gradient_checkpointing=true", *fewer))
    sentence = _(
        "It may take {wanted}, and {limit} are free for it: too much even with one group of rows at a time, {tokens} "
        "tokens; {advice}"
    ).format(wanted=said(found.memory.high), limit=said(limit), tokens=f"{found.smallest:,}", advice=_advice(train))
    return Choice(limit=limit, fits=False, max_tokens=0, sentence=sentence)


def applied(train: Train, choice: Choice) -> Train:
    """Return the settings as the choice would have them."""
    if choice.fits or not choice.assignments:
        return train
    checkpointing = train.gradient_checkpointing or choice.gradient_checkpointing
    return replace(train, max_tokens=min(choice.max_tokens, train.max_tokens), gradient_checkpointing=checkpointing)


def said(size: float) -> str:
    """Return a number of bytes as people say it."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _limit(train: Train, available: int) -> int:
    return size_of(train.memory_limit, key="train.memory_limit") if train.memory_limit else available


def _fits(found: Forecast, limit: int, most: int) -> str:
    sentence = _("It fits into {limit}.").format(limit=said(limit))
    if found.largest < most and found.whole > found.largest:
        sentence += " " + _("Micro-batches could be as large as {tokens} tokens (train.max_tokens).").format(
            tokens=f"{most:,}"
        )
    return sentence


def _advised(found: Forecast, limit: int, most: int, assignments: tuple[str, ...]) -> Choice:
    sentence = _("It may take {wanted}, and {limit} are free for it; it fits with {settings}").format(
        wanted=said(found.memory.high), limit=said(limit), settings=" ".join(f"--set {item}" for item in assignments)
    )
    return Choice(
        limit=limit, fits=False, max_tokens=most, assignments=assignments, sentence=sentence,
        gradient_checkpointing="train.gradient_checkpointing=true" in assignments,
    )  # fmt: skip


def _advice(train: Train) -> str:
    if not train.use_lora:
        return _("train an adapter (train.use_lora=true), shorten the rows, or take a smaller model")
    return _("shorten the rows, or take a smaller model")


def checked(lesson: Lesson, drawn: Sequence[Row] = ()) -> Choice | None:
    """Return whether a training fits, from a short trial; None where there is plainly room, and nothing was tried."""
    device = torch.device(guard.device_of(lesson.policy))
    available = peaks.free(device) + peaks.taken(device)
    limit = _limit(lesson.train, available)
    if _PLAIN * rough(lesson, drawn) + peaks.taken(device) <= limit:
        return None
    return looked_at(lesson, foresee(lesson, drawn, seconds=SHORT_SECONDS), drawn)


def looked_at(lesson: Lesson, found: Forecast, drawn: Sequence[Row] = ()) -> Choice:
    """Return whether a training that was foreseen fits; with gradient checkpointing it is tried where nothing else helps."""
    train = replace(lesson.train, gradient_checkpointing=True)
    other = replace(lesson, train=train)
    more = None if lesson.train.gradient_checkpointing else partial(foresee, other, drawn, seconds=SHORT_SECONDS)
    return choose(lesson.train, found, more)


def rough(lesson: Lesson, drawn: Sequence[Row] = ()) -> float:
    """Return about how many bytes a training takes beside its weights, read off the model's shape."""
    module, sizes = lesson.policy.module, Sizes(lesson.policy)
    planned = schedule(lesson, drawn, sampled=4)
    parts = [part for step in (*planned.own, *planned.anchors) for part in step]
    targets = max((sum(row.num_targets for row in part) for part in parts), default=0)
    tokens = max((sizes.of(part).tokens for part in parts), default=0)
    if any(len(step) > 1 for step in planned.own):
        tokens = max(tokens, lesson.train.max_tokens)
    learnt = sum(item.numel() * item.element_size() for item in module.parameters() if item.requires_grad)
    weights = sum(item.numel() * item.element_size() for item in module.parameters())
    activations = _STATES * tokens * sizes.states + _TABLES * targets * sizes.vocabulary
    return float(3 * learnt + (weights if lesson.uses_reference else 0) + 4 * activations)
