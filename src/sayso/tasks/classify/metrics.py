"""Counts of right and wrong classes, and of how far stated probabilities can be believed, as sums over items.

Letters: N items, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from sayso.tasks.metrics import Counted, Sums, mean

BINS = 15
Said = Sequence[str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Classified:
    """Right answers and given ones, of the same items."""

    right: Sequence[str]
    said: Said
    labels: tuple[str, ...]
    positive: str = ""
    """The class that precision, recall and F1 are of; empty: the mean over classes."""
    families: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """What items belong to one question, for the share of questions of which all is right."""

    def counted(self, name: str, table: Sums, of: Callable[[Sums], Sums]) -> Counted:
        """Return a metric of these items."""
        return Counted(name=name, table=np.asarray(table, dtype=float), of=of, families=self.families)

    def hits(self) -> NDArray[np.float64]:
        """Return 1 for each right answer."""
        return np.array([said == right for said, right in zip(self.said, self.right, strict=True)], dtype=float)

    def classes(self) -> tuple[Sums, Sums]:
        """Return for each item and class whether it is right, and whether it was said: two tables (N, K)."""
        place = {label: number for number, label in enumerate(self.labels)}
        tables = np.zeros((2, len(self.right), len(self.labels)))
        for table, answers in zip(tables, (self.right, self.said), strict=True):
            for number, label in enumerate(answers):
                if label in place:
                    table[number, place[label]] = 1.0
        return tables[0], tables[1]


def accuracy(found: Classified) -> Counted:
    """Return the share of right answers; none given is a wrong one."""
    return mean("accuracy", found.hits().tolist(), families=found.families)


def precision(found: Classified) -> Counted:
    """Return the share of what was said of a class that is right; without a positive class the mean over classes."""
    return found.counted("precision", _judged(found), _over_classes(lambda hit, said, _right: (hit, said)))


def recall(found: Classified) -> Counted:
    """Return the share of a class that was said so; without a positive class the mean over classes."""
    return found.counted("recall", _judged(found), _over_classes(lambda hit, _said, right: (hit, right)))


def f1(found: Classified) -> Counted:
    """Return the harmonic mean of precision and recall of the positive class."""
    return found.counted("f1", _judged(found), _over_classes(_harmonic))


def macro_f1(found: Classified) -> Counted:
    """Return the mean of the classes' F1, each class weighing the same."""
    every = Classified(right=found.right, said=found.said, labels=found.labels, families=found.families)
    return every.counted("macro_f1", _judged(every), _over_classes(_harmonic))


def matthews(found: Classified) -> Counted:
    """Return the correlation of right and given classes (Matthews 1975; for more classes Gorodkin 2004)."""
    right, said = found.classes()
    count = len(found.labels)
    table = np.column_stack([found.hits(), np.ones(len(right)), right, said])

    def of(sums: Sums) -> Sums:
        hit, total, true, told = sums[:, 0], sums[:, 1], sums[:, 2 : 2 + count], sums[:, 2 + count :]
        over = hit * total - (true * told).sum(axis=1)
        under = np.sqrt((total**2 - (told**2).sum(axis=1)) * (total**2 - (true**2).sum(axis=1)))
        found: Sums = np.divide(over, under, out=np.zeros(len(sums)), where=under > 0)
        return found

    return found.counted("matthews", table, of)


def pearson(found: Classified) -> Counted:
    """Return the correlation of right and given numbers."""
    right, said = _numbers(found)
    return found.counted("pearson", _moments(right, said), _correlation)


def spearman(found: Classified) -> Counted:
    """Return the correlation of ranks; an interval draws items with the ranks they have among all."""
    right, said = _numbers(found)
    return found.counted("spearman", _moments(rankdata(right), rankdata(said)), _correlation)


def exact_match(found: Classified) -> Counted:
    """Return the share of questions of which every answer is right."""
    groups = found.groups or tuple(map(str, range(len(found.right))))
    whole: dict[str, float] = {}
    for group, hit in zip(groups, found.hits(), strict=True):
        whole[group] = min(whole.get(group, 1.0), float(hit))
    first = {group: number for number, group in reversed(list(enumerate(groups)))}
    table = np.zeros((len(groups), 2))
    for group, number in first.items():
        table[number] = whole[group], 1.0
    return found.counted("exact_match", table, _share)


def calibration_error(probabilities: Sums, hits: Sequence[float], *, families: tuple[str, ...] = ()) -> Counted:
    """Return by how much the probability of what was said differs from how often it was right: the mean over 15 bins.

    Source: Guo et al. 2017 (arXiv 1706.04599), equation 3, expected calibration error.
    """
    table = binned(probabilities, hits)
    return Counted(name="calibration_error", table=table.reshape(len(table), -1), of=_expected_error, families=families)


def binned(probabilities: Sums, hits: Sequence[float]) -> Sums:
    """Return for each item in the bin of its highest probability: 1, that probability, and whether it was right."""
    top = np.asarray(probabilities, dtype=float).max(axis=1)
    place = np.minimum((top * BINS).astype(int), BINS - 1)
    table = np.zeros((len(top), BINS, 3))
    table[np.arange(len(top)), place] = np.column_stack([np.ones(len(top)), top, np.asarray(hits, dtype=float)])
    return table


def confusion(found: Classified) -> NDArray[np.int64]:
    """Return how often each class (a row) was said to be each class (a column); the last column: something else."""
    right, said = found.classes()
    other = 1.0 - said.sum(axis=1, keepdims=True)
    table: NDArray[np.int64] = (right.T @ np.column_stack([said, other])).astype(int)
    return table


METRICS: dict[str, Callable[[Classified], Counted]] = {
    "accuracy": accuracy, "precision": precision, "recall": recall, "f1": f1, "macro_f1": macro_f1, "matthews": matthews,
    "pearson": pearson, "spearman": spearman, "exact_match": exact_match,
}  # fmt: skip


def _judged(found: Classified) -> Sums:
    """Return for each item and class: hit, said, right (N, 3 K), or those of the positive class alone."""
    right, said = found.classes()
    if found.positive:
        place = found.labels.index(found.positive)
        right, said = right[:, place : place + 1], said[:, place : place + 1]
    return np.column_stack([right * said, said, right])


def _harmonic(hit: Sums, said: Sums, right: Sums) -> tuple[Sums, Sums]:
    return 2 * hit, said + right


def _over_classes(parts: Callable[[Sums, Sums, Sums], tuple[Sums, Sums]]) -> Callable[[Sums], Sums]:
    """Return the mean of a ratio over the classes that are there; a class with nothing below the line counts 0."""

    def of(sums: Sums) -> Sums:
        hit, said, right = np.split(sums, 3, axis=1)
        over, under = parts(hit, said, right)
        there = (said + right) > 0
        each = np.divide(over, under, out=np.zeros_like(over), where=under > 0)
        count = there.sum(axis=1)
        found: Sums = np.divide((each * there).sum(axis=1), count, out=np.full(len(sums), np.nan), where=count > 0)
        return found

    return of


def _numbers(found: Classified) -> tuple[Sums, Sums]:
    """Return the answers as numbers; where none was given, the mean of those that were."""
    right = np.array([float(label) for label in found.right])
    said = np.array([np.nan if label is None else float(label) for label in found.said])
    if np.isnan(said).any():
        said = np.where(np.isnan(said), np.nanmean(said) if not np.isnan(said).all() else 0.0, said)
    return right, said


def _moments(one: Sums, other: Sums) -> Sums:
    one, other = one - one.mean(), other - other.mean()  # a shift changes no correlation, and keeps digits
    return np.column_stack([np.ones(len(one)), one, other, one * one, other * other, one * other])


def _correlation(sums: Sums) -> Sums:
    count, one, other, ones, others, both = sums.T
    under = np.sqrt(np.maximum(count * ones - one**2, 0) * np.maximum(count * others - other**2, 0))
    found: Sums = np.divide(count * both - one * other, under, out=np.full(len(sums), np.nan), where=under > 0)
    return found


def _share(sums: Sums) -> Sums:
    found: Sums = np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] > 0)
    return found


def _expected_error(sums: Sums) -> Sums:
    count, stated, right = sums.reshape(len(sums), BINS, 3).transpose(2, 0, 1)
    error: Sums = np.abs(stated - right).sum(axis=1) / count.sum(axis=1)
    return error
