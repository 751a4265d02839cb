"""How much it takes until something happens, where for some it never did: they are counted as *not yet*, not left out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats


def median(reached: Sequence[float | None], *, last: float) -> float | None:
    """Return the Kaplan-Meier median of what was needed; None where fewer than half had it by `last`.

    An entry None is censored: looked at up to `last`, and not reached by then.

    Source: Kaplan and Meier 1958, JASA 53:457.
    """
    for value, share in survival(reached, last=last):
        if share <= 0.5:
            return value
    return None


def survival(reached: Sequence[float | None], *, last: float) -> list[tuple[float, float]]:
    """Return (value, share that needs more than it) at every value where somebody reached it."""
    if not any(value is not None for value in reached):
        return []
    function = stats.ecdf(_data(reached, last)).sf
    pairs = zip(function.quantiles.tolist(), function.probabilities.tolist(), strict=True)
    happened = {value for value in reached if value is not None}
    return [(value, share) for value, share in pairs if value in happened]


def logrank(one: Sequence[float | None], other: Sequence[float | None], *, last: float) -> float:
    """Return the two-sided p-value of both needing the same; 1 where nobody reached anything.

    Source: Mantel 1966, Cancer Chemother Rep 50:163, as scipy computes it.
    """
    if not any(value is not None for value in (*one, *other)):
        return 1.0
    with np.errstate(invalid="ignore"):  # where all reached it at once, nothing divided by nothing
        found = float(stats.logrank(_data(one, last), _data(other, last)).pvalue)
    return 1.0 if math.isnan(found) else found


def _data(reached: Sequence[float | None], last: float) -> stats.CensoredData:
    uncensored = [float(value) for value in reached if value is not None]
    return stats.CensoredData(uncensored=uncensored, right=[float(last)] * (len(reached) - len(uncensored)))
