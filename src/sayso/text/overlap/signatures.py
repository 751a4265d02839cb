"""Short signatures of texts, by which equal and nearly equal ones are found without comparing every pair.

Equal: a hash of the text in its normal form (NFKC, each run of white space one space, none at the ends). Nearly equal:
MinHash over shingles (Broder 1997), cut into bands (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, §3.4): two
texts whose shingles have the Jaccard similarity s share a band with the chance `chance(s)`, which is 1 - (1 -
s^rows)^bands. The signatures are rensa's, a Rust library; what is written here is what goes in and what is done with what
comes out.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from sayso.errors import SettingsError
from sayso.text.files import opening
from sayso.text.overlap.shingles import Array, Grams, mixed, shingles, words_of

NOTHING = np.uint64(0)
"""The band of a text without words: it is like no other."""
_AT_ONCE = 1024
"""So many signatures leave the library at a time: it hands them over as lists of numbers, which take room."""
_FOLD = np.uint64(0xA0761D6478BD642F)


@dataclass(frozen=True, kw_only=True, slots=True)
class Near:
    """When two texts are nearly equal."""

    grams: Grams = field(default_factory=Grams)
    """What of two texts is compared."""
    bands: int = 16
    """Bands of a signature: more find more pairs, and more that are not similar."""
    rows: int = 8
    """Hashes in a band: more of them find fewer pairs that are not similar, and fewer that are."""
    threshold: float = 0.7
    """Pairs that share a band are compared, and are duplicates from this Jaccard similarity of their shingles on; 0 takes
    every pair that shares a band, without comparing."""
    seed: int = 1
    """Of the hash functions."""

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        for name in ("bands", "rows"):
            if getattr(self, name) < 1:
                raise SettingsError("{name}: found {found!r}; expected 1 or more", name=name, found=getattr(self, name))
        if not 0 <= self.threshold <= 1:
            raise SettingsError("threshold: found {found!r}; expected a share between 0 and 1", found=self.threshold)

    def chance(self, similarity: float) -> float:
        """Return the chance that two texts of this Jaccard similarity share a band."""
        return float(1 - (1 - similarity**self.rows) ** self.bands)


class Signed(NamedTuple):
    """The signatures of D texts."""

    exact: Array
    """(D,) uint64: of the normal form."""
    lengths: Array
    """(D,) uint64: characters."""
    bands: Array
    """(bands, D) uint64; empty when only equal texts are looked for."""
    shingles: Array
    """(N,) uint32: the shingles of the texts one after another; empty when pairs are not compared."""
    offsets: Array
    """(D + 1,) int64: where those of each text begin."""


def sign(texts: Sequence[str], near: Near | None) -> Signed:
    """Return the signatures of texts; without `near` only what shows which are equal.

    Raises:
        MissingExtraError: rensa is not installed.
    """
    exact = np.fromiter(map(normal_hash, texts), dtype=np.uint64, count=len(texts))
    lengths = np.fromiter(map(len, texts), dtype=np.uint64, count=len(texts))
    if near is None:
        nothing = np.zeros(len(texts) + 1, dtype=np.int64)
        return Signed(exact, lengths, np.empty((0, len(texts)), np.uint64), np.empty(0, np.uint32), nothing)
    found = shingles(words_of(texts), near.grams)
    bands = _bands(found.hashes, found.offsets, near)
    if not near.threshold:
        return Signed(exact, lengths, bands, np.empty(0, np.uint32), np.zeros(len(texts) + 1, dtype=np.int64))
    return Signed(exact, lengths, bands, (found.hashes >> np.uint64(32)).astype(np.uint32), found.offsets)


def normal_hash(text: str) -> int:
    """Return a hash of a text in its normal form; equal texts have equal hashes."""
    form = text if text.isascii() else unicodedata.normalize("NFKC", text)
    digest = hashlib.blake2b(" ".join(form.split()).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "little")


def version() -> str:
    """Return which signatures these are: those of another version cannot be compared with them."""
    return f"rensa R-MinHash {_rensa().RMinHash.ALGORITHM_VERSION}"


def _rensa() -> Any:
    return opening.extra("rensa", "near duplicates need the package rensa: pip install 'sayso[data]'")


def _bands(hashes: Array, offsets: Array, near: Near) -> Array:
    """Return of every band of every text one number."""
    count = len(offsets) - 1
    found = np.empty((near.bands, count), dtype=np.uint64)
    for begin in range(0, count, _AT_ONCE):
        some = offsets[begin : begin + _AT_ONCE + 1]
        found[:, begin : begin + len(some) - 1] = _folded(hashes[some[0] : some[-1]], some - some[0], near)
    return found


def _folded(hashes: Array, offsets: Array, near: Near) -> Array:
    matrix = _rensa().RMinHash.digest_matrix_from_flat_token_hashes(
        hashes, offsets.astype(np.uint64), near.bands * near.rows, near.seed
    )
    slots = np.array(matrix.to_rows(), dtype=np.uint32).reshape(len(offsets) - 1, near.bands, near.rows)
    found = np.zeros(slots.shape[:2], dtype=np.uint64)
    for row in range(near.rows):
        found = mixed(found * _FOLD + slots[:, :, row] + np.uint64(1))
    found[found == NOTHING] = 1
    found[offsets[1:] == offsets[:-1]] = NOTHING
    return found.T
