"""Do reviewers point at the same words?

Two people's spans on one response are compared character by character. *F1* and *Jaccard* ask how much of what was
marked was marked by both; `alpha` takes every character as a unit that was marked or not, so that it also counts what
both left alone, and is corrected for chance. People who marked nothing on a response they judged count: they said that
nothing there needs words.

Sources: van Rijsbergen 1979, *Information Retrieval*, ch. 7 (F1); Jaccard 1912; Krippendorff, Mathet, Bouvry and Widlöcher
2016, Qual Quant 50:2347 (agreement on what is marked at all, of which `alpha` is the form with characters as units).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from sayso.evaluation.agreement import DRAWS, Agreement, Agreements, Floats, hull, nothing_shared

if TYPE_CHECKING:
    from sayso.evaluation.statistics import Interval

_ = str  # marks a template for the catalogues; `agreement.say` translates it
Measure = Literal["f1", "jaccard", "alpha"]
_BLOCKS = 1_000


class Marking(NamedTuple):
    """What one person marked on one response: half-open stretches of characters, of a text that is `length` long."""

    unit: str
    rater: str
    spans: tuple[tuple[int, int], ...]
    length: int


class _Overlap(NamedTuple):
    """Two people on one response, in characters: marked by both, by the one, by the other, of how many."""

    both: int
    one: int
    other: int
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
    by_pair: dict[tuple[str, str], list[list[_Overlap]]] = {}
    overall: list[list[_Overlap]] = []
    for people in marked.values():
        found = {(one, other): _overlap(people[one], people[other]) for one, other in combinations(sorted(people), 2)}
        for pair, overlap in found.items():
            by_pair.setdefault(pair, []).append([overlap])
        if found:
            overall.append(list(found.values()))
    pairs = tuple(_of(pair, by_pair[pair], how) for pair in sorted(by_pair))
    return Agreements(overall=_of(raters, overall, how), pairs=pairs)


class _How(NamedTuple):
    measure: Measure
    seed: int
    draws: int
    level: float


class _Marked(NamedTuple):
    spans: list[tuple[int, int]]
    """Sorted, apart from each other."""
    length: int


def _marked(markings: Iterable[Marking]) -> dict[str, dict[str, _Marked]]:
    found: dict[str, dict[str, _Marked]] = {}
    for marking in markings:
        people = found.setdefault(marking.unit, {})
        before = people[marking.rater].spans if marking.rater in people else []
        people[marking.rater] = _Marked(_merged([*before, *marking.spans], marking.length), marking.length)
    return found


def _merged(spans: Iterable[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """Return the stretches that any of the spans covers, in order and apart from each other."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted((max(0, start), min(end, length)) for start, end in spans):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _overlap(one: _Marked, other: _Marked) -> _Overlap:
    both = sum(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a in one.spans for b in other.spans)
    sizes = [sum(end - start for start, end in marked.spans) for marked in (one, other)]
    return _Overlap(both, sizes[0], sizes[1], max(one.length, other.length))


def _of(raters: tuple[str, ...], responses: Sequence[Sequence[_Overlap]], how: _How) -> Agreement:
    if not responses:
        return Agreement(raters=raters, units=0, template=nothing_shared(len(raters)), fields={"raters": len(raters)})
    units = len(responses)
    sums = np.array([np.sum(response, axis=0) for response in responses], dtype=float)  # (responses, 4)
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
    kinds, numbers = np.unique(_blocks(sums, how.seed), axis=0, return_counts=True)
    number = int(numbers.sum())
    drawn = np.random.default_rng(how.seed).multinomial(number, numbers / number, size=how.draws)
    found = _MEASURES[how.measure](drawn @ kinds)
    units = len(sums)
    # Responses on which nobody marked anything tell nothing of F1 and Jaccard.
    told = units if how.measure == "alpha" else int((sums[:, 1] + sums[:, 2] > 0).sum())
    unequal = int((_unequal(sums) > 0).sum())
    low, high = hull(value, found[~np.isnan(found)], unequal=unequal, units=told, chance=1.0, level=how.level)
    return (low if how.measure == "alpha" else max(0.0, low), high)


def _blocks(sums: Floats, seed: int) -> Floats:
    """Return the sums of random blocks where there are many responses: drawing blocks varies as drawing responses does."""
    if len(sums) <= _BLOCKS:
        return sums
    shuffled = np.random.default_rng(seed).permutation(sums)
    blocks: Floats = np.add.reduceat(shuffled, np.linspace(0, len(sums), _BLOCKS, endpoint=False).astype(int))
    return blocks


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
