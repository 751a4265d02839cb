"""Which of the compared methods is best, which are ties, and what is to be said of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sayso.evaluation import statistics
from sayso.loop.bench.comparing import ALPHA
from sayso.loop.compare.standings import Row, Standings


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """Which of the trained methods is best, and what is to be said of the others."""

    best: str
    """Empty where none takes without harm."""
    ties: tuple[str, ...]
    """Methods that take, and are not shown to be worse than the best."""
    worse: tuple[str, ...]
    better_untrained: tuple[str, ...]
    """Untrained ways that are shown to be better than the best, or as good, by their figure alone."""
    few: bool
    """Too few probes in scope to tell methods apart."""
    metric: str
    """What they are ranked by: selectivity (gain less leak), or gain where nothing near was tested."""


def rank(standings: Standings, rows: Sequence[Row]) -> Ranked:
    """Return the ranking: among the methods that take, the one with the greatest selectivity is the best."""
    metric = "selectivity" if all("selectivity" in row.figures for row in rows) else "gain"
    taking = [row for row in rows if row.kind == "method" and row.verdict == "takes"]
    taking.sort(key=lambda row: -row.figures[metric][0])
    few = standings.probes("in") < standings.gate.min_probes
    if not taking:
        return Ranked(best="", ties=(), worse=(), better_untrained=(), few=few, metric=metric)
    best, others = taking[0], [row.name for row in taking[1:]]
    found = [standings.difference(best.name, name, metric) for name in others]
    drawn = [each for each in found if each is not None]
    p_values = statistics.holm([p for _figure, p in drawn])
    shown = [each[1] is not None and each[1] > 0 for each, _p in drawn]
    worse = tuple(name for name, p, sure in zip(others, p_values, shown, strict=True) if sure and p < ALPHA)
    beyond = [row.name for row in rows if row.kind == "untrained" and row.verdict == "takes"]
    beyond = [name for name in beyond if _of(rows, name).figures[metric][0] >= best.figures[metric][0]]
    return Ranked(
        best=best.name, ties=tuple(name for name in others if name not in worse), worse=worse, few=few, metric=metric,
        better_untrained=tuple(beyond),
    )  # fmt: skip


def _of(rows: Sequence[Row], name: str) -> Row:
    return next(row for row in rows if row.name == name)
