"""Which n-grams a token file holds: sorted, counted, each with the number of the shorter one that it ends with.

Order by order. The key of an n-gram is (number of its first n−1 tokens) · V + (its last token), so that keys are 64-bit
whatever the order. Tokens are taken in stretches; a stretch's keys are sorted to a *run* on disk, the runs are merged part
by part, and every place of the text then gets the number of the n-gram that ends there, from which the next order's keys
are made. Memory depends on the stretch, not on the text.

Letters: V vocabulary, U different n-grams of an order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from sayso.models.classical.ngram.files import Array, Column, Journal
from sayso.text.tokens import TokenFile

NONE = np.uint32(0xFFFFFFFF)
"""At a place of the text: no n-gram of this order ends here, its row is too young."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What is counted, and the folder in which the counting stands."""

    folder: Path
    text: TokenFile
    vocab_size: int
    order: int
    stretch: int
    """Tokens that are sorted at once."""

    def column(self, name: str, kind: str) -> Column:
        """Return a file of this folder."""
        return Column(self.folder / f"{name}.bin", kind)

    def keys(self, order: int) -> Column:
        """The keys of an order's n-grams, rising (uint64, U)."""
        return self.column(f"keys-{order}", "<u8")

    def counts(self, order: int) -> Column:
        """How often each n-gram stands in the text (uint32, U)."""
        return self.column(f"counts-{order}", "<u4")

    def suffixes(self, order: int) -> Column:
        """The number of the (n−1)-gram that each ends with (uint32, U)."""
        return self.column(f"suffixes-{order}", "<u4")

    def starts(self, order: int) -> Column:
        """The numbers of the n-grams with which rows begin, once a row (uint32)."""
        return self.column(f"starts-{order}", "<u4")

    def places(self, order: int) -> Column:
        """For every token of the text, the number of the n-gram that ends there (uint32)."""
        return self.column(f"places-{order}", "<u4")

    def stretches(self) -> list[tuple[int, int]]:
        """Return from where to where the text is taken at once."""
        tokens = self.text.facts.tokens
        return [(first, min(first + self.stretch, tokens)) for first in range(0, tokens, self.stretch)]


def count(work: Work, journal: Journal) -> None:
    """Count every order from the first to the last; what is done is not done again."""
    journal.do("count 1", partial(_single, work))
    for order in range(2, work.order + 1):
        for number, (first, last) in enumerate(work.stretches()):
            journal.do(f"count {order}, run {number + 1}", partial(_run, work, order, number, first, last))
        journal.do(f"count {order}, merge", partial(_merge, work, order))
        if order < work.order:
            journal.do(f"count {order}, places", partial(_number, work, order))
        _tidy(work, order)


def _single(work: Work) -> None:
    """Count the tokens that are foretold: all but the first of each row."""
    counts = np.zeros(work.vocab_size, dtype=np.int64)
    for first, last in work.stretches():
        ids, within = work.text.span(first, last)
        counts += np.bincount(ids[within > 0], minlength=work.vocab_size)
    work.counts(1).write(counts)


def _run(work: Work, order: int, number: int, first: int, last: int) -> None:
    """Sort the n-grams that end in a stretch of the text and write each once, with its count and its suffix."""
    ids, within = work.text.span(first, last)
    place = np.flatnonzero(within >= order - 1)
    before = _ending(work, order - 1, max(first - 1, 0), last)
    at = place + (1 if first else 0)  # where `before` holds what ends at a place
    keys = before[at - 1].astype(np.uint64) * np.uint64(work.vocab_size) + ids[place].astype(np.uint64)
    by_key = np.argsort(keys)
    keys = keys[by_key]
    new = _new(keys)
    begins = np.flatnonzero(new)
    _part(work, order, number, "keys", "<u8").write(keys[begins])
    _part(work, order, number, "counts", "<u4").write(np.diff(begins, append=len(keys)))
    _part(work, order, number, "suffixes", "<u4").write(before[at[by_key[begins]]])
    if order < work.order:
        local = np.full(last - first, NONE, dtype=np.uint32)
        local[place[by_key]] = np.cumsum(new) - 1
        _part(work, order, number, "places", "<u4").write(local)


def _ending(work: Work, order: int, first: int, last: int) -> Array:
    """Return the number of the n-gram that ends at each place; a token's is its id."""
    return work.text.span(first, last)[0] if order == 1 else work.places(order).read(first, last)


def _merge(work: Work, order: int) -> None:
    """Merge the runs, part by part of the range of keys, and note for every run the numbers that its n-grams got."""
    runs = range(len(work.stretches()))
    keys = [_part(work, order, run, "keys", "<u8").mapped() for run in runs]
    outputs = [column.clear() for column in (work.keys(order), work.counts(order), work.suffixes(order))]
    numbers = [_part(work, order, run, "numbers", "<u4").clear() for run in runs]
    cuts = _cuts(keys, work.stretch)
    base = 0
    for here, there in pairwise(cuts):
        joined = np.concatenate([part[a:b] for part, a, b in zip(keys, here, there, strict=True)])
        by_key = np.argsort(joined, kind="stable")
        joined = joined[by_key]
        new = _new(joined)
        begins = np.flatnonzero(new)
        counted, suffixes = (_sliced(work, order, name, here, there)[by_key] for name in ("counts", "suffixes"))
        counts = np.add.reduceat(counted, begins, dtype=np.int64) if len(begins) else counted
        for column, values in zip(outputs, (joined[begins], counts, suffixes[begins]), strict=True):
            column.append(values)
        got = np.empty(len(joined), dtype=np.uint32)
        got[by_key] = base + np.cumsum(new) - 1
        ends = np.cumsum(np.subtract(there, here))
        for column, part in zip(numbers, np.split(got, ends[:-1]), strict=True):
            column.append(part)
        base += len(begins)


def _cuts(keys: list[Array], size: int) -> list[list[int]]:
    """Return where to cut every run so that parts of about `size` entries, of one range of keys each, can be merged."""
    parts = max(1, -(-sum(map(len, keys)) // size))
    sample = np.sort(np.concatenate([part[:: max(1, len(part) // (64 * parts))] for part in keys]))
    bounds = sample[np.arange(1, parts) * len(sample) // parts]
    inner = [np.searchsorted(part, bounds) for part in keys]  # a key is in one part only
    return [[0] * len(keys), *([int(cut[n]) for cut in inner] for n in range(parts - 1)), [len(part) for part in keys]]


def _sliced(work: Work, order: int, name: str, here: list[int], there: list[int]) -> Array:
    columns = [_part(work, order, run, name, "<u4") for run in range(len(here))]
    return np.concatenate([column.read(a, b) for column, a, b in zip(columns, here, there, strict=True)])


def _number(work: Work, order: int) -> None:
    """Write for every place of the text the number of the n-gram that ends there, and with which ones rows begin."""
    places, starts = work.places(order).clear(), work.starts(order).clear()
    for run, (first, last) in enumerate(work.stretches()):
        local = _part(work, order, run, "places", "<u4").read()
        numbers = np.append(_part(work, order, run, "numbers", "<u4").read(), NONE)  # the last stands for none
        numbered = numbers[np.minimum(local, len(numbers) - 1)]
        places.append(numbered)
        starts.append(numbered[work.text.span(first, last)[1] == order - 1])


def _tidy(work: Work, order: int) -> None:
    """Take away what only this order's counting needed."""
    for run in range(len(work.stretches())):
        for name in ("keys", "counts", "suffixes", "places", "numbers"):
            _part(work, order, run, name, "<u4").drop()
    work.places(order - 1).drop()


def _part(work: Work, order: int, run: int, name: str, kind: str) -> Column:
    return work.column(f"run-{order}-{run}-{name}", kind)


def _new(keys: Array) -> Array:
    """Return where in sorted keys another one begins."""
    new = np.ones(len(keys), dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=new[1:])
    return new
