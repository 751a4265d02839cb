"""How much of a text repeats itself: lines, paragraphs, and runs of words.

Source: Rae et al. 2021, *Scaling Language Models: Methods, Analysis & Insights from Training Gopher*, arXiv 2112.11446,
appendix A.1.1, table A1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeated:
    """Shares of a text that were said before in it."""

    lines: float
    """Of its lines."""
    line_characters: float
    """Of its characters, in such lines."""


def lines(parts: Sequence[str]) -> Repeated:
    """Return how much of lines, or of paragraphs, stood there before; the first time does not count."""
    seen: set[str] = set()
    again = characters = 0
    for part in parts:
        if part in seen:
            again, characters = again + 1, characters + len(part)
        seen.add(part)
    whole = sum(map(len, parts))
    return Repeated(lines=again / len(parts) if parts else 0.0, line_characters=characters / whole if whole else 0.0)


def grams(words: Sequence[str], *, top: Sequence[int], repeated: Sequence[int]) -> tuple[dict[int, float], dict[int, float]]:
    """Return shares of the characters of words, by the length of runs of words.

    The first: within the run that is most frequent (nothing where none occurs twice). The second: within runs that stood
    there before; a character in several such runs counts once, and the first time does not count.
    """
    lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    whole = int(lengths.sum())
    tops, repeats = dict(zip(top, repeat(0.0))), dict(zip(repeated, repeat(0.0)))
    if not whole:
        return tops, repeats
    one = _numbered(words)
    base = int(one.max()) + 1
    runs = one
    for size in range(2, max((*top, *repeated)) + 1):
        if len(words) < size:
            break
        _, first, runs, counts = np.unique(
            runs[:-1] * base + one[size - 1 :], return_index=True, return_inverse=True, return_counts=True
        )
        if len(counts) == len(runs):
            break  # no run of this size occurs twice, so no longer one does
        if size in tops:
            tops[size] = _top(lengths, first, counts, size) / whole
        if size in repeats:
            repeats[size] = _covered(lengths, first, len(runs), size) / whole
    return tops, repeats


def _numbered(words: Sequence[str]) -> np.ndarray:
    numbers: dict[str, int] = {}
    return np.fromiter((numbers.setdefault(word, len(numbers)) for word in words), dtype=np.int64, count=len(words))


def _top(lengths: np.ndarray, first: np.ndarray, counts: np.ndarray, size: int) -> int:
    """Return the characters in the most frequent run, the longest of several."""
    ends = np.concatenate(([0], np.cumsum(lengths)))
    most = int(counts.max())
    at = first[counts == most]
    return most * int((ends[at + size] - ends[at]).max())


def _covered(lengths: np.ndarray, first: np.ndarray, runs: int, size: int) -> int:
    """Return the characters of words that lie in a run that is not the first of its kind."""
    again = np.ones(runs, dtype=np.int64)
    again[first] = 0
    steps = np.zeros(len(lengths) + 1, dtype=np.int64)
    steps[:runs] += again
    steps[size : size + runs] -= again
    return int(lengths[np.cumsum(steps)[:-1] > 0].sum())
