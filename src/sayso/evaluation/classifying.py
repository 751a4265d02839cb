"""How good a classifier is: official metrics with intervals, how far its probabilities can be believed, what it mixes up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sayso.errors import ModelError
from sayso.evaluation.parts import Each, alone
from sayso.models.writing.sampling import Sampling
from sayso.tasks.classify.metrics import binned, calibration_error, confusion
from sayso.tasks.metrics import Counted, Metric, difference, mean, measure

if TYPE_CHECKING:
    from sayso.models import Writer
    from sayso.models.labelling import Labeller
    from sayso.tasks.classify.task import Classify
    from sayso.tasks.items import Item

_LEAST = 1e-12
_MOST_NEW_TOKENS = 16
_AT_ONCE = 256
"""Texts that are asked about at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What a model said of items, and what that comes to."""

    name: str
    answers: tuple[str | None, ...]
    counted: tuple[Counted, ...]
    probabilities: NDArray[np.float64] | None = None
    """(N, K); None of a model that only writes its answers."""

    def metrics(self, *, seed: int = 0) -> list[Metric]:
        """Return the metrics with their 95 % intervals."""
        return [measure(found, seed=seed) for found in self.counted]


def by_labeller(model: Labeller, task: Classify, items: Sequence[Item], *, name: str = "", each: Each = alone) -> Judged:
    """Return what a classifier says of items.

    Raises:
        ModelError: it knows other classes than the task.
    """
    unknown = sorted(set(task.classes) - set(model.labels))
    if unknown:
        raise ModelError(
            "{name}: knows the classes {known}; expected {wanted} of the files too; train it on them, or give its own files",
            name=model.name, known=", ".join(model.labels[:20]), wanted=", ".join(unknown[:20]),
        )  # fmt: skip
    order = [model.labels.index(label) for label in task.classes]
    texts = [(item.inputs["text"], item.inputs.get("pair", "")) for item in items]
    parts = [texts[first : first + _AT_ONCE] for first in range(0, len(texts), _AT_ONCE)]
    logprobs = np.concatenate(each(model.logprobs, parts))[:, order]
    probabilities = np.exp(logprobs)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    answers = task.said(np.log(np.maximum(probabilities, _LEAST)))
    counted = task.count(items, answers)
    if not task.about.scores:
        counted += _of_probabilities(task, items, answers, probabilities)
    return Judged(
        name=name or model.name, answers=tuple(answers), counted=tuple(counted),
        probabilities=None if task.about.scores else probabilities,
    )  # fmt: skip


def by_prompt(model: Writer, task: Classify, items: Sequence[Item], *, name: str = "") -> Judged:
    """Return what a model that writes says of items, asked in words."""
    written = model.generate([task.prompt(item) for item in items], Sampling(max_new_tokens=_MOST_NEW_TOKENS, temperature=0))
    answers = [task.parse(item, text) for item, text in zip(items, written, strict=True)]
    named = mean("answered", [float(answer is not None) for answer in answers])
    return Judged(name=name or model.name, answers=tuple(answers), counted=(*task.count(items, answers), named))


def changes(after: Judged, before: Judged, *, seed: int = 0) -> list[Metric]:
    """Return by how much each metric that both have differs, with its paired interval."""
    earlier = {found.name: found for found in before.counted}
    return [
        difference(found, earlier[found.name], seed=seed) for found in after.counted if found.name in earlier
    ]  # fmt: skip


def mixed_up(found: Judged, task: Classify, items: Sequence[Item]) -> NDArray[np.int64]:
    """Return how often each class (a row) was said to be each class (a column); the last column: none of them."""
    return confusion(task.classified(items, found.answers))


def reliability(found: Judged, items: Sequence[Item]) -> list[tuple[float, float, int]]:
    """Return for each bin of stated probability that is not empty: its mean, the share that was right, and how many."""
    assert found.probabilities is not None, "probabilities are known"
    sums = binned(found.probabilities, _hits(found.answers, items)).sum(axis=0)
    return [(stated / count, right / count, int(count)) for count, stated, right in sums if count]


def _of_probabilities(
    task: Classify, items: Sequence[Item], answers: Sequence[str | None], probabilities: NDArray[np.float64]
) -> list[Counted]:
    families = tuple(item.family for item in items)
    families = families if any(families) else ()
    right = [task.classes.index(item.answers[0]) for item in items]
    cost = -np.log(np.maximum(probabilities[np.arange(len(items)), right], _LEAST))
    return [
        calibration_error(probabilities, _hits(answers, items), families=families),
        mean("nats", cost.tolist(), families=families),
    ]


def _hits(answers: Sequence[str | None], items: Sequence[Item]) -> list[float]:
    return [float(answer == item.answers[0]) for answer, item in zip(answers, items, strict=True)]
