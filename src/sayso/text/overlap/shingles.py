"""The words of texts as numbers, many texts at a time: what near duplicates and contamination are counted in.

A word is a run of letters and digits, in lower case, full-width as half-width, accents dropped; whatever else separates. A
character of a script that is written without spaces (Chinese, Japanese, Thai …) is a word of its own. A shingle is a few
consecutive words: it has `Grams.words` of them where it begins with a word, `Grams.characters` where it begins with such a
character. A text with fewer words than that is one shingle, all of it; a text without words has none.

Characters are folded one by one, so that a word knows where it stands in the text as it was given.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

_BREAK, _WORD, _ALONE, _SILENT = 0, 1, 2, 3
"""What a character is: it separates, belongs to a word, is a word, or is not heard (an accent)."""
_KNOWN, _PLANES = 0x20000, 0x34000
"""Below the first, characters are looked up one by one; from there to the second all are Chinese."""
_UNSPACED = (
    (0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF),  # Thai, Lao, Tibetan, Burmese, Khmer
    (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3040, 0x30FF), (0x3105, 0x312F), (0x31A0, 0x31FF),  # kana, radicals, bopomofo
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9D), (0x1B000, 0x1B16F),  # Chinese, half-width kana
)  # fmt: skip
_BASE = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that it has an inverse modulo 2^64: a word's hash is a polynomial in it, read off two running sums."""
_GRAM_BASE = np.uint64(0xD6E8FEB86659FD93)
_AT_ONCE = 1 << 17
"""So many characters are worked on at a time: what belongs to them stays in a processor's cache."""
_BETWEEN = "\n"


class _Piece(NamedTuple):
    """A text or a part of it: whose, and where it begins there."""

    owner: int
    begin: int
    text: str


class Words(NamedTuple):
    """The words of some texts, one after another: W words of D texts."""

    hashes: Array
    """(W,) uint64: equal words have equal numbers."""
    alone: Array
    """(W,) bool: a character of a script without spaces."""
    offsets: Array
    """(D + 1,) int64: where each text's words begin."""
    starts: Array
    """(W,) int64: where a word begins, in characters of its text."""
    ends: Array
    """(W,) int64: where it ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grams:
    """How many words make a shingle."""

    words: int = 5
    """Of words."""
    characters: int = 8
    """Of characters of a script without spaces: five words of Chinese are about eight."""


class Shingles(NamedTuple):
    """The shingles of some texts: N shingles of D texts."""

    hashes: Array
    """(N,) uint64."""
    offsets: Array
    """(D + 1,) int64: where each text's shingles begin."""
    first: Array
    """(N,) int64: the word at which a shingle begins."""


def words_of(texts: Sequence[str]) -> Words:
    """Return the words of texts as numbers; a few characters at a time are worked on, however long a text is."""
    parts = [(batch, *_words(batch)) for batch in _batches(_pieces(texts))]
    counts = np.zeros(len(texts), dtype=np.int64)
    for batch, sizes, *_rest in parts:
        np.add.at(counts, [piece.owner for piece in batch], sizes)
    empty = np.empty(0, dtype=np.int64)
    hashes, alone, starts, ends = (
        np.concatenate([empty.astype(kind), *(part[place] for part in parts)])
        for place, kind in ((2, np.uint64), (3, bool), (4, np.int64), (5, np.int64))
    )
    return Words(hashes, alone, np.concatenate([[0], np.cumsum(counts)]), starts, ends)


def shingles(words: Words, grams: Grams) -> Shingles:
    """Return the shingles of texts from their words."""
    hashes, fits = runs(words, grams.words)
    if grams.characters != grams.words and words.alone.any():
        others, others_fit = runs(words, grams.characters)
        hashes = np.where(words.alone, others, hashes)
        fits = np.where(words.alone, others_fit, fits)
    sizes = np.diff(words.offsets)
    running = np.concatenate([[0], np.cumsum(fits)])
    counts = running[words.offsets[1:]] - running[words.offsets[:-1]]
    short = np.flatnonzero((counts == 0) & (sizes > 0))
    if len(short):
        first = words.offsets[short]
        hashes[first] = _whole(words, short)
        fits[first] = True
        counts[short] = 1
    first = np.flatnonzero(fits)
    return Shingles(mixed(hashes[first]), np.concatenate([[0], np.cumsum(counts)]), first)


def runs(words: Words, length: int) -> tuple[Array, Array]:
    """Return a hash of the `length` words from each word on, and whether they all belong to its text."""
    count = len(words.hashes)
    hashes = np.zeros(count, dtype=np.uint64)
    fits = np.zeros(count, dtype=bool)
    whole = count - length + 1
    if whole > 0:
        hashes[:whole] = words.hashes[:whole]
        for place in range(1, length):
            hashes[:whole] *= _GRAM_BASE
            hashes[:whole] += words.hashes[place : place + whole]
    sizes = np.diff(words.offsets)
    ends = np.repeat(words.offsets[1:], sizes)
    fits = np.arange(count) + length <= ends
    return hashes, fits


def jaccard(one: Array, other: Array) -> float:
    """Return the share of shingles that two texts have in common; two texts without any have nothing in common."""
    either = len(np.union1d(one, other))
    return len(np.intersect1d(one, other)) / either if either else 0.0


def _pieces(texts: Sequence[str]) -> Iterator[_Piece]:
    """Yield every text, a long one in pieces that end at a space where there is one."""
    for owner, text in enumerate(texts):
        begin = 0
        while len(text) - begin > _AT_ONCE:
            cut = text.rfind(" ", begin + _AT_ONCE // 2, begin + _AT_ONCE) + 1 or begin + _AT_ONCE
            yield _Piece(owner, begin, text[begin:cut])
            begin = cut
        yield _Piece(owner, begin, text[begin:] if begin else text)


def _batches(pieces: Iterable[_Piece]) -> Iterator[list[_Piece]]:
    batch: list[_Piece] = []
    size = 0
    for piece in pieces:
        if batch and size + len(piece.text) >= _AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append(piece)
        size += len(piece.text) + 1
    if batch:
        yield batch


def _words(batch: Sequence[_Piece]) -> tuple[Array, Array, Array, Array, Array]:
    """Return how many words each piece of a batch has, then of each word its hash, kind and place."""
    lengths = np.fromiter((len(piece.text) for piece in batch), dtype=np.int64, count=len(batch))
    begins = np.concatenate([[0], np.cumsum(lengths + 1)])
    kinds, numbers = _looked_up(_BETWEEN.join(piece.text for piece in batch) + _BETWEEN)
    heard = None
    if (kinds == _SILENT).any():
        heard = np.flatnonzero(kinds != _SILENT)
        kinds, numbers = kinds[heard], numbers[heard]
    starts, ends = _edges(kinds)
    hashes = _polynomials(numbers, starts, ends)
    alone = kinds[starts] == _ALONE
    if heard is not None:
        starts, ends = heard[starts], heard[ends - 1] + 1
    sizes = np.diff(np.searchsorted(starts, begins))
    shift = np.repeat(begins[:-1] - np.fromiter((piece.begin for piece in batch), np.int64, len(batch)), sizes)
    return sizes, hashes, alone, starts - shift, ends - shift


def _looked_up(joined: str) -> tuple[Array, Array]:
    """Return of every character its kind and its number."""
    kinds, numbers = _tables()
    if joined.isascii():
        characters: Array = np.frombuffer(joined.encode("ascii"), dtype=np.uint8)
        return kinds[:128][characters], numbers[:128][characters]
    wide = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    characters = np.minimum(wide, _PLANES)
    return kinds[characters], numbers[characters]


def _edges(kinds: Array) -> tuple[Array, Array]:
    """Return where words begin and end; the last character always separates."""
    inside = kinds == _WORD
    change = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    if inside[0]:
        change = np.concatenate([[0], change])
    starts, ends = change[::2], change[1::2]
    single = np.flatnonzero(kinds == _ALONE)
    if not len(single):
        return starts, ends
    starts, ends = np.concatenate([starts, single]), np.concatenate([ends, single + 1])
    order = np.argsort(starts, kind="stable")
    return starts[order], ends[order]


def _polynomials(numbers: Array, starts: Array, ends: Array) -> Array:
    """Return a hash of each stretch of numbers: the sum of number times base to its place in the stretch."""
    powers, inverses = _powers()
    running = np.empty(len(numbers) + 1, dtype=np.uint64)
    running[0] = 0
    np.cumsum(numbers * powers[: len(numbers)], out=running[1:])
    found: Array = mixed((running[ends] - running[starts]) * inverses[starts])
    return found


def _whole(words: Words, texts: Array) -> Array:
    """Return a hash of all the words of some texts, which have few."""
    begin, end = words.offsets[texts], words.offsets[texts + 1]
    found = words.hashes[begin].copy()
    for place in range(1, int((end - begin).max())):
        more = begin + place < end
        found[more] = found[more] * _GRAM_BASE + words.hashes[begin[more] + place]
    return found


def mixed(numbers: Array) -> Array:
    """Spread every bit over all of them (the last steps of SplitMix64, Steele and others 2014)."""
    found: Array = numbers ^ (numbers >> np.uint64(30))
    found *= np.uint64(0xBF58476D1CE4E5B9)
    found ^= found >> np.uint64(27)
    found *= np.uint64(0x94D049BB133111EB)
    found ^= found >> np.uint64(31)
    return found


@cache
def _powers() -> tuple[Array, Array]:
    count = 2 * _AT_ONCE
    powers = np.full(count, _BASE, dtype=np.uint64)
    inverses = np.full(count, pow(int(_BASE), -1, 1 << 64), dtype=np.uint64)
    powers[0] = inverses[0] = 1
    return np.cumprod(powers), np.cumprod(inverses)


@cache
def _tables() -> tuple[Array, Array]:
    """Return of every character its kind and the number of what it is folded to; the last entry is for all beyond."""
    kinds = np.zeros(_PLANES + 1, dtype=np.uint8)
    folded = np.arange(_PLANES + 1, dtype=np.uint64)
    for code in range(_KNOWN):
        character = _folded(chr(code))
        folded[code] = ord(character)
        kinds[code] = _kind(character)
    kinds[_KNOWN:_PLANES] = _ALONE
    return kinds, mixed(folded * _BASE + np.uint64(1))


def _folded(character: str) -> str:
    """Return a character in lower case, its wide form as its usual one, without its accents, where that is one character."""
    plain = unicodedata.normalize("NFKD", character)
    bare = "".join(part for part in plain if unicodedata.category(part) != "Mn")
    if not ("\uac00" <= character <= "\ud7a3" or "\u3040" <= character <= "\u30ff") and len(bare) == 1:
        character = bare
    lower = character.lower()
    return lower if len(lower) == 1 else character


def _kind(character: str) -> int:
    code = ord(character)
    category = unicodedata.category(character)
    if any(first <= code <= last for first, last in _UNSPACED):
        return _ALONE if category[0] in "LN" else _SILENT if category[0] == "M" else _BREAK
    if category[0] in "LN" or category == "Mc":
        return _WORD
    return _SILENT if category in {"Mn", "Me", "Cf"} else _BREAK
