"""From counts to probabilities: interpolated modified Kneser–Ney (Chen and Goodman 1999, TR-10-98, section 4).

    p(w | h) = (a(hw) − D(a(hw))) / A(h) + γ(h) · p(w | h′)        γ(h) = Σ_w D(a(hw)) / A(h)        A(h) = Σ_w a(hw)

where h′ is h without its first token, a is the count at the highest order, and below it the number of different tokens
that an n-gram is seen after. One with which a row begins is seen after nothing: each time counts, as in KenLM and SRILM.
D is 0, D₁, D₂ or D₃ for a = 0, 1, 2 and more, from the counts of counts n₁ … n₄ of the order:

    Y = n₁ / (n₁ + 2 n₂)        D_j = j − (j + 1) · Y · n_{j+1} / n_j

The probability of single tokens is interpolated with 1 / V, so that none is 0. A context never seen leaves all to h′.

Differs: where the discounts cannot be computed (an n_j is 0, or a D_j is not above 0), FALLBACK is used for the order, as
KenLM can be told to. An n-gram rarer than `min_counts` of its order is left out; what it had goes to γ, so that all still
sums to 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from sayso.models.classical.ngram.counting import Work
from sayso.models.classical.ngram.files import STRETCH, Array, Column, Journal, npy_header

FALLBACK = (0.5, 1.0, 1.5)
_HIGHEST = 4
"""Counts of counts go up to n₄; what is above is not told apart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Smoothing:
    """What steers the probabilities and what is kept of them."""

    min_counts: tuple[int, ...]
    """For every order the least count with which an n-gram is kept; rising, the first is 1."""
    dtype: str
    """float64 or float32."""


def smooth(work: Work, journal: Journal, settings: Smoothing, folder: Path) -> None:
    """Write the arrays of the model into `folder`, order by order."""
    for order in range(1, work.order + 1):
        journal.do(f"continuations {order}", partial(_continuations, work, order))
    journal.do("probabilities 1", partial(_unigrams, work, settings, folder))
    for order in range(2, work.order + 1):
        journal.do(f"probabilities {order}", partial(_higher, work, settings, folder, order))


def discounts(counts_of_counts: Sequence[int]) -> tuple[tuple[float, float, float], bool]:
    """Return D₁, D₂ and D₃ from n₁ … n₄, and whether they could be computed."""
    n = [0, *counts_of_counts]
    if min(n[1:5]) <= 0:
        return FALLBACK, False
    share = n[1] / (n[1] + 2 * n[2])
    found = tuple(j - (j + 1) * share * n[j + 1] / n[j] for j in (1, 2, 3))
    return (found, True) if min(found) > 0 else (FALLBACK, False)  # type: ignore[return-value]


def adjusted(work: Work, order: int) -> Column:
    """Return the counts that an order's probabilities are made of (uint32, U)."""
    return work.counts(order) if order == work.order else work.column(f"adjusted-{order}", "<u4")


def order_discounts(work: Work, order: int) -> tuple[tuple[float, float, float], bool]:
    """Return an order's discounts, and whether they could be computed."""
    counts = np.zeros(_HIGHEST + 2, dtype=np.int64)
    for _first, part in adjusted(work, order).stretches():
        counts += np.bincount(np.minimum(part, _HIGHEST + 1), minlength=_HIGHEST + 2)
    return discounts(counts[1 : _HIGHEST + 1].tolist())


def _continuations(work: Work, order: int) -> None:
    """Count after how many different tokens each n-gram stands."""
    if order == work.order:
        return
    found = np.zeros(len(work.counts(order)), dtype=np.uint32)
    for _first, part in work.suffixes(order + 1).stretches():
        np.add.at(found, part, np.uint32(1))
    if order > 1:
        for _first, part in work.starts(order).stretches():
            np.add.at(found, part, np.uint32(1))
    adjusted(work, order).write(found)


def _unigrams(work: Work, settings: Smoothing, folder: Path) -> None:
    counts = adjusted(work, 1).read().astype(np.float64)
    taken = np.array([0.0, *order_discounts(work, 1)[0]])[np.minimum(counts, 3).astype(np.int64)]
    total = counts.sum()
    found = (counts - taken) / total + taken.sum() / total / work.vocab_size
    _probabilities(work, 1).write(found)
    npy_header(folder / "logprob-1.npy", settings.dtype, len(found)).append(np.log(found))


def _probabilities(work: Work, order: int) -> Column:
    """All probabilities of an order, also of what is not kept: the next order's are made of them."""
    return work.column(f"probabilities-{order}", "<f8")


def _higher(work: Work, settings: Smoothing, folder: Path, order: int) -> None:
    """Write an order's tokens and probabilities, and where they begin and how much is left over for each context."""
    least, least_below = settings.min_counts[order - 1], settings.min_counts[order - 2]
    size, below = kept(work, order, least), kept(work, order - 1, least_below)
    tokens = npy_header(folder / f"token-{order}.npy", token_type(work.vocab_size), size)
    logprobs = npy_header(folder / f"logprob-{order}.npy", settings.dtype, size)
    backoffs = npy_header(folder / f"backoff-{order - 1}.npy", settings.dtype, below)
    firsts = npy_header(folder / f"first-{order - 1}.npy", np.uint32, below + 1)
    lower = _probabilities(work, order - 1).read()
    rates = np.array([0.0, *order_discounts(work, order)[0]])
    own = _probabilities(work, order).clear() if order < work.order else None
    begun, done = 0, 0  # n-grams kept so far, contexts written so far
    for part in _parts(work, order):
        found = part.probabilities(rates, lower, least)
        if own is not None:
            own.append(found.values)
        tokens.append(part.tokens[found.kept])
        logprobs.append(np.log(found.values[found.kept]))
        contexts = _contexts(work, order - 1, least_below, done, int(part.contexts[-1]) + 1)
        here = part.contexts - done
        gammas, sizes = np.ones(len(contexts)), np.zeros(len(contexts), dtype=np.int64)
        gammas[here], sizes[here] = found.left_over, found.sizes
        begins = begun + np.cumsum(sizes) - sizes
        backoffs.append(np.log(gammas[contexts]))
        firsts.append(begins[contexts])
        begun, done = begun + int(sizes.sum()), done + len(contexts)
    rest = _contexts(work, order - 1, least_below, done, len(work.counts(order - 1)))
    backoffs.append(np.zeros(rest.sum()))
    firsts.append(np.full(rest.sum() + 1, begun))


def token_type(vocab_size: int) -> str:
    """Return the type in which token ids are kept."""
    return "<u2" if vocab_size <= 1 << 16 else "<u4"


def kept(work: Work, order: int, least: int) -> int:
    """Return how many n-grams of an order are kept."""
    if least <= 1 or order == 1:
        return len(work.counts(order))
    return sum(int((part >= least).sum()) for _first, part in work.counts(order).stretches())


def _contexts(work: Work, order: int, least: int, first: int, last: int) -> Array:
    """Return which n-grams of a stretch are kept."""
    if order == 1:
        return np.ones(last - first, dtype=bool)
    kept: Array = work.counts(order).read(first, last) >= least
    return kept


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    values: Array
    """Probabilities."""
    kept: Array
    left_over: Array
    """γ, a context."""
    sizes: Array
    """How many n-grams are kept, a context."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """N-grams of some whole contexts."""

    contexts: Array
    """The numbers of the contexts, rising."""
    begins: Array
    """Where each context's n-grams begin."""
    tokens: Array
    raw: Array
    adjusted: Array
    suffixes: Array

    def probabilities(self, rates: Array, lower: Array, least: int) -> _Found:
        """Return the probabilities, given the discounts and the probabilities of the shorter n-grams."""
        taken = rates[np.minimum(self.adjusted, 3)]
        kept = self.raw >= least
        totals = np.add.reduceat(self.adjusted, self.begins, dtype=np.int64)
        left_over = np.add.reduceat(np.where(kept, taken, self.adjusted), self.begins) / totals
        held = np.diff(self.begins, append=len(self.tokens))
        values = (self.adjusted - taken) / np.repeat(totals, held) + np.repeat(left_over, held) * lower[self.suffixes]
        return _Found(
            values=values, kept=kept, left_over=left_over, sizes=np.add.reduceat(kept, self.begins, dtype=np.int64)
        )


def _parts(work: Work, order: int) -> Iterator[_Part]:
    """Yield the n-grams of an order in parts of whole contexts."""
    columns = [work.keys(order), work.counts(order), adjusted(work, order), work.suffixes(order)]
    size, first, total = max(STRETCH, 2 * work.vocab_size), 0, len(work.keys(order))
    while first < total:
        last = min(first + size, total)
        contexts, tokens = np.divmod(columns[0].read(first, last), np.uint64(work.vocab_size))
        begins = np.flatnonzero(np.diff(contexts, prepend=contexts[0] + np.uint64(1)))
        end = len(contexts) if last == total else int(begins[-1])  # the last context may go on
        begins = begins[begins < end]
        raw, counts, suffixes = (column.read(first, first + end) for column in columns[1:])
        yield _Part(
            contexts=contexts[begins].astype(np.int64), begins=begins, tokens=tokens[:end], raw=raw, adjusted=counts,
            suffixes=suffixes,
        )  # fmt: skip
        first += end
