"""What must not happen beside a gain: answers of another length, a comment repeated, text that goes round in circles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from sayso.evaluation.statistics import Interval
from sayso.records import Check, Comment, Outcome

COPIED_WORDS = 5
"""This many words of a comment in a row count as copied."""
MOST = 1000.0
"""No ratio of lengths is said to be larger."""
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+(?:['’][^\W{_CJK}]+)*")
_QUOTED = re.compile(r"[\"“«「『](.+?)[\"”»」』]")


def words(text: str) -> list[str]:
    """Return a text's words in lower case; each Chinese or Japanese character is a word."""
    return _WORD.findall(text.lower())


def length_ratio(found: Sequence[Outcome]) -> float:
    """Return the mean words of the answers after over those before; 1 where there is nothing to compare."""
    before, after = _lengths(found)
    return float(after.sum() / before.sum()) if before.sum() else 1.0


def length_interval(found: Sequence[Outcome], *, level: float) -> Interval:
    """Return the interval of `length_ratio`, by the delta method on its logarithm; (0, `MOST`) on fewer than two answers."""
    before, after = _lengths(found)
    n = len(before)
    if n < 2 or not before.sum() or not after.sum():
        return (0.0, MOST)
    influence = after / after.mean() - before / before.mean()
    half = stats.t.ppf((1 + level) / 2, n - 1) * influence.std(ddof=1) / np.sqrt(n)
    ratio = after.sum() / before.sum()
    return (float(ratio * np.exp(-half)), min(MOST, float(ratio * np.exp(min(half, 100.0)))))


def _lengths(found: Sequence[Outcome]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return (
        np.array([len(words(item.before)) for item in found], dtype=float),
        np.array([len(words(item.after)) for item in found], dtype=float),
    )


def copying(found: Sequence[Outcome], comments: Mapping[str, Comment]) -> float:
    """Return the share of answers that repeat five words of their comment in a row and did not before training.

    Words that the comment quotes or its check asks for are meant to be repeated and do not count.
    """
    if not found:
        return 0.0
    parts = {key: _grams(comment.text) - _wanted(comment) for key, comment in comments.items()}
    copied = [bool(parts.get(item.comment_id, set()) & (_grams(item.after) - _grams(item.before))) for item in found]
    return sum(copied) / len(copied)


def _grams(text: str, size: int = COPIED_WORDS) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[start : start + size]) for start in range(len(found) - size + 1)}


def _wanted(comment: Comment) -> set[tuple[str, ...]]:
    asked = [*_QUOTED.findall(comment.text), *_strings(comment.check)]
    return set().union(*(_grams(text) for text in asked))


def _strings(check: Check | None) -> Iterable[str]:
    values = list(check.args.values()) if check else []
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, str))


def degenerate(text: str) -> bool:
    """Say whether an answer is empty or goes round in circles: of twelve words or more, under half the triples distinct."""
    found = words(text)
    if not found:
        return not text.strip()
    return len(found) >= 12 and len(_grams(text, 3)) < (len(found) - 2) / 2
