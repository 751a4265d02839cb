"""Which learning rate a training wants: the rate rises step by step, and the loss says when it falls and when it breaks.

Source: Smith 2017, arXiv 1506.01186, section 3.3 (the range test), with a rate that rises exponentially.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from sayso.errors import ModelError, PreflightError
from sayso.i18n import gettext as _
from sayso.training import fitting, run
from sayso.training.fitting import Task, Watch
from sayso.training.settings import LOWEST_RATE
from sayso.training.steps import steps

FILE = "rates.json"
_BROKEN = 3.0
"""The test ends where the loss is so many times the lowest that was seen."""
_MEMORY = 0.9
"""Of the loss so far in the smoothed one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """One step of the test."""

    rate: float
    loss: float
    """Nats a token."""
    smoothed: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What the test came to."""

    suggested: float
    """The smaller of the two rates below."""
    steepest: float
    """Where the smoothed loss falls most for a rate that grows by the same factor."""
    tenth: float
    """A tenth of the rate at which the smoothed loss is lowest."""
    tried: tuple[Tried, ...]
    tokens: int
    """Tokens that went through the model."""


def find(task: Task, watch: Watch, *, num_steps: int = 100, highest: float = 1.0) -> Found:
    """Try rates from `LOWEST_RATE` of `highest` up to it and return which one a training might begin with.

    The model of the task is changed by it; nothing is written to disk. Smoothing makes the first steps and those right
    before the loss breaks worth nothing, so that at least ten are wanted.

    Raises:
        PreflightError: the loss broke before it could be followed, or there is nothing to learn from.
    """
    with tempfile.TemporaryDirectory() as aside:
        job = fitting.job(task, Path(aside), watch)
        train = replace(job.train, lr_scheduler_type="rising", learning_rate=highest, warmup_ratio=0.0, max_steps=num_steps)
        losses: list[tuple[float, float]] = []
        tokens, lowest = 0, math.inf
        try:
            for record in steps(job.method, job.policy, job.material.train, train):
                losses.append((record.learning_rate, record.loss))
                tokens += record.tokens
                smoothed = _smoothed([loss for _rate, loss in losses])[-1]
                watch(stage=_("rates"), done=record.step, total=num_steps, unit=_("steps"), note=f"{smoothed:.3f}")
                lowest = min(lowest, smoothed)
                if smoothed > _BROKEN * lowest:
                    break
        except ModelError:  # the loss is no number any more: the rate was far too high, which is what was asked
            pass
    return suggest(losses, tokens=tokens)


def suggest(losses: Sequence[tuple[float, float]], *, tokens: int = 0) -> Found:
    """Return what rates and losses, in the order in which they were tried, say.

    Raises:
        PreflightError: there are fewer than ten.
    """
    if len(losses) < 10:
        raise PreflightError(
            "the loss broke after {count} rates, so that none can be suggested; lower model.initializer_range, or look at "
            "the rows",
            count=len(losses),
        )
    rates = np.array([rate for rate, _loss in losses])
    smoothed = np.array(_smoothed([loss for _rate, loss in losses]))
    low = int(smoothed.argmin())
    falls = np.gradient(smoothed, np.log(rates))
    steepest = int(falls[: max(2, low + 1)].argmin())
    found = [float(rates[steepest]), float(rates[low] / 10)]
    return Found(
        suggested=min(found), steepest=found[0], tenth=found[1], tokens=tokens,
        tried=tuple(
            Tried(rate=rate, loss=loss, smoothed=float(value))
            for (rate, loss), value in zip(losses, smoothed, strict=True)
        ),
    )  # fmt: skip


def keep(found: Found, folder: Path) -> Path:
    """Write what was found to `rates.json` in a folder, and return the file."""
    with run.said(folder):
        folder.mkdir(parents=True, exist_ok=True)
        run.write_whole(folder / FILE, json.dumps(asdict(found), indent=1) + "\n")
    return folder / FILE


def _smoothed(losses: Sequence[float]) -> list[float]:
    """Return the running mean with exponential memory, corrected for its beginning at 0."""
    mean, found = 0.0, []
    for number, loss in enumerate(losses, start=1):
        mean = _MEMORY * mean + (1 - _MEMORY) * loss
        found.append(mean / (1 - _MEMORY**number))
    return found


__all__ = ["LOWEST_RATE", "Found", "Tried", "find", "keep", "suggest"]
