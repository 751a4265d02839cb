"""Texts of evaluation sets in training text: found by runs of words they share, and dropped or cut out.

Source: Brown and others 2020, Language Models are Few-Shot Learners (arXiv 2005.14165), appendix C: runs of 13 words, in
lower case and without punctuation; a match is removed with 200 characters on each side, pieces shorter than 200 characters
are discarded, and a document that falls into more than 10 pieces is discarded whole.

Differs: characters of a script without spaces are counted one by one, 20 of them make a run (13 words of Chinese are about
that many); an item with fewer words than a run, but no fewer than `shortest`, is looked for whole; and words that more than
`common` items of one set share are that set's own wording (an instruction, a form), and are not looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from sayso.errors import SettingsError
from sayso.text.files.streams import TEXT
from sayso.text.overlap.shingles import Array, Grams, Words, runs, words_of

_TABLE_BITS = 22
"""Of the table that says of most runs at once that no evaluation set has them."""
_ITEMS_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlap:
    """What counts as contamination, and what is done about it."""

    grams: Grams = field(default_factory=lambda: Grams(words=13, characters=20))
    """How long a run of words is that no two texts have in common by chance."""
    shortest: Grams = field(default_factory=lambda: Grams(words=8, characters=12))
    """A shorter item of an evaluation set is looked for whole, if it has at least so many words."""
    common: int = 10
    """Words that more than so many items of one set share are not looked for."""
    fields: tuple[str, ...] = (TEXT,)
    """The fields with text of the training data; where a record has turns in `messages`, their contents are its text."""
    split: str = "test"
    """Which split of an evaluation set that is named as Hugging Face names it."""
    action: Literal["drop", "cut"] = "drop"
    """Drop a document that shares a run, or cut the run out of it; what has turns or several fields is always dropped."""
    window: int = 200
    """With cut: so many characters on each side of a run go too."""
    piece: int = 200
    """With cut: a piece with fewer characters is dropped."""
    pieces: int = 10
    """With cut: a document that falls into more pieces is dropped."""

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        for name in ("common", "pieces"):
            if getattr(self, name) < 1:
                raise SettingsError("{name}: found {found!r}; expected 1 or more", name=name, found=getattr(self, name))
        for name in ("window", "piece"):
            if getattr(self, name) < 0:
                raise SettingsError("{name}: found {found!r}; expected 0 or more", name=name, found=getattr(self, name))


class Item(NamedTuple):
    """One item of an evaluation set: the set's name, where it stands, and its texts."""

    set: str
    where: str
    texts: Sequence[str]


class Hit(NamedTuple):
    """A run of words that a text shares with an item."""

    text: int
    """Which text."""
    start: int
    """Where the run begins in it, in characters."""
    end: int
    item: int
    """Which item of the index has it, the first of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """The runs of words of evaluation sets."""

    overlap: Overlap
    hashes: Array
    """(N,) uint64, in order."""
    items: Array
    """(N,) int64: the first item that has it."""
    lengths: tuple[tuple[bool, int], ...]
    """Which runs there are: whether of characters, and of how many words."""
    names: tuple[tuple[str, str], ...]
    """Of every item its set and where it stands."""
    short: dict[str, int]
    """How many items of each set are too short to be looked for."""
    table: Array

    def hits(self, texts: Sequence[str]) -> list[Hit]:
        """Return the runs that texts share with items, in order."""
        words = words_of(texts)
        found = [hit for alone, length in self.lengths for hit in self._of_length(words, alone=alone, length=length)]
        return sorted(set(found))

    def _of_length(self, words: Words, *, alone: bool, length: int) -> Iterator[Hit]:
        hashes, fits = runs(words, length)
        maybe = np.flatnonzero(fits & (words.alone == alone) & self.table[hashes >> np.uint64(64 - _TABLE_BITS)])
        places = np.searchsorted(self.hashes, hashes[maybe])
        places[places == len(self.hashes)] = 0
        really = self.hashes[places] == hashes[maybe]
        first, items = maybe[really], self.items[places[really]]
        owners = np.searchsorted(words.offsets, first, side="right") - 1
        for owner, word, item in zip(owners.tolist(), first.tolist(), items.tolist(), strict=True):
            yield Hit(owner, int(words.starts[word]), int(words.ends[word + length - 1]), item)


def index(items: Iterable[Item], overlap: Overlap) -> Index:
    """Return what is to be looked for.

    Raises:
        SettingsError: no item of the sets has a run of words that could be looked for.
    """
    hashes, owners, sets = [], [], []
    names: list[tuple[str, str]] = []
    lengths: set[tuple[bool, int]] = set()
    short: dict[str, int] = {}
    numbers: dict[str, int] = {}
    for batch in _batched(items):
        long_enough = np.zeros(len(batch), dtype=bool)
        for found, length, kind, owner in _runs_of(batch, overlap):
            hashes.append(found)
            owners.append(owner + len(names))
            lengths |= {(kind, length)}
            long_enough[owner] = True
        sets += [numbers.setdefault(item.set, len(numbers)) for item in batch]
        names += [(item.set, item.where) for item in batch]
        for item, enough in zip(batch, long_enough.tolist(), strict=True):
            short[item.set] = short.get(item.set, 0) + (not enough)
    if not hashes:
        raise SettingsError(
            "the evaluation sets hold nothing to look for: no item of {num} has {words} words or {characters} characters",
            num=len(names), words=min(overlap.shortest.words, overlap.grams.words),
            characters=min(overlap.shortest.characters, overlap.grams.characters),
        )  # fmt: skip
    kept, first = _own(np.concatenate(hashes), np.concatenate(owners), np.asarray(sets), overlap.common)
    table = np.zeros(1 << _TABLE_BITS, dtype=bool)
    table[kept >> np.uint64(64 - _TABLE_BITS)] = True
    return Index(
        overlap=overlap, hashes=kept, items=first, lengths=tuple(sorted(lengths)), names=tuple(names), short=short,
        table=table,
    )  # fmt: skip


def strings_in(value: Any) -> Iterator[str]:
    """Yield every string in a record, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings_in(inner)


def pieces(text: str, hits: Iterable[Hit], overlap: Overlap) -> list[str]:
    """Return what is left of a text when its hits are cut out; nothing when it fell into too many pieces."""
    found, begin, left = [], 0, 0
    for start, end in _merged((hit.start - overlap.window, hit.end + overlap.window) for hit in hits):
        found.append(text[begin : max(start, 0)])
        begin, left = end, left + 1
    found.append(text[begin:])
    apart = [piece for piece in found if piece.strip()]
    if left and len(apart) > overlap.pieces:
        return []
    return [piece for piece in apart if len(piece) >= overlap.piece] if left else apart


def _merged(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _batched(items: Iterable[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == _ITEMS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _runs_of(batch: Sequence[Item], overlap: Overlap) -> Iterator[tuple[Array, int, bool, Array]]:
    """Yield the runs to look for: hashes, how many words they have, whether they are of characters, whose they are."""
    owners = np.array([number for number, item in enumerate(batch) for _text in item.texts], dtype=np.int64)
    words = words_of([text for item in batch for text in item.texts])
    texts = np.repeat(np.arange(len(owners)), np.diff(words.offsets))
    sizes = np.diff(words.offsets)
    for alone, full, least in (
        (False, overlap.grams.words, overlap.shortest.words),
        (True, overlap.grams.characters, overlap.shortest.characters),
    ):
        for length in range(min(least, full), full + 1):
            hashes, fits = runs(words, length)
            here = fits & (words.alone == alone)
            if length < full:
                whole = np.zeros(len(here), dtype=bool)
                whole[words.offsets[:-1][sizes == length]] = True
                here &= whole
            if here.any():
                yield hashes[here], length, alone, owners[texts[here]]


def _own(hashes: Array, owners: Array, sets: Array, common: int) -> tuple[Array, Array]:
    """Return each run once with the first item that has it, without those that many items of one set share."""
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    pairs = np.concatenate([[True], (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])])
    hashes, owners = hashes[pairs], owners[pairs]
    begins = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
    run = np.repeat(np.arange(len(begins)), np.diff(np.concatenate([begins, [len(hashes)]])))
    most = np.zeros(len(begins), dtype=np.int64)
    for number in range(int(sets.max()) + 1):
        most = np.maximum(most, np.bincount(run[sets[owners] == number], minlength=len(begins)))
    rare = most <= common
    return hashes[begins][rare], owners[begins][rare]
