"""How good answers are, and how sure that is: every metric is a sum over items and a function of the sum.

Accuracy sums hits; BLEU sums matched and possible n-grams; F1 sums true and false positives. So one bootstrap over items
serves all: it draws how often each item (or family) counts and asks the function again. Two models on the same items are
compared with the same draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Sums = NDArray[np.float64]
DRAWS = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """A metric before it is a number: a row an item, and what the sum over rows comes to."""

    name: str
    table: Sums
    """(items, sums)."""
    of: Callable[[Sums], Sums]
    """From sums (draws, sums) to values (draws); NaN where a draw leaves it undefined."""
    families: tuple[str, ...] = ()
    """The family of each row; empty: every item is its own."""
    signature: str = ""
    """What another person needs to get the same number, such as sacrebleu's signature."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """A number, its 95 % interval, and over how many items."""

    name: str
    value: float
    low: float
    high: float
    n: int
    signature: str = ""


def mean(name: str, values: Sequence[float], *, families: Sequence[str] = (), signature: str = "") -> Counted:
    """Return the metric that is the mean of one number an item."""
    table = np.column_stack([np.asarray(values, dtype=float), np.ones(len(values))])
    return ratio(name, table, families=families, signature=signature)


def ratio(
    name: str, table: Sequence[Sequence[float]] | Sums, *, families: Sequence[str] = (), signature: str = ""
) -> Counted:
    """Return the metric that is one sum over another: a row an item, (what counts, of how much)."""
    rows = np.asarray(table, dtype=float).reshape(len(table), 2)
    return Counted(name=name, table=rows, of=_ratio, families=tuple(families), signature=signature)


def measure(counted: Counted, *, seed: int = 0, draws: int = DRAWS) -> Metric:
    """Return a metric with its percentile bootstrap interval over items, or over families where there are any.

    A share of items (each was a hit or was none) has Wilson's interval instead: where all are alike, as with nothing right
    of five, every draw is alike too, and a bootstrap would be sure of it.

    Source: Efron and Tibshirani 1993, chapter 13; Koehn 2004 for metrics of a whole corpus; Wilson 1927 for shares.
    """
    assert len(counted.table), "nothing was counted"
    value = float(counted.of(counted.table.sum(axis=0, keepdims=True))[0])
    if _is_share(counted):
        hits = int(counted.table[:, 0].sum())
        found = stats.binomtest(hits, len(counted.table)).proportion_ci(method="wilson")
        low, high = float(found.low), float(found.high)
    else:
        low, high = _limits(_drawn(counted, seed=seed, draws=draws))
    return Metric(name=counted.name, value=value, low=low, high=high, n=len(counted.table), signature=counted.signature)


def difference(after: Counted, before: Counted, *, seed: int = 0, draws: int = DRAWS) -> Metric:
    """Return by how much a metric changed between two sets of answers to the same items, with its paired interval."""
    assert after.table.shape == before.table.shape, "the same items, in the same order"
    assert after.families == before.families, "the same items, in the same order"
    one, other = (counted.of(counted.table.sum(axis=0, keepdims=True))[0] for counted in (after, before))
    changes = _drawn(after, seed=seed, draws=draws) - _drawn(before, seed=seed, draws=draws)
    low, high = _limits(changes)
    return Metric(name=after.name, value=float(one - other), low=low, high=high, n=len(after.table))


def _is_share(counted: Counted) -> bool:
    """Whether every item is its own, and was a hit (1) or none (0)."""
    table = counted.table
    alone = not counted.families or len(set(counted.families)) == len(counted.families)
    return counted.of is _ratio and alone and bool((table[:, 1] == 1).all() and np.isin(table[:, 0], (0, 1)).all())


def _ratio(sums: Sums) -> Sums:
    share: Sums = np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] != 0)
    return share


def _drawn(counted: Counted, *, seed: int, draws: int) -> Sums:
    """Return the metric of `draws` sets of items drawn with replacement; the seed and their number decide the draws."""
    table = _by_family(counted)
    generator = np.random.default_rng(seed)
    values = []
    for first in range(0, draws, _AT_ONCE):
        size = min(_AT_ONCE, draws - first)
        times = generator.multinomial(len(table), np.full(len(table), 1 / len(table)), size=size)  # (size, families)
        values.append(counted.of(times.astype(float) @ table))
    return np.concatenate(values)


_AT_ONCE = 200


def _by_family(counted: Counted) -> Sums:
    if not counted.families:
        return counted.table
    known, place = np.unique(np.asarray(counted.families), return_inverse=True)
    table = np.zeros((len(known), counted.table.shape[1]))
    np.add.at(table, place, counted.table)
    return table


def _limits(values: Sums) -> tuple[float, float]:
    kept = values[np.isfinite(values)]
    if not len(kept):
        return -np.inf, np.inf
    low, high = np.quantile(kept, [0.025, 0.975])
    return float(low), float(high)
