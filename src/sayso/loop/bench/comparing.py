"""From scores to tests, as benchmarks/takes/README.md lays down before anything is run.

The unit is the comment. Two hypotheses a method: its gain is above that of its shuffled control (superiority), and its leak
and drift are below a margin (non-inferiority, one-sided). p-values are Holm's, over the methods.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sayso.evaluation.resampling import Resampled, resample
from sayso.evaluation.statistics import holm
from sayso.loop.bench.scoring import METRICS, Score
from sayso.loop.bench.tiers import GUARD_OFF, SHUFFLED, UNTRAINED, Condition, Tier

MARGIN = 0.03
"""By how much leak and drift may rise."""
ALPHA = 0.05
ALARMED = 0.1
"""From this share of units with an alarm on, a condition is flagged, and nothing else is said of it."""
Figure = tuple[float, float | None, float | None]
"""A mean and its 95 % interval; None where a single comment gives none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One condition over all comments and seeds."""

    name: str
    kind: str
    """`method`, `control` or `untrained`."""
    figures: Mapping[str, Figure]
    alarms: Mapping[str, int]
    """How many units rang which alarm."""
    units: int
    refused: int
    tokens_trained: float
    """A comment that was taught, as the next three."""
    tokens_written: float
    answers_drawn: float
    seconds: float
    against: str = ""
    """The control of the test on gain; empty: the untaught model."""
    tests: Mapping[str, float] = field(default_factory=dict)
    """p-values, Holm's: `gain`, `leak`, `drift`."""
    verdict: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Two conditions on the same comments and seeds."""

    one: str
    other: str
    metric: str
    figure: Figure
    p: float
    """Two-sided; Holm's over the differences of this metric."""


class Table:
    """The scores of the full number of drafts, as a table of comments and seeds for any condition and metric."""

    def __init__(self, scores: Iterable[Score], tier: Tier) -> None:
        self.tier = tier
        self.by_name: dict[str, dict[tuple[str, int], Score]] = {}
        for score in scores:
            if score.drafts in (0, tier.drafts):
                self.by_name.setdefault(score.condition, {})[score.item, score.seed] = score
        some = next(iter(self.by_name.values()), {})
        self.items = list(dict.fromkeys(item for item, _seed in some))
        self.seeds = sorted({seed for _item, seed in some})

    def values(self, name: str, metric: str) -> NDArray[np.float64] | None:
        """Return a row a comment and a column a seed; None where the metric was not measured."""
        found = [[self.by_name[name][item, seed].values[metric] for seed in self.seeds] for item in self.items]
        return None if any(value is None for row in found for value in row) else np.array(found, dtype=float)

    def resampled(self, values: NDArray[np.float64]) -> Resampled:
        """Draw comments, then seeds, anew."""
        return resample(values, seed=0, draws=self.tier.draws)


def rows(table: Table, conditions: Sequence[Condition], methods: Sequence[str]) -> list[Row]:
    """Return a row a condition, the untrained ones last; the methods are tested together, and so is all else."""
    kinds = {condition.name: "control" if condition.control else "method" for condition in conditions}
    kinds |= dict.fromkeys(UNTRAINED, "untrained")
    taught = {condition.name: condition.method for condition in conditions}
    found = [_row(table, name, kind, taught.get(name, "")) for name, kind in kinds.items() if name in table.by_name]
    tried = [row for row in found if row.kind != "control" and row.name != "in context"]
    first = [row for row in tried if row.name in methods]
    tests = _tests(table, first) | _tests(table, [row for row in tried if row.name not in methods])
    return [_judged(table, row, tests.get(row.name, {})) for row in found]


def _row(table: Table, name: str, kind: str, method: str) -> Row:
    scores = list(table.by_name[name].values())
    figures = {}
    for metric in METRICS:
        values = table.values(name, metric)
        if values is not None:
            figures[metric] = figure(table.resampled(values))
    shuffled = SHUFFLED.format(method=method)
    learnt = [score for score in scores if not score.refused]
    count = max(1, len(learnt))
    return Row(
        name=name, kind=kind, figures=figures, units=len(scores), refused=sum(bool(score.refused) for score in scores),
        alarms=dict(Counter(alarm for score in scores for alarm in score.alarms)),
        tokens_trained=sum(score.tokens_trained for score in learnt) / count,
        tokens_written=sum(score.tokens_written for score in learnt) / count,
        answers_drawn=sum(score.answers_drawn for score in learnt) / count,
        seconds=sum(score.seconds for score in learnt) / count,
        against=shuffled if kind == "method" and shuffled in table.by_name else "",
    )  # fmt: skip


def figure(found: Resampled) -> Figure:
    """Return a mean with its interval."""
    low, high = found.interval()
    return (found.mean, *((low, high) if np.isfinite(low) else (None, None)))


def _tests(table: Table, tried: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Test rows, and adjust their p-values together."""
    tests: dict[str, dict[str, float]] = {row.name: {} for row in tried}
    raw = {
        "gain": [_gain_p(table, row) for row in tried],
        "leak": [_below(table, row.name, "leak") for row in tried],
        "drift": [_below(table, row.name, "drift") for row in tried],
    }
    for name, values in raw.items():
        for row, p in zip(tried, holm(values), strict=True):
            tests[row.name][name] = p
    return tests


def _gain_p(table: Table, row: Row) -> float:
    gain = table.values(row.name, "gain")
    assert gain is not None, "every condition is tested in scope"
    other = table.values(row.against, "gain") if row.against else None
    return table.resampled(gain if other is None else gain - other).p_above(0.0)


def _below(table: Table, name: str, metric: str) -> float:
    values = table.values(name, metric)
    return 1.0 if values is None else table.resampled(values).p_below(MARGIN)


def _judged(table: Table, row: Row, tests: Mapping[str, float]) -> Row:
    return replace(row, tests=tests, verdict=_verdict(table, row, tests))


def _verdict(table: Table, row: Row, tests: Mapping[str, float]) -> str:
    alarmed = sum(bool(score.alarms) for score in table.by_name[row.name].values())
    if alarmed > ALARMED * row.units:
        return "flagged"
    if not tests:
        return row.kind if row.kind == "control" else ""
    if tests["gain"] >= ALPHA:
        return "no gain"
    return "takes" if tests["leak"] < ALPHA and tests["drift"] < ALPHA else "spills"


def differences(table: Table, methods: Sequence[str]) -> list[Difference]:
    """Compare the methods with each other and with the untrained ways, and the guard on with the guard off."""
    names = [name for name in (*methods, "in the prompt", "memory") if name in table.by_name]
    pairs = list(combinations(names, 2))
    guarded = [(GUARD_OFF.format(method=name), name) for name in methods if GUARD_OFF.format(method=name) in table.by_name]
    return [
        *_differences(table, pairs, "gain"), *_differences(table, pairs, "leak"), *_differences(table, guarded, "gain"),
        *_differences(table, guarded, "leak"), *_differences(table, guarded, "drift"),
    ]  # fmt: skip


def _differences(table: Table, pairs: Sequence[tuple[str, str]], metric: str) -> list[Difference]:
    found = []
    for one, other in pairs:
        first, second = table.values(one, metric), table.values(other, metric)
        assert first is not None
        assert second is not None
        found.append(table.resampled(first - second))
    adjusted = holm([min(1.0, 2 * min(each.p_above(), each.p_below(0.0))) for each in found])
    return [
        Difference(one=one, other=other, metric=metric, figure=figure(each), p=p)
        for (one, other), each, p in zip(pairs, found, adjusted, strict=True)
    ]
