"""Many comments, some seeds: how sure a mean over both is.

A table has a row a comment and a column a seed. Comments are drawn anew, because other comments could have been said; seeds
are drawn anew, because training could have gone otherwise; prompts stay inside their comment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from sayso.evaluation.statistics import Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Resampled:
    """The mean of a table, and the means of the tables drawn anew."""

    mean: float
    means: NDArray[np.float64]
    comments: int

    def interval(self, *, level: float = 0.95) -> Interval:
        """Return the two-sided interval of the mean; (-inf, inf) on a single comment."""
        return (self.limit((1 - level) / 2), self.limit((1 + level) / 2))

    def limit(self, share: float) -> float:
        """Return the value below which the mean lies with probability `share`.

        With few comments the percentiles lie too close together; they are moved out until they have the width of Student's
        t with (comments - 1) degrees of freedom (the expanded percentile interval: Hesterberg 2015, Am Stat 69:371, §6.2).
        """
        if self.comments < 2:
            return -np.inf if share < 0.5 else np.inf
        z = np.sqrt(self.comments / (self.comments - 1)) * special.stdtrit(self.comments - 1, share)
        return float(np.quantile(self.means, special.ndtr(z)))

    def p_above(self, value: float = 0.0) -> float:
        """Return the one-sided p-value of a mean at or below `value`: small when the mean is shown to be above it."""
        return self._p(int((self.means <= value).sum()))

    def p_below(self, value: float) -> float:
        """Return the one-sided p-value of a mean at or above `value`: small when the mean is shown to be below it."""
        return self._p(int((self.means >= value).sum()))

    def _p(self, against: int) -> float:
        """Undo what `limit` does: from the share of means on the wrong side to Student's t."""
        if self.comments < 2:
            return 1.0
        share = (1 + against) / (len(self.means) + 1)
        z = special.ndtri(min(share, 1 - 1e-12))
        return float(special.stdtr(self.comments - 1, z * np.sqrt((self.comments - 1) / self.comments)))


def resample(table: ArrayLike, *, seed: int, draws: int = 10_000) -> Resampled:
    """Draw comments (rows), then seeds (columns, the same for all comments), `draws` times.

    Source: Owen 2007, Ann Appl Stat 1:386 (the pigeonhole bootstrap of crossed factors); with one column it is the cluster
    bootstrap by comment.
    """
    values = np.asarray(table, dtype=float)
    assert values.ndim == 2, "a row a comment, a column a seed"
    assert values.size, "an empty table"
    generator = np.random.default_rng(seed)
    rows, columns = values.shape
    # How often each row and each column is drawn, as shares: (draws, rows) and (draws, columns).
    by_row = generator.multinomial(rows, np.full(rows, 1 / rows), size=draws) / rows
    by_column = generator.multinomial(columns, np.full(columns, 1 / columns), size=draws) / columns
    means = np.einsum("dr,rc,dc->d", by_row, values, by_column, optimize=True)
    return Resampled(mean=float(values.mean()), means=means, comments=rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """The probes of one comment in one scope: a row a family of prompts, a column a seed."""

    sums: NDArray[np.float64]
    """Added up over the family's prompts."""
    sizes: NDArray[np.float64]
    """How many prompts a family has."""
    weight: float
    """With which the part's mean goes into the whole."""

    @property
    def mean(self) -> float:
        """The mean over prompts, then seeds."""
        return float(self.sums.sum(axis=0).mean() / self.sizes.sum())


def resample_within(parts: Sequence[Part], *, seed: int, draws: int = 10_000) -> Resampled:
    """Draw the families anew inside every part, and the seeds, the same for all parts, `draws` times.

    For few comments: they stay as they are, and it is asked what other prompts would have shown. The widths are Student's t
    with (families - parts) degrees of freedom.
    """
    assert parts, "nothing to draw from"
    generator = np.random.default_rng(seed)
    columns = parts[0].sums.shape[1]
    by_column = generator.multinomial(columns, np.full(columns, 1 / columns), size=draws) / columns  # (draws, seeds)
    means = np.zeros(draws)
    for part in parts:
        rows = len(part.sizes)
        by_row = generator.multinomial(rows, np.full(rows, 1 / rows), size=draws)  # (draws, families)
        means += part.weight * np.einsum("dr,rc,dc->d", by_row, part.sums, by_column, optimize=True) / (by_row @ part.sizes)
    freedom = sum(len(part.sizes) for part in parts) - len(parts)
    return Resampled(mean=sum(part.weight * part.mean for part in parts), means=means, comments=freedom + 1)
