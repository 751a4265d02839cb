"""From what was answered to figures: each way of a comparison by itself, and how it differs from another.

The unit is the comment. From `gate.many_comments` on, comments are drawn anew, then seeds; with fewer the comments stay and
their families of prompts are drawn. Differences are taken on the same prompts and seeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sayso.evaluation import statistics
from sayso.evaluation.resampling import Part, Resampled, resample, resample_within
from sayso.evaluation.settings import Gate
from sayso.evaluation.takes import SCOPES
from sayso.loop.bench.comparing import ALARMED, Difference, Figure, figure
from sayso.loop.bench.scoring import alarms
from sayso.records import Outcome, Scope

Verdict = Literal["takes", "no gain", "leaks", "forgets", "broken", ""]
PARTS: Mapping[str, Mapping[Scope, float]] = {
    "gain": {"in": 1.0}, "leak": {"near": 1.0}, "drift": {"out": 1.0}, "selectivity": {"in": 1.0, "near": -1.0},
}  # fmt: skip
"""What each figure is made of: the mean change of the effect in these scopes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What one way answered, one entry a seed; an untrained way has the same for every seed."""

    label: str
    kind: Literal["method", "untrained"]
    outcomes: Mapping[int, tuple[Outcome, ...]]
    heldout: Mapping[int, float | None] = field(default_factory=dict)
    """Loss on held-out text, after less before."""
    spent: Mapping[str, float] = field(default_factory=dict)
    """Steps, tokens and seconds, a seed."""
    diverged: str = ""
    parent: bool = False
    """The model as it is, from which all changes are counted: nothing of it is uncertain."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One way in figures."""

    name: str
    kind: str
    figures: Mapping[str, Figure]
    """gain, leak, drift, selectivity, heldout; those that were measured, each with its 95 % interval."""
    alarms: Mapping[str, int]
    spent: Mapping[str, float]
    verdict: Verdict = ""


class Standings:
    """Everything that was measured, in the order asked for."""

    def __init__(self, shown: Sequence[Shown], gate: Gate, *, loss_before: float | None) -> None:
        self.shown = {item.label: item for item in shown}
        self.gate = gate
        self.loss_before = loss_before
        some = next(iter(self.shown.values()))
        self.seeds = sorted(some.outcomes)
        found = some.outcomes[self.seeds[0]]
        self.comments = list(dict.fromkeys(item.comment_id for item in found))
        self.many = len(self.comments) >= gate.many_comments

    def rows(self) -> list[Row]:
        """Return a row a way."""
        return [self._row(item) for item in self.shown.values()]

    def difference(self, one: str, other: str, metric: str) -> tuple[Figure, float] | None:
        """Return how two ways differ on the same prompts and seeds, with a two-sided p; None where it was not measured."""
        if metric == "heldout":
            first, second = (self._losses(self.shown[name]) for name in (one, other))
            return None if first is None or second is None else by_seed(first - second)
        drawn = self._resampled(metric, one, other)
        return None if drawn is None else (self._figure(drawn, metric, one, other), two_sided(drawn))

    def differences(self, base: str) -> list[Difference]:
        """Compare every other way with one; p-values are Holm's, a figure at a time."""
        others = [name for name in self.shown if name != base]
        found = []
        for metric in (*PARTS, "heldout"):
            pairs = [(name, self.difference(name, base, metric)) for name in others]
            drawn = [(name, *each) for name, each in pairs if each is not None]
            adjusted = statistics.holm([p for _name, _figure, p in drawn])
            found += [
                Difference(one=name, other=base, metric=metric, figure=each, p=p)
                for (name, each, _raw), p in zip(drawn, adjusted, strict=True)
            ]
        return found

    def by_comment(self, label: str) -> dict[str, dict[str, float]]:
        """Return gain, leak and drift of every comment, the mean over seeds."""
        found: dict[str, dict[str, float]] = {}
        for comment in self.comments:
            tables = {scope: self._changes(label, comment, scope) for scope in SCOPES}
            names = zip(("gain", "leak", "drift"), SCOPES, strict=True)
            found[comment] = {
                name: float(part.sums.sum() / part.sizes.sum() / part.sums.shape[1])
                for name, scope in names
                if (part := tables[scope]) is not None
            }
        return found

    def probes(self, scope: Scope) -> int:
        """Return how many probes there are in a scope."""
        return sum(item.scope == scope for item in next(iter(self.shown.values())).outcomes[self.seeds[0]])

    def _row(self, shown: Shown) -> Row:
        figures: dict[str, Figure] = {}
        for metric in PARTS:
            drawn = self._resampled(metric, shown.label)
            if drawn is not None:
                figures[metric] = (0.0, 0.0, 0.0) if shown.parent else self._figure(drawn, metric, shown.label)
        losses = self._losses(shown)
        if losses is not None:
            figures["heldout"], _p = by_seed(losses)
        rung = Counter(alarm for found in shown.outcomes.values() for alarm in alarms(found, None))
        row = Row(name=shown.label, kind=shown.kind, figures=figures, alarms=dict(rung), spent=shown.spent)
        return replace(row, verdict=self._verdict(shown, row))

    def _figure(self, drawn: Resampled, metric: str, one: str, other: str | None = None) -> Figure:
        """Return a mean with its interval, as wide as the score interval of its counts at least.

        Where no probe changed, or all did, drawing shows no width at all.
        """
        mean, low, high = figure(drawn)
        if self.many:
            return (mean, low, high)
        lowest, highest = self._score(metric, one, other)
        most = float(len(PARTS[metric]))
        lowest, highest = (min(lowest, lowest if low is None else low), max(highest, highest if high is None else high))
        return (mean, max(-most, lowest), min(most, highest))

    def _score(self, metric: str, one: str, other: str | None) -> statistics.Interval:
        """Return Tango's interval over all probes; for a difference of two scopes the two are put together.

        Source: Zou and Donner 2008, Stat Med 27:1693 (the square-and-add limits of a difference).
        """
        sides = [self._counted(scope, one, other) for scope in PARTS[metric]]
        intervals = [statistics.tango(gained, lost, n) for gained, lost, n in sides]
        if len(sides) == 1:
            return intervals[0]
        (mean, low, high), (less, lowest, highest) = (
            ((gained - lost) / n, *limits) for (gained, lost, n), limits in zip(sides, intervals, strict=True)
        )
        centre = mean - less
        return (
            float(centre - np.hypot(mean - low, highest - less)), float(centre + np.hypot(high - mean, less - lowest))
        )  # fmt: skip

    def _counted(self, scope: Scope, one: str, other: str | None) -> tuple[int, int, int]:
        """Return how many probes of a scope were gained and lost, the mean over seeds, and how many there are."""
        parts = [self._values(one, seed, scope, other) for seed in self.seeds]
        gained, lost = (round(sum(int((values * sign > 0).sum()) for values in parts) / len(parts)) for sign in (1, -1))
        return gained, lost, len(parts[0])

    def _values(self, one: str, seed: int, scope: Scope, other: str | None) -> NDArray[np.float64]:
        own = self.shown[one].outcomes[seed]
        less = self.shown[other].outcomes[seed] if other is not None else None
        places = [place for place, item in enumerate(own) if item.scope == scope]
        return np.array([_change(own[place]) - (_change(less[place]) if less else 0.0) for place in places])

    def _verdict(self, shown: Shown, row: Row) -> Verdict:
        gate, rung = self.gate, row.alarms.get("babble", 0)
        if shown.parent:
            return ""
        if shown.diverged or rung > ALARMED * len(shown.outcomes):
            return "broken"
        rise = row.figures.get("heldout")
        allowed = max(gate.heldout_margin * (self.loss_before or 0.0), gate.heldout_floor)
        if rise is not None and rise[0] > allowed:
            return "forgets"
        if _over(row.figures.get("leak"), gate.leak_margin) or _over(row.figures.get("drift"), gate.drift_margin):
            return "leaks"
        low = row.figures["gain"][1]
        return "takes" if low is not None and low > gate.min_gain else "no gain"

    def _losses(self, shown: Shown) -> NDArray[np.float64] | None:
        """Return held-out loss, after less before, by seed."""
        values = [shown.heldout.get(seed) for seed in self.seeds]
        return None if any(value is None for value in values) else np.array(values, dtype=float)

    def _resampled(self, metric: str, one: str, other: str | None = None) -> Resampled | None:
        """Return a figure, or what two ways differ by in it, drawn anew; None where no comment has what it needs."""
        weights = PARTS[metric]
        found: list[dict[Scope, Part]] = []
        for comment in self.comments:
            changes = {scope: self._changes(one, comment, scope, other) for scope in weights}
            parts = {scope: part for scope, part in changes.items() if part is not None}
            if len(parts) == len(weights):
                found.append(parts)
        if not found:
            return None
        if self.many:
            table = [sum(weights[scope] * p.sums.sum(axis=0) / p.sizes.sum() for scope, p in each.items()) for each in found]
            return resample(np.array(table), seed=0, draws=self.gate.draws)
        weighted = [replace(p, weight=weights[scope] / len(found)) for each in found for scope, p in each.items()]
        return resample_within(weighted, seed=0, draws=self.gate.draws)

    def _changes(self, one: str, comment: str, scope: Scope, other: str | None = None) -> Part | None:
        """Return the changes of a comment's probes in a scope, those of another way taken off; None without probes."""
        families: dict[str, int] = {}
        sizes: list[float] = []
        sums: list[NDArray[np.float64]] = []
        columns = [self._of(one, seed) for seed in self.seeds]
        less = [self._of(other, seed) for seed in self.seeds] if other is not None else None
        for place, item in enumerate(columns[0]):
            if item.comment_id != comment or item.scope != scope:
                continue
            values = np.array([_change(found[place]) for found in columns])
            if less is not None:
                values = values - np.array([_change(found[place]) for found in less])
            number = families.setdefault(item.prompt.family or item.prompt.id, len(families))
            if number == len(sums):
                sums.append(np.zeros(len(self.seeds)))
                sizes.append(0.0)
            sums[number] += values
            sizes[number] += 1
        return Part(sums=np.array(sums), sizes=np.array(sizes), weight=1.0) if sums else None

    def _of(self, label: str, seed: int) -> tuple[Outcome, ...]:
        return self.shown[label].outcomes[seed]


def two_sided(drawn: Resampled) -> float:
    """Return the p-value of no difference; 1 where nothing differs at all."""
    if not np.any(drawn.means):
        return 1.0
    return min(1.0, 2 * min(drawn.p_above(), drawn.p_below(0.0)))


def by_seed(values: NDArray[np.float64]) -> tuple[Figure, float]:
    """Return the mean over seeds with Student's interval, and the p-value of a mean of 0; one seed tells neither."""
    n, mean = len(values), float(values.mean())
    spread = float(values.std(ddof=1)) if n > 1 else 0.0
    if n < 2:
        return (mean, None, None), 1.0
    half = float(stats.t.ppf(0.975, n - 1)) * spread / np.sqrt(n)
    if not spread:
        return (mean, mean, mean), 1.0 if not mean else 0.0
    p = 2 * float(stats.t.sf(abs(mean) * np.sqrt(n) / spread, n - 1))
    return (mean, float(mean - half), float(mean + half)), p


def _over(found: Figure | None, margin: float) -> bool:
    return found is not None and found[0] > margin and (found[1] is None or found[1] > 0)


def _change(item: Outcome) -> float:
    return float(item.held_after) - float(item.held_before)


def form(row: Row) -> dict[str, Any]:
    """Return a row as JSON values."""
    return {
        "name": row.name, "kind": row.kind, "verdict": row.verdict, "alarms": dict(row.alarms), "spent": dict(row.spent),
        "figures": {name: list(found) for name, found in row.figures.items()},
    }  # fmt: skip
