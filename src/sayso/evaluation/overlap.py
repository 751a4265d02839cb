"""Do reviewers point at the same words?

Two people's spans on one response are compared character by character. *F1* and *Jaccard* ask how much of what was
marked was marked by both; `alpha` takes every character as a unit that was marked or not, so that it also counts what
both left alone, and is corrected for chance. People who marked nothing on a response they judged count: they said that
nothing there needs words.

Sources: van Rijsbergen 1979, *Information Retrieval*, ch. 7 (F1); Jaccard 1912; Krippendorff, Mathet, Bouvry and Widlöcher
2016, Qual Quant 50:2347 (agreement on what is marked at all, of which `alpha` is the form with characters as units).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from sayso.evaluation.agreement import DRAWS, Agreement, Agreements, Floats, hull, nothing_shared

if TYPE_CHECKING:
    from sayso.evaluation.statistics import Interval

_ = str  # marks a template for the catalogues; `agreement.say` translates it
Measure = Literal["f1", "jaccard", "alpha"]
_BLOCKS = 250
"""Blocks that are weighed in place of single responses; fewer would make the interval unsteady."""


class Marking(NamedTuple):
    """What one person marked on one response: half-open stretches of characters, of a text that is `length` long."""

    unit: str
    rater: str
    spans: tuple[tuple[int, int], ...]
    length: int


def on_spans(
    markings: Iterable[Marking], *, measure: Measure = "f1", seed: int, draws: int = DRAWS, level: float = 0.95
) -> Agreements:
    """Return how far people mark the same characters, for every two and overall, with intervals over responses.

    Characters are summed before dividing, so long responses weigh more; overall, every two people on a response count once.
    Several markings by one person on one response are taken together.
    """
    marked = _marked(markings)
    raters = tuple(sorted({rater for people in marked.values() for rater in people}))
    how = _How(measure=measure, seed=seed, draws=draws, level=level)
    by_pair: dict[tuple[str, str], list[int]] = defaultdict(list)
    overall: list[list[int]] = []
    for people in marked.values():
        sums = [0, 0, 0, 0]
        for one, other in combinations(sorted(people), 2):
            found = _overlap(people[one], people[other])
            by_pair[one, other] += found
            sums = [sum(numbers) for numbers in zip(sums, found, strict=True)]
        if len(people) > 1:
            overall.append(sums)
    pairs = tuple(_of(pair, np.array(by_pair[pair], dtype=float).reshape(-1, 4), how) for pair in sorted(by_pair))
    return Agreements(overall=_of(raters, np.array(overall, dtype=float).reshape(-1, 4), how), pairs=pairs)


class _How(NamedTuple):
    measure: Measure
    seed: int
    draws: int
    level: float


class _Marked(NamedTuple):
    marks: int
    """A bit for every character that is marked: what both marked is `&`."""
    number: int
    length: int


def _marked(markings: Iterable[Marking]) -> dict[str, dict[str, _Marked]]:
    found: dict[str, dict[str, _Marked]] = {}
    for unit, rater, spans, length in markings:
        people = found.setdefault(unit, {})
        marks = people[rater].marks if rater in people else 0
        for start, end in spans:
            first, last = max(0, start), min(end, length)
            if first < last:
                marks |= (1 << last) - (1 << first)
        people[rater] = _Marked(marks, marks.bit_count(), length)
    return found


def _overlap(one: _Marked, other: _Marked) -> tuple[int, int, int, int]:
    """Return, in characters: marked by both, by the one, by the other, of how many."""
    return (one.marks & other.marks).bit_count(), one.number, other.number, max(one.length, other.length)


def _of(raters: tuple[str, ...], sums: Floats, how: _How) -> Agreement:
    """Tell how far people agree from the overlap on each response (responses, 4)."""
    units = len(sums)
    if not units:
        return Agreement(raters=raters, units=0, template=nothing_shared(len(raters)), fields={"raters": len(raters)})
    total = sums.sum(axis=0, keepdims=True)
    value = float(_MEASURES[how.measure](total)[0])
    if np.isnan(value):
        template = _("nobody marked any words on the {units} responses that two judged; there is nothing to compare")
        if how.measure == "alpha" and total[0, 1] + total[0, 2]:
            template = _("every character of the {units} responses was marked by everybody; there is nothing to compare")
        return Agreement(raters=raters, units=units, template=template, fields={"units": units})
    observed = 1.0 - float(_unequal(total)[0] / total[0, 3]) if total[0, 3] else None
    interval = _interval(sums, value, how) if units > 1 else None
    return Agreement(raters=raters, units=units, value=value, interval=interval, observed=observed)


def _interval(sums: Floats, value: float, how: _How) -> Interval:
    blocks = _blocks(sums, how.seed)
    found = _MEASURES[how.measure](_weights(how.draws, how.seed)[:, : len(blocks)] @ blocks)
    # Responses on which nobody marked anything tell nothing of F1 and Jaccard.
    told = len(sums) if how.measure == "alpha" else int((sums[:, 1] + sums[:, 2] > 0).sum())
    unequal = int((_unequal(sums) > 0).sum())
    low, high = hull(value, found[~np.isnan(found)], unequal=unequal, units=told, chance=1.0, level=how.level)
    return (low if how.measure == "alpha" else max(0.0, low), high)


def _blocks(sums: Floats, seed: int) -> Floats:
    """Return the sums of random blocks where there are many responses: weighing blocks varies as weighing each does."""
    if len(sums) <= _BLOCKS:
        return sums
    shuffled = np.random.default_rng(seed).permutation(sums)
    blocks: Floats = np.add.reduceat(shuffled, np.linspace(0, len(sums), _BLOCKS, endpoint=False).astype(int))
    return blocks


@lru_cache(maxsize=4)
def _weights(draws: int, seed: int) -> Floats:
    """Return the weights of blocks in each draw of a Bayesian bootstrap (draws, blocks); of fewer blocks the first ones."""
    return np.random.default_rng(seed).standard_exponential((draws, _BLOCKS))


def _unequal(sums: Floats) -> Floats:
    """Return how many characters one marked and the other did not."""
    found: Floats = sums[:, 1] + sums[:, 2] - 2 * sums[:, 0]
    return found


def _f1(sums: Floats) -> Floats:
    """2 |A∩B| / (|A| + |B|): the harmonic mean of precision and recall, whoever is taken for the key."""
    return _ratio(2 * sums[:, 0], sums[:, 1] + sums[:, 2])


def _jaccard(sums: Floats) -> Floats:
    """|A∩B| / |A∪B|."""
    return _ratio(sums[:, 0], sums[:, 1] + sums[:, 2] - sums[:, 0])


def _alpha(sums: Floats) -> Floats:
    """1 - observed / expected disagreement over characters; n = 2 ratings a character."""
    marked, n = sums[:, 1] + sums[:, 2], 2 * sums[:, 3]
    return 1.0 - _ratio((n - 1) * _unequal(sums), marked * (n - marked))


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)
    return found


_MEASURES = {"f1": _f1, "jaccard": _jaccard, "alpha": _alpha}
