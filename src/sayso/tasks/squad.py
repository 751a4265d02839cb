"""How answers to questions on a passage are scored: exact match and F1, as SQuAD does, and as CMRC does for Chinese."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from difflib import SequenceMatcher

from sayso.tasks.wording import CJK

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_MARKS = frozenset(string.punctuation)
_PIECES = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")


def normal(text: str) -> str:
    """Return an English answer in small letters, without marks, articles and double spaces (SQuAD 1.1, arXiv 1606.05250)."""
    bare = "".join(char for char in text.lower() if char not in _MARKS)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact(said: str, right: str) -> bool:
    """Whether two English answers are the same."""
    return normal(said) == normal(right)


def f1(said: str, right: str) -> float:
    """Return the harmonic mean of precision and recall over words."""
    ours, theirs = normal(said).split(), normal(right).split()
    return _harmonic(sum((Counter(ours) & Counter(theirs)).values()), len(ours), len(theirs))


def normal_zh(text: str) -> str:
    """Return a Chinese answer in small letters, without marks and spaces (CMRC 2018, arXiv 1810.07366)."""
    return "".join(char for char in text.lower() if not (char.isspace() or unicodedata.category(char)[0] in "PS"))


def exact_zh(said: str, right: str) -> bool:
    """Whether two Chinese answers are the same."""
    return normal_zh(said) == normal_zh(right)


def f1_zh(said: str, right: str) -> float:
    """Return F1 over the longest common run of tokens: a Chinese character is one, a word or number of other letters too.

    As CMRC's script, which cuts words of other letters by NLTK and so differs on a few of them.
    """
    ours, theirs = _PIECES.findall(said.lower()), _PIECES.findall(right.lower())
    common = SequenceMatcher(None, ours, theirs, autojunk=False).find_longest_match().size
    return _harmonic(common, len(ours), len(theirs))


def _harmonic(common: int, ours: int, theirs: int) -> float:
    if not ours or not theirs:
        return float(ours == theirs)
    return 2 * common / (ours + theirs)
