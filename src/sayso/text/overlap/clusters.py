"""Which texts belong together, from their signatures on disk, a column of them in memory at a time.

Texts that are equal, and pairs that share a band and are as similar as asked, are joined; what is joined, directly or
through others, is a cluster. Texts are numbered in the order in which they were read; a cluster is named by its first text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sayso.text.overlap.shingles import Array
from sayso.text.overlap.signatures import NOTHING, Near, Signed

_EXACT, _LENGTH, _FIRST_BAND = 0, 1, 2
_AT_ONCE = 1 << 22
"""So many numbers of a column are sorted at a time."""
_COMPARED = 1 << 21
"""So many shingles are compared at a time."""
_ROUNDS = 8


class Pairs(NamedTuple):
    """Pairs of texts by their numbers."""

    one: Array
    other: Array


@dataclass(kw_only=True, slots=True)
class Found:
    """What belongs together."""

    roots: Array
    """(D,) int64: the first text of each text's cluster; its own number where it is alone."""
    equal: Array
    """(D,) int64: the same, of equal texts only."""
    compared: int = 0
    """Pairs that shared a band and were compared."""
    unlike: int = 0
    """Of those, pairs that were not similar enough."""


class Signatures:
    """Signatures in a folder, shard by shard; each is written whole and then named."""

    def __init__(self, folder: Path, counts: Sequence[int] = ()) -> None:
        self.folder = folder
        self.counts = list(counts)
        """How many texts each shard holds."""

    def __len__(self) -> int:
        return sum(self.counts)

    def column(self, number: int) -> Array:
        """Return one number of every text."""
        parts = [np.load(self._file(shard), mmap_mode="r")[number] for shard in range(len(self.counts))]
        return np.concatenate([np.empty(0, np.uint64), *parts])

    def columns(self, number: int) -> Iterator[tuple[Array, Array]]:
        """Yield a column in parts of bounded size, equal numbers in one part: the numbers, and whose they are."""
        num_parts = -(-len(self) // _AT_ONCE)
        for part in range(num_parts):
            numbers, owners, begin = [], [], 0
            for shard, count in enumerate(self.counts):
                found = np.load(self._file(shard), mmap_mode="r")[number]
                here = np.flatnonzero(found % np.uint64(num_parts) == part) if num_parts > 1 else np.arange(count)
                numbers.append(found[here])
                owners.append(here + begin)
                begin += count
            yield np.concatenate(numbers), np.concatenate(owners)

    def lengths(self) -> Array:
        """Return how many characters each text has."""
        return self.column(_LENGTH)

    def shingles(self, texts: Array) -> tuple[Array, Array]:
        """Return the shingles of some texts, one after another, and how many each has."""
        begins = np.concatenate([[0], np.cumsum(self.counts)])
        shards = np.searchsorted(begins, texts, side="right") - 1
        found: list[Array] = [np.empty(0, np.uint32)] * len(texts)
        for shard in np.unique(shards).tolist():
            places = np.flatnonzero(shards == shard)
            rows = texts[places] - begins[shard]
            for place, values in zip(places.tolist(), self._rows(shard, rows), strict=True):
                found[place] = values
        sizes = np.fromiter(map(len, found), dtype=np.int64, count=len(found))
        return np.concatenate([np.empty(0, np.uint32), *found]), sizes

    def sizes(self) -> Array:
        """Return how many shingles each text has."""
        parts = [np.diff(np.load(self._file(shard, "offsets"))) for shard in range(len(self.counts))]
        return np.concatenate([np.empty(0, np.int64), *parts])

    def _rows(self, shard: int, rows: Array) -> Iterator[Array]:
        """Read, not map: what is mapped would count as memory for as long as it is open."""
        offsets = np.load(self._file(shard, "offsets"))
        with self._file(shard, "shingles").open("rb") as file:
            for begin, end in zip(offsets[rows].tolist(), offsets[rows + 1].tolist(), strict=True):
                file.seek(4 * begin)
                yield np.frombuffer(file.read(4 * (end - begin)), dtype="<u4")

    def _file(self, shard: int, kind: str = "signatures") -> Path:
        return self.folder / name_of(shard, kind)


def name_of(shard: int, kind: str = "signatures") -> str:
    """Return what a shard's file is called."""
    return f"{kind}-{shard:06}.{'u4' if kind == 'shingles' else 'npy'}"


def write(folder: Path, shard: int, parts: Sequence[Signed]) -> int:
    """Write the signatures of a shard's texts, the file that makes it whole last; return how many texts it holds."""
    with (folder / name_of(shard, "shingles")).open("wb") as file:
        for part in parts:
            file.write(part.shingles.astype("<u4").tobytes())
    sizes = np.concatenate([np.empty(0, np.int64), *(np.diff(part.offsets) for part in parts)])
    np.save(folder / name_of(shard, "offsets"), np.concatenate([[0], np.cumsum(sizes)]))
    columns = [np.vstack([part.exact, part.lengths, part.bands]) for part in parts]
    writing = folder / f".{name_of(shard)}"
    np.save(writing, np.hstack(columns))
    writing.replace(folder / name_of(shard))
    return len(sizes)


def find(kept: Signatures, near: Near | None, watch: Callable[[int, int], None] = lambda _done, _of: None) -> Found:
    """Return which texts belong together; the arrays stay in the folder of the signatures."""
    equal = _numbers(kept.folder / "equal.npy", len(kept))
    for numbers, owners in kept.columns(_EXACT):
        grouped, groups = _alike(numbers, owners)
        unite(equal, _leaders(grouped, groups), grouped)
    _settle(equal)
    if near is None:
        return Found(roots=equal, equal=equal)
    found = Found(roots=_numbers(kept.folder / "roots.npy", len(kept)), equal=equal)
    found.roots[:] = equal
    sizes = kept.sizes() if near.threshold else np.empty(0, np.int64)
    for band in range(near.bands):
        for numbers, owners in kept.columns(_FIRST_BAND + band):
            here = (numbers != NOTHING) & (equal[owners] == owners)
            _join(found, kept, *_alike(numbers[here], owners[here]), near.threshold, sizes)
        watch(band + 1, near.bands)
    _settle(found.roots)
    return found


def unite(parents: Array, one: Array, other: Array) -> None:
    """Join the clusters of pairs; the first text of what is joined becomes its root."""
    while True:
        one, other = root_of(parents, one), root_of(parents, other)
        apart = one != other
        if not apart.any():
            return
        one, other = one[apart], other[apart]
        np.minimum.at(parents, np.maximum(one, other), np.minimum(one, other))


def root_of(parents: Array, texts: Array) -> Array:
    """Return the roots of texts, and shorten the way to them."""
    roots: Array = parents[texts]
    while True:
        above = parents[roots]
        if (above == roots).all():
            parents[texts] = roots
            return roots
        roots = above


def similarities(one: Array, one_sizes: Array, other: Array, other_sizes: Array) -> Array:
    """Return the Jaccard similarity of pairs of sets; the sets of one side stand one after another."""
    count = len(one_sizes)
    left, right = _numbered(one, one_sizes), _numbered(other, other_sizes)
    both = np.concatenate([left, right])
    both.sort()
    common = np.bincount(_pair(both[1:][both[1:] == both[:-1]]), minlength=count)
    either = np.bincount(_pair(left), minlength=count) + np.bincount(_pair(right), minlength=count) - common
    found: Array = common / np.maximum(either, 1)
    return found


def _alike(numbers: Array, owners: Array) -> tuple[Array, Array]:
    """Return the texts whose number another text has too, by number, and the number of each one's group."""
    order = np.argsort(numbers)
    ordered = numbers[order]
    same = ordered[1:] == ordered[:-1]
    grouped = np.zeros(len(numbers), dtype=bool)
    grouped[1:] |= same
    grouped[:-1] |= same
    begins = np.concatenate([[True], ~same])[: len(numbers)] & grouped
    return owners[order][grouped], (np.cumsum(begins) - 1)[grouped]


def _leaders(texts: Array, groups: Array) -> Array:
    """Return for each text the first text of its group."""
    if not len(texts):
        return texts
    begins = np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]]))
    first = np.minimum.reduceat(texts, begins)
    return np.repeat(first, np.diff(np.concatenate([begins, [len(texts)]])))


def _join(found: Found, kept: Signatures, texts: Array, groups: Array, threshold: float, sizes: Array) -> None:
    """Join texts of a group with its first one where they are similar; the rest try again with the first of the rest."""
    for _round in range(_ROUNDS):
        leaders = _leaders(texts, groups)
        apart = root_of(found.roots, leaders) != root_of(found.roots, texts)
        pairs = Pairs(leaders[apart], texts[apart])
        if not len(pairs.one):
            return
        if not threshold:
            unite(found.roots, *pairs)
            return
        similar = _similar(kept, pairs, threshold, sizes)
        found.compared += len(similar)
        found.unlike += int((~similar).sum())
        unite(found.roots, pairs.one[similar], pairs.other[similar])
        texts, groups = pairs.other[~similar], groups[apart][~similar]


def _similar(kept: Signatures, pairs: Pairs, threshold: float, sizes: Array) -> Array:
    """Return of pairs whether they are similar, some shingles at a time."""
    found = []
    work = np.cumsum(sizes[pairs.one] + sizes[pairs.other])
    begin = 0
    while begin < len(pairs.one):
        done = work[begin - 1] if begin else 0
        end = max(int(np.searchsorted(work, done + _COMPARED, side="right")), begin + 1)
        one, other = pairs.one[begin:end], pairs.other[begin:end]
        found.append(similarities(*kept.shingles(one), *kept.shingles(other)) >= threshold)
        begin = end
    return np.concatenate(found)


def _numbered(values: Array, sizes: Array) -> Array:
    """Return sets as one sorted set of numbers: which pair above, which value below."""
    pairs = np.repeat(np.arange(len(sizes), dtype=np.uint64), sizes)
    found = (pairs << np.uint64(32)) | values
    found.sort()
    return found[np.concatenate([[True], found[1:] != found[:-1]])] if len(found) else found


def _pair(numbers: Array) -> Array:
    found: Array = (numbers >> np.uint64(32)).astype(np.int64)
    return found


def _settle(parents: Array) -> None:
    """Let every text name its root."""
    for begin in range(0, len(parents), _AT_ONCE):
        root_of(parents, np.arange(begin, min(begin + _AT_ONCE, len(parents))))


def _numbers(path: Path, count: int) -> Array:
    """Return 0, 1, 2 … in a file that is mapped, so that the system may take the memory back."""
    found = np.lib.format.open_memmap(path, mode="w+", dtype=np.int64, shape=(count,)) if count else np.empty(0, np.int64)
    for begin in range(0, count, _AT_ONCE):
        found[begin : begin + _AT_ONCE] = np.arange(begin, min(begin + _AT_ONCE, count))
    return found
