"""From labelled texts to what a classifier learns from: classes by number, their weights, grades between two classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sayso.batches import Row
from sayso.models.classical.linear import Examples
from sayso.models.labelling import log_softmax
from sayso.tasks.classify.task import Classify
from sayso.tasks.items import Item
from sayso.tasks.metrics import measure
from sayso.training.classifiers.calibration import temperature

if TYPE_CHECKING:
    from sayso.models import Policy
    from sayso.models.labelling import Text


def text_of(item: Item) -> Text:
    """Return an item's text, and its second one."""
    return item.inputs["text"], item.inputs.get("pair", "")


def targets(task: Classify, item: Item) -> Iterator[tuple[int, float]]:
    """Yield the classes of an item with their shares: one class, or the two grades that a number lies between.

    Source: Tai et al. 2015 (arXiv 1503.00075), equation 15: the shares are those of which the number is the expectation.
    """
    answer = item.answers[0]
    if not task.about.scores:
        yield task.classes.index(answer), 1.0
        return
    grades = [float(label) for label in task.classes]
    number = float(answer)
    below = max(place for place, grade in enumerate(grades) if grade <= number)
    share = 0.0 if below == len(grades) - 1 else (number - grades[below]) / (grades[below + 1] - grades[below])
    yield from ((place, part) for place, part in ((below, 1 - share), (below + 1, share)) if part)


def examples(task: Classify, items: Sequence[Item]) -> Examples:
    """Return items as the linear classifier learns them."""
    found = [(text_of(item), number, share) for item in items for number, share in targets(task, item)]
    return Examples(
        texts=[text for text, _number, _share in found], classes=[number for _text, number, _share in found],
        weights=[share for _text, _number, share in found],
    )  # fmt: skip


def class_weights(task: Classify, items: Sequence[Item], *, balanced: bool) -> Mapping[int, float]:
    """Return what each class weighs: the same, or more the rarer it is, so that all classes weigh alike together."""
    counts = Counter(number for item in items for number, _share in targets(task, item))
    return {number: len(items) / (len(counts) * count) if balanced else 1.0 for number, count in counts.items()}


def rows(task: Classify, items: Sequence[Item], policy: Policy, weights: Mapping[int, float]) -> list[Row]:
    """Return items as a network learns them: a text's ids, and its class at the last of them."""
    found = []
    for item in items:
        ids = tuple(policy.encode_prompt(task.plain(item)))
        for number, share in targets(task, item):
            learnt = (*(0.0 for _ in ids[1:]), share * weights[number])
            found.append(Row(ids=ids, weights=learnt, labels=(*(0 for _ in ids[1:]), number), label=item.where))
    return found


def value_of(task: Classify, items: Sequence[Item], logits: NDArray[np.float64]) -> float:
    """Return the task's own metric of logits (N, K) for these items."""
    return measure(task.count(items, task.said(log_softmax(logits)))[0], draws=1).value


def judge(task: Classify, items: Sequence[Item]) -> Callable[[NDArray[np.float64]], float]:
    """Return what says how good logits (N, K) for these items are, to choose by.

    It is the log-probability of the right classes, after the temperature that suits the logits best: on few texts that
    varies less by chance than a count of hits. Of grades it is the task's own metric.
    """
    if task.about.scores:
        return lambda logits: value_of(task, items, logits)
    right = np.array([task.classes.index(item.answers[0]) for item in items])

    def value(logits: NDArray[np.float64]) -> float:
        found = log_softmax(logits / temperature(logits, right))
        return float(found[np.arange(len(right)), right].mean())

    return value
