"""Do reviewers agree beyond chance, and how sure is that?

A *unit* is what several people judged (a response), a *rating* is one person's judgement of it. Krippendorff's alpha is
1 where they always agree, 0 where they agree as often as chance would have it, below 0 where they agree less than that.
It takes any number of people and any pattern of gaps. What cannot be said is said in words (`say`), never as NaN.

Sources: Krippendorff 2011, *Computing Krippendorff's Alpha-Reliability*; Rubin 1981, Ann Stat 9:130 (the Bayesian
bootstrap, which weighs units anew at random in place of drawing them). Hayes and Krippendorff 2007, Commun Methods Meas
1:77, draw pairs of ratings around a fixed expectation; here whole units are weighed, expectation and all, and the interval
is the hull with Wilson's, so that few units that all agree are not taken for certainty.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sayso.i18n import gettext

if TYPE_CHECKING:
    from sayso.evaluation.statistics import Interval

_ = str  # marks a template for the catalogues; `say` translates it
Metric = Literal["nominal", "ordinal", "sets"]
"""How far two values are apart: unequal or not; by their ranks; 1 minus the shared part of two sets (Jaccard)."""
VERDICTS = ("bad", "needs_work", "good")
"""The verdicts on a response in their order."""
ENOUGH = 0.667
"""The least alpha on which even tentative conclusions may rest (Krippendorff 2004, *Content Analysis*, ch. 11)."""
DRAWS = 2_000
Floats = NDArray[np.float64]
Reading = Literal["enough", "too_little", "cannot_tell"]


class Rating(NamedTuple):
    """One person's judgement of one unit; of several by one person on one unit the last counts."""

    unit: str
    rater: str
    value: Hashable


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How far some people agree on what they both judged; `value` is None where that cannot be said, see `say`."""

    raters: tuple[str, ...]
    units: int
    """How many units two of them or more judged."""
    value: float | None = None
    interval: Interval | None = None
    """95 % interval; None where there is no value, or a single unit."""
    observed: float | None = None
    """How often two ratings of one unit are the same (or how much of them is shared), with no regard to chance."""
    template: str = ""
    """Why there is no value or no interval; empty where there are both."""
    fields: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def reading(self) -> Reading:
        """Whether the whole interval lies above `ENOUGH`, below it, or neither."""
        if self.interval is None:
            return "cannot_tell"
        if self.interval[0] >= ENOUGH:
            return "enough"
        return "too_little" if self.interval[1] < ENOUGH else "cannot_tell"


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreements:
    """Agreement of everybody, and of every two people who judged something in common."""

    overall: Agreement
    pairs: tuple[Agreement, ...]


def agree(
    ratings: Iterable[Rating],
    *,
    metric: Metric = "nominal",
    order: Sequence[Hashable] = (),
    seed: int,
    draws: int = DRAWS,
    level: float = 0.95,
) -> Agreements:
    """Return Krippendorff's alpha over all people and for every two of them, with intervals over units.

    `order` lists the values from least to most, for the metric `ordinal`; a value it does not name is an assertion error.
    """
    table = _table(ratings, order)
    how = _How(metric=metric, seed=seed, draws=draws, level=level)
    judged = table.codes >= 0
    pairs = []
    for one, other in combinations(range(len(table.raters)), 2):
        both = table.codes[judged[:, one] & judged[:, other]]
        if len(both):
            pairs.append(_of(table._replace(codes=both), (one, other), how))
    return Agreements(overall=_of(table, tuple(range(len(table.raters))), how), pairs=tuple(pairs))


def alpha(ratings: Iterable[Rating], *, metric: Metric = "nominal", order: Sequence[Hashable] = ()) -> float | None:
    """Return Krippendorff's alpha; None where no unit has two ratings, or all ratings are the same."""
    table = _table(ratings, order)
    kinds = _kinds(table.codes, len(table.values))
    value = _alphas(kinds.occurrences(kinds.numbers[None].astype(float)), _distance(metric, table.values))[0]
    return None if np.isnan(value) else float(value)


def on_verdicts(ratings: Iterable[Rating], *, seed: int, draws: int = DRAWS) -> Agreements:
    """Return the agreement on verdicts, which are ordered: bad, needs_work, good."""
    return agree(ratings, metric="ordinal", order=VERDICTS, seed=seed, draws=draws)


def on_kinds(ratings: Iterable[Rating], *, seed: int, draws: int = DRAWS) -> Agreements:
    """Return the agreement on kinds of comments: a rating is the set of kinds that one person's comments on a response have.

    Two sets are apart by 1 minus the share of their union that both have; two empty sets (both looked and had nothing to
    say) are equal.
    """
    sets = (Rating(unit, rater, frozenset(kinds)) for unit, rater, kinds in ratings)  # type: ignore[call-overload]
    return agree(sets, metric="sets", seed=seed, draws=draws)


def say(agreement: Agreement) -> str:
    """Return an agreement as a sentence in the user's language."""
    if agreement.value is None:
        return gettext(agreement.template).format(**agreement.fields)
    shown = {"value": f"{agreement.value:.2f}", "units": agreement.units, "raters": len(agreement.raters)}
    if agreement.interval is None:
        return gettext(_("{value} on a single response, which says nothing about others")).format(**shown)
    low, high = agreement.interval
    sentence = gettext(_("{value} ({low} to {high}) on {units} responses by {raters} reviewers"))
    return sentence.format(low=f"{low:.2f}", high=f"{high:.2f}", **shown)


class _How(NamedTuple):
    metric: Metric
    seed: int
    draws: int
    level: float


class _Table(NamedTuple):
    """Ratings as numbers: (units, raters) positions in `values`, -1 where there is none."""

    codes: NDArray[np.int16]
    raters: tuple[str, ...]
    values: tuple[Hashable, ...]


def _table(ratings: Iterable[Rating], order: Sequence[Hashable]) -> _Table:
    found = {(unit, rater): value for unit, rater, value in ratings}
    units = {unit: number for number, unit in enumerate(dict.fromkeys(unit for unit, _rater in found))}
    raters = {rater: number for number, rater in enumerate(sorted({rater for _unit, rater in found}))}
    values = {value: number for number, value in enumerate(dict.fromkeys([*order, *found.values()]))}
    assert not order or len(values) == len(order), f"values outside of the order: {list(values)[len(order) :]}"
    codes = np.full((len(units), len(raters)), -1, dtype=np.int16)
    for (unit, rater), value in found.items():
        codes[units[unit], raters[rater]] = values[value]
    return _Table(codes, tuple(raters), tuple(values))


class _Kinds(NamedTuple):
    """Units with the same count of each value are alike: a draw weighs each kind, by the sum of its units' weights."""

    counts: Floats
    """(kinds, values): how often each value was given."""
    numbers: NDArray[np.int64]
    """(kinds,): how many units are of this kind."""

    def occurrences(self, drawn: Floats) -> Floats:
        """Return the coincidence matrices (draws, values, values) of draws of units (draws, kinds)."""
        kinds, values = self.counts.shape
        products = self.counts[:, :, None] * self.counts[:, None, :]
        products[:, range(values), range(values)] -= self.counts
        products /= (self.counts.sum(axis=1) - 1)[:, None, None]
        matrices: Floats = (drawn @ products.reshape(kinds, values * values)).reshape(len(drawn), values, values)
        return matrices


def _kinds(codes: NDArray[np.int16], values: int) -> _Kinds:
    """Count the values of every unit that has two ratings or more."""
    counts = np.stack([(codes == value).sum(axis=1) for value in range(values)], axis=1) if values else codes[:, :0]
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        return _Kinds(np.zeros((0, values)), np.zeros(0, dtype=np.int64))
    kinds, numbers = np.unique(counts, axis=0, return_counts=True)
    return _Kinds(kinds.astype(float), numbers)


def _distance(metric: Metric, values: Sequence[Any]) -> Floats | None:
    """Return how far the values are apart (values, values); None for ranks, which depend on how often each was given."""
    if metric == "ordinal":
        return None
    if metric == "nominal":
        return 1.0 - np.eye(len(values))
    return np.array([[_apart(one, other) for other in values] for one in values]).reshape(len(values), len(values))


def _apart(one: frozenset[Any], other: frozenset[Any]) -> float:
    return 1.0 - len(one & other) / len(one | other) if one | other else 0.0


def _alphas(occurrences: Floats, distance: Floats | None) -> Floats:
    """Return alpha = 1 - observed / expected disagreement of each matrix; NaN where nothing could disagree by chance."""
    margins = occurrences.sum(axis=2)  # (draws, values): how often each value was given
    totals = margins.sum(axis=1)
    apart = _ranks_apart(margins) if distance is None else distance[None]
    observed = (occurrences * apart).sum(axis=(1, 2))
    expected = (margins[:, :, None] * margins[:, None, :] * apart).sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = 1.0 - np.where(expected > 0, (totals - 1) * observed / expected, np.nan)
    return found


def _ranks_apart(margins: Floats) -> Floats:
    """Return squared differences of ranks: how many ratings lie between two values, half of the ends counted."""
    middles = np.cumsum(margins, axis=1) - margins / 2
    squares: Floats = (middles[:, :, None] - middles[:, None, :]) ** 2
    return squares


def _of(table: _Table, raters: tuple[int, ...], how: _How) -> Agreement:
    names = tuple(table.raters[number] for number in raters)
    kinds = _kinds(table.codes[:, raters], len(table.values))
    units = int(kinds.numbers.sum())
    if not units:
        return Agreement(raters=names, units=0, template=nothing_shared(len(names)), fields={"raters": len(names)})
    distance = _distance(how.metric, table.values)
    occurrences = kinds.occurrences(kinds.numbers[None].astype(float))
    value = float(_alphas(occurrences, distance)[0])
    same = 1.0 - np.eye(len(table.values)) if distance is None else distance
    observed = 1.0 - float((occurrences[0] * same).sum() / occurrences[0].sum())
    if np.isnan(value):
        template = _(
            "all {units} responses got one and the same rating; agreement beyond chance shows only where ratings differ"
        )
        return Agreement(raters=names, units=units, observed=observed, template=template, fields={"units": units})
    interval = _interval(kinds, value, occurrences[0], distance, how) if units > 1 else None
    return Agreement(raters=names, units=units, value=value, interval=interval, observed=observed)


def nothing_shared(raters: int) -> str:
    """Return the template that says why there is nothing to compare."""
    if raters == 0:
        return _("nobody has judged anything yet")
    if raters == 1:
        return _("one reviewer only; agreement needs two who judge the same responses")
    return _("{raters} reviewers, but no response that two of them judged; assign some to more than one")


def _interval(kinds: _Kinds, value: float, occurrences: Floats, distance: Floats | None, how: _How) -> Interval:
    units = int(kinds.numbers.sum())
    drawn = np.random.default_rng(how.seed).standard_gamma(kinds.numbers, size=(how.draws, len(kinds.numbers)))
    drawn *= units / drawn.sum(axis=1, keepdims=True)
    found = _alphas(kinds.occurrences(drawn), distance)
    unequal = int(kinds.numbers[(kinds.counts > 0).sum(axis=1) > 1].sum())
    margins = occurrences.sum(axis=1)
    chance = 1.0 - float(((margins * (margins - 1)).sum()) / (margins.sum() * (margins.sum() - 1)))
    return hull(value, found[~np.isnan(found)], unequal=unequal, units=units, chance=chance, level=how.level)


def hull(value: float, drawn: Floats, *, unequal: int, units: int, chance: float, level: float) -> Interval:
    """Return the hull of a percentile interval and of what Wilson's interval on the share of unequal units would make of it.

    `chance` is the share of pairs that chance would make unequal. Disagreement is scaled with the share of unequal units;
    where there are none, those that Wilson's interval allows are taken to be as far apart as chance makes them.
    """
    from scipy import special

    from sayso.evaluation import statistics

    low, high = statistics.wilson(unequal, units, level=level)
    if unequal:
        share = unequal / units
        sides = [1.0 - (1.0 - value) * high / share, 1.0 - (1.0 - value) * low / share]
    else:
        sides = [1.0 - high / chance, 1.0]
    if len(drawn):
        # As wide as Student's t around the unbiased error: the expanded percentile (Hesterberg 2015, Am Stat 69:371).
        freedom = max(1, units - 1)
        tail = float(special.ndtr(-np.sqrt(units / freedom) * special.stdtrit(freedom, (1 + level) / 2)))
        sides += [float(side) for side in np.quantile(drawn, [tail, 1 - tail])]
    return (max(-1.0, min(sides)), min(1.0, max(sides)))
