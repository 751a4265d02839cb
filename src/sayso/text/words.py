"""Words of a text, where a rule or a metric counts them: between spaces, and in Chinese and Japanese by pairs or by jieba.

Chinese has no spaces. Without a segmenter two characters count as one word, cut anew after every mark: the mean length of a
word in running Chinese is between one and two characters, so that thresholds in words keep about their meaning. With
`segmenter="jieba"` (the extra `zh`) words are jieba's.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Literal

from sayso.text.files import opening

Segmenter = Literal["pairs", "jieba"]
_HAN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
_MARKS = "\u2018-\u201f\u2026\u3001-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
_RUN = re.compile(f"[{_HAN}]+|[^\\s{_HAN}{_MARKS}]+")
_PAIR = re.compile(f"[{_HAN}]{{1,2}}|[^\\s{_HAN}{_MARKS}]+")
_HAN_ONE = re.compile(f"[{_HAN}]")


def cut(text: str, segmenter: Segmenter = "pairs") -> list[str]:
    """Return the words of a text: what stands between spaces, with its marks; Chinese ones without theirs.

    Raises:
        MissingExtraError: jieba is asked for and not installed.
    """
    if segmenter == "pairs" or not _HAN_ONE.search(text):
        return text.split() if text.isascii() else _PAIR.findall(text)
    jieba = _jieba()
    return [word for run in _RUN.findall(text) for word in (jieba.lcut(run, HMM=False) if _HAN_ONE.match(run) else (run,))]


def chinese_share(text: str) -> float:
    """Return which share of the letters is Chinese or Japanese."""
    if text.isascii():
        return 0.0
    letters = sum(letter.isalpha() for letter in text)
    return len(_HAN_ONE.findall(text)) / letters if letters else 0.0


@cache
def _jieba() -> Any:
    import logging
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports pkg_resources where that is there, which warns
        found = opening.extra("jieba", "words of Chinese by jieba need the package: pip install 'sayso[zh]'")
    found.setLogLevel(logging.WARNING)
    return found
