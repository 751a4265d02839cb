"""How many drafts a comment needs, and what is kept of it when others are learnt after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from sayso.evaluation.resampling import resample
from sayso.evaluation.statistics import holm, wilson
from sayso.evaluation.survival import logrank, median
from sayso.loop.bench.comparing import MARGIN, Figure, figure
from sayso.loop.bench.scoring import Score
from sayso.loop.bench.tiers import Tier

SHARE = 0.8
"""Of the ceiling, that the lower limit of the gain has to reach."""
LEAST_CEILING = 0.25
"""A lower ceiling is taken as this: 80 % of nothing is reached by nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """A method's gain and leak by the number of drafts, and how many drafts its comments needed."""

    method: str
    points: tuple[int, ...]
    gain: tuple[float, ...]
    """Means over comments and seeds."""
    leak: tuple[float, ...]
    smooth: tuple[float, ...]
    """The gain made to rise (isotonic regression), to read between the points."""
    needed: Mapping[str, int | None]
    """N80 by comment: the least number of drafts with the lower 95 % limit of the gain at 80 % of the ceiling or above and a
    leak within its margin; None where that was not reached (right-censored)."""
    median: float | None
    """Of N80, by Kaplan and Meier; None where fewer than half reached it."""
    median_gain: float | None
    """The same without the condition on leak."""


def curves(scores: Sequence[Score], methods: Sequence[str], tier: Tier) -> list[Curve]:
    """Return the learning curves of the first methods."""
    ceilings = _ceilings(scores)
    points = (*tier.points, tier.drafts)
    return [_curve([one for one in scores if one.condition == name], name, points, ceilings)
            for name in methods[: tier.curve_methods]]  # fmt: skip


def _curve(scores: Sequence[Score], name: str, points: tuple[int, ...], ceilings: Mapping[str, float]) -> Curve:
    from sklearn.isotonic import IsotonicRegression

    gain, leak = (tuple(_mean(scores, n, metric) for n in points) for metric in ("gain", "leak"))
    smooth = IsotonicRegression().fit_transform(np.log2(points), gain)
    needed, alone = (
        {item: _needed(scores, item, points, ceiling, leak=leak) for item, ceiling in ceilings.items()}
        for leak in (True, False)
    )
    last = points[-1]
    return Curve(
        method=name, points=points, gain=gain, leak=leak, smooth=tuple(float(value) for value in smooth), needed=needed,
        median=median(list(needed.values()), last=last), median_gain=median(list(alone.values()), last=last),
    )  # fmt: skip


def _ceilings(scores: Sequence[Score]) -> dict[str, float]:
    """Return the in-context ceiling by comment, the mean over seeds."""
    found: dict[str, list[float]] = {}
    for score in scores:
        if score.condition == "in context":
            found.setdefault(score.item, []).append(score.values["gain"] or 0.0)
    return {item: max(LEAST_CEILING, sum(values) / len(values)) for item, values in found.items()}


def _mean(scores: Sequence[Score], drafts: int, metric: str) -> float:
    found = [score.values[metric] or 0.0 for score in scores if score.drafts == drafts]
    return sum(found) / len(found)


def _needed(scores: Sequence[Score], item: str, points: Sequence[int], ceiling: float, *, leak: bool) -> int | None:
    for n in points:
        own = [score for score in scores if score.item == item and score.drafts == n]
        within = not leak or all_within([score.values["leak"] or 0.0 for score in own])
        if within and lower(own) >= SHARE * ceiling:
            return n
    return None


def all_within(leaks: Sequence[float]) -> bool:
    """Whether the mean leak is within its margin."""
    return sum(leaks) / len(leaks) <= MARGIN + 1e-12


def lower(scores: Sequence[Score]) -> float:
    """Return the lower 95 % limit (one-sided) of a comment's gain: Wilson's of the rate after, less the rate before.

    Seeds answer the same prompts, so the limit is of their mean on so many prompts: more seeds say nothing of other prompts.
    """
    before, after, n = (sum(score.counts[part] for score in scores) / len(scores) for part in range(3))
    return wilson(int(after), int(n), level=0.9)[0] - before / n


def race(found: Sequence[Curve]) -> list[dict[str, Any]]:
    """Return the log-rank tests of every two methods needing the same number of drafts, Holm's p-values."""
    pairs = list(combinations(found, 2))
    raw = [logrank(list(a.needed.values()), list(b.needed.values()), last=a.points[-1]) for a, b in pairs]
    return [{"one": a.method, "other": b.method, "p": p} for (a, b), p in zip(pairs, holm(raw), strict=True)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What a method keeps of earlier comments, over all sequences and seeds."""

    method: str
    earlier: Figure
    """Change of the effect rate of the earlier comments, from right after each was learnt to the end."""
    share: float
    """Their gain at the end over their gain right after; 0 where nothing was gained."""
    interference: tuple[tuple[float, ...], ...]
    """Row after the lesson, column comment: mean gain in scope, as the lessons went on."""
    tokens_trained: float
    seconds: float


def kept(records: Mapping[str, Sequence[Mapping[str, Any]]], before: Mapping[str, float], tier: Tier) -> list[Kept]:
    """Return what each method kept; `records` are the sequences by method, `before` the rates of the untaught model."""
    return [_kept(method, some, before, tier) for method, some in records.items() if some]


def _kept(method: str, records: Sequence[Mapping[str, Any]], before: Mapping[str, float], tier: Tier) -> Kept:
    gains = [
        [[rate - before[item] for rate, item in zip(row, record["items"], strict=False)] for row in record["rates"]]
        for record in records
    ]
    changes: dict[str, list[float]] = {}
    first = last = 0.0
    for record, rows in zip(records, gains, strict=True):
        for place, item in enumerate(record["items"][:-1]):
            changes.setdefault(item, []).append(rows[-1][place] - rows[place][place])
            first, last = first + rows[place][place], last + rows[-1][place]
    # Few lessons stand under a table's full number of seeds; each comment's mean over its seeds is its row.
    table = [[sum(values) / len(values)] for values in changes.values()]
    length = len(records[0]["items"])
    matrix = tuple(
        tuple(sum(rows[lesson][place] for rows in gains) / len(gains) for place in range(lesson + 1))
        for lesson in range(length)
    )
    count = len(records) * length
    return Kept(
        method=method, earlier=figure(resample(table, seed=0, draws=tier.draws)), share=last / first if first > 0 else 0.0,
        interference=matrix, tokens_trained=sum(record["tokens_trained"] for record in records) / count,
        seconds=sum(record["seconds"] for record in records) / count,
    )  # fmt: skip
