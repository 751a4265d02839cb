"""What a comment loses when others are learnt with it in the same weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sayso.evaluation.resampling import resample
from sayso.loop.bench.comparing import Figure, figure
from sayso.loop.bench.scoring import Score
from sayso.loop.bench.tiers import Tier

METRICS = ("gain", "leak", "drift")


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity:
    """A method on so many comments at once, over all sets and seeds."""

    method: str
    size: int
    """Comments learnt at once."""
    comments: int
    """Comments in all sets of this size."""
    at_once: Mapping[str, Figure]
    """gain, leak and drift of a comment learnt with others."""
    alone: Mapping[str, Figure]
    """The same of the same comments, each learnt alone."""
    change: Mapping[str, Figure]
    """At once less alone, by comment."""
    alarms: Mapping[str, int]
    """How many comments of how many seeds rang which alarm."""
    units: int
    refused: int


def capacities(scores: Sequence[Score], shared: Iterable[tuple[int, str, Score]], tier: Tier) -> list[Capacity]:
    """Return a method and size each; `scores` hold the comments learnt alone, `shared` those learnt with others."""
    alone = {(one.condition, one.item, one.seed): one for one in scores if one.drafts == tier.drafts}
    found: dict[tuple[str, int], list[Score]] = {}
    for size, method, score in shared:
        found.setdefault((method, size), []).append(score)
    return [_capacity(method, size, some, alone, tier) for (method, size), some in found.items()]


def _capacity(
    method: str, size: int, some: Sequence[Score], alone: Mapping[tuple[str, str, int], Score], tier: Tier
) -> Capacity:
    both = [(one, alone[method, one.item, one.seed]) for one in some]
    sides: dict[str, list[Mapping[str, float | None]]] = {
        "at_once": [one.values for one, _other in both], "alone": [other.values for _one, other in both],
        "change": [
            {name: (one.values[name] or 0.0) - (other.values[name] or 0.0) for name in METRICS} for one, other in both
        ],
    }  # fmt: skip
    items = [one.item for one in some]
    figures = {
        side: {name: _figure(items, [each[name] or 0.0 for each in values], tier) for name in METRICS}
        for side, values in sides.items()
    }
    return Capacity(
        method=method, size=size, comments=len(set(items)), units=len(some), refused=sum(bool(one.refused) for one in some),
        alarms=dict(Counter(alarm for one in some for alarm in one.alarms)), **figures,
    )  # fmt: skip


def _figure(items: Sequence[str], values: Sequence[float], tier: Tier) -> Figure:
    """Return the mean with its interval: a row a comment, a column a seed."""
    table: dict[str, list[float]] = {}
    for item, value in zip(items, values, strict=True):
        table.setdefault(item, []).append(value)
    return figure(resample(list(table.values()), seed=0, draws=tier.draws))
