"""Paired tests, intervals and sample sizes: how sure a change of rates is.

Every function here takes counts or arrays and returns numbers; nothing knows a comment. A *pair* is one probe answered
before and after; it is *gained* where only the answer after is right, *lost* where only the one before was. The share of
gained and lost pairs together is the *discordance*.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mcnemar:
    """Two-sided p-values of McNemar's test: exact (never too small) and mid-p (closer to its level on average)."""

    exact: float
    mid: float


def mcnemar(gained: int, lost: int) -> Mcnemar:
    """Test whether gains and losses are equally likely.

    Under no difference each discordant pair is a fair coin, so gained ~ Binomial(gained + lost, 1/2). The mid-p halves the
    weight of what was observed.

    Source: McNemar 1947; Fagerland, Lydersen and Laake 2013, BMC Med Res Methodol 13:91 (mid-p).
    """
    discordant = gained + lost
    if discordant == 0:
        return Mcnemar(exact=1.0, mid=1.0)
    low = min(gained, lost)
    observed = float(stats.binom.pmf(low, discordant, 0.5))
    if gained == lost:
        return Mcnemar(exact=1.0, mid=1.0 - observed / 2)
    exact = min(1.0, 2.0 * float(stats.binom.cdf(low, discordant, 0.5)))
    return Mcnemar(exact=exact, mid=exact - observed)


def wilson(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Return Wilson's score interval of a share; (0, 1) where nothing was counted.

    Source: Wilson 1927, JASA 22:209.
    """
    if n == 0:
        return (0.0, 1.0)
    z = _z(level)
    share, slack = successes / n, z * z / n
    middle = (share + slack / 2) / (1 + slack)
    half = z * np.sqrt(share * (1 - share) / n + slack / (4 * n)) / (1 + slack)
    low = 0.0 if successes == 0 else float(middle - half)
    high = 1.0 if successes == n else float(middle + half)
    return (max(0.0, low), min(1.0, high))


def tango(gained: int, lost: int, n: int, *, level: float = 0.95) -> Interval:
    """Return the score interval of a paired difference of rates, (gained - lost) / n; (-1, 1) where nothing was counted.

    All differences that the score test does not reject. Unlike the textbook interval it does not shrink to a point when no
    pair changed: then it is ±z²/(n + z²).

    Source: Tango 1998, Stat Med 17:891; recommended for small n by Fagerland, Lydersen and Laake 2014, Stat Med 33:2850.
    """
    if n == 0:
        return (-1.0, 1.0)
    z, estimate = _z(level), (gained - lost) / n
    low, high = -1.0, 1.0
    if estimate > -1.0 and tango_score(gained, lost, n, -1.0 + _TINY) > z:
        low = _root(lambda difference: tango_score(gained, lost, n, difference) - z, -1.0 + _TINY, estimate)
    if estimate < 1.0 and tango_score(gained, lost, n, 1.0 - _TINY) < -z:
        high = _root(lambda difference: tango_score(gained, lost, n, difference) + z, estimate, 1.0 - _TINY)
    return (low, high)


_TINY = 1e-12


def tango_score(gained: int, lost: int, n: int, difference: float) -> float:
    """Return Tango's score statistic of the hypothesis that the rates differ by `difference`; about N(0, 1) if they do."""
    slack = difference * (1 - difference)
    b = -gained - lost + (2 * n - gained + lost) * difference
    root = np.sqrt(max(0.0, b * b + 8 * n * lost * slack))
    # The restricted estimate of the probability of a loss, and with it the variance under the hypothesis.
    loss = (root - b) / (4 * n)
    variance = n * (2 * loss + slack)
    above = gained - lost - n * difference
    return 0.0 if abs(above) < _TINY else float(above / np.sqrt(max(variance, _TINY)))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling function crosses zero; its far end where rounding hides the crossing."""
    if function(high) >= 0:
        return high
    return float(optimize.brentq(function, low, high, xtol=1e-10))


def paired_bootstrap(
    changes: ArrayLike,
    clusters: Sequence[Any],
    *,
    seed: int,
    draws: int = 10_000,
    level: float = 0.95,
    strata: Sequence[Any] | None = None,
) -> Interval:
    """Return the percentile interval of the mean change when whole clusters are drawn anew, within their strata if given.

    Clusters with equal size and sum are alike, so a draw is a multinomial over the kinds of clusters: the same distribution
    as drawing them one by one, at a cost that does not grow with their number. With few clusters the percentile interval is
    too short; its level is raised so that it has the width of Student's t with (clusters - strata) degrees of freedom.
    With no degree of freedom nothing is known: (-inf, inf).

    Source: Efron and Tibshirani 1993; Hesterberg 2015, Am Stat 69:371, §6.2 (the expanded percentile interval).
    """
    table = _tables(np.asarray(changes, dtype=float), clusters, strata)
    total = sum(int(counts.sum()) for _, _, counts in table)
    freedom = total - len(table)
    if freedom < 1:
        return (-np.inf, np.inf)
    generator = np.random.default_rng(seed)
    sums, sizes = np.zeros(draws), np.zeros(draws)
    for kind_sums, kind_sizes, counts in table:
        number = int(counts.sum())
        # (draws, kinds); with one kind every draw is the same.
        drawn = generator.multinomial(number, counts / number, size=draws) if len(counts) > 1 else counts[None]
        sums += drawn @ kind_sums
        sizes += drawn @ kind_sizes
    # z of a percentile interval as wide as Student's t around the unbiased standard error.
    z = np.sqrt(total / freedom) * special.stdtrit(freedom, (1 + level) / 2)
    tail = float(special.ndtr(-z))
    low, high = np.quantile(sums / sizes, [tail, 1 - tail])
    return (float(low), float(high))


def _tables(
    changes: NDArray[np.float64], clusters: Sequence[Any], strata: Sequence[Any] | None
) -> list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]]:
    """Return for each stratum its kinds of clusters: the sum and size of a kind, and how many clusters are of it."""
    names = strata if strata is not None else [None] * len(changes)
    found: dict[Any, dict[Any, list[float]]] = {}
    for change, cluster, stratum in zip(changes.tolist(), clusters, names, strict=True):
        entry = found.setdefault(stratum, {}).setdefault(cluster, [0.0, 0.0])
        entry[0] += change
        entry[1] += 1.0
    result = []
    for members in found.values():
        kinds = Counter(map(tuple, members.values()))
        sums, sizes = np.array(list(kinds)).T
        result.append((sums, sizes, np.array(list(kinds.values()))))
    return result


def needed(difference: float, discordance: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Return how many pairs show a true `difference` of rates with the given power, at a two-sided level `alpha`.

    n = (z_a √ψ + z_b √(ψ - d²))² / d² with ψ the discordance, which is at least d.

    Source: Connor 1987, Biometrics 43:207.
    """
    assert 0 < abs(difference) <= 1, "a difference of rates"
    d = abs(difference)
    psi = max(discordance, d)
    reach = _z(1 - alpha) * np.sqrt(psi) + special.ndtri(power) * np.sqrt(psi - d * d)
    return int(np.ceil((reach / d) ** 2))


def minimum_detectable(n: int, discordance: float, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the smallest difference of rates that `n` pairs show with the given power; 1 where even that is not shown.

    About (z_a + z_b) √(ψ / n); exactly the inverse of `needed`.
    """
    low, high = 1e-6, 1.0
    if n == 0 or needed(high, discordance, power=power, alpha=alpha) > n:
        return 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if needed(middle, discordance, power=power, alpha=alpha) <= n else (middle, high)
    return high


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values adjusted for being looked at together, in their order.

    The smallest is multiplied by m, the next by m - 1, …, never below the one before. Holds whatever the dependence.

    Source: Holm 1979, Scand J Stat 6:65.
    """
    adjusted = [0.0] * len(p_values)
    reached = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = reached
    return tuple(adjusted)


def _z(level: float) -> float:
    return float(special.ndtri((1 + level) / 2))
