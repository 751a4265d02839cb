"""What tasks share about words: which language a text is in, and the tokens that metrics count.

A token is a Chinese character (or kana), or a run of letters or digits, in small letters; marks are no tokens.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any, Literal

from sayso.text.files import opening

Language = Literal["en", "zh"]
CJK = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CJK = re.compile(f"[{CJK}]")
_TOKEN = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")
_LETTER = re.compile(r"[^\W\d_]")


def language_of(text: str) -> Language:
    """Return `zh` where a fifth or more of the letters are Chinese, else `en`: in which language a prompt is worded."""
    letters = len(_LETTER.findall(text))
    return "zh" if letters and len(_CJK.findall(text)) * 5 >= letters else "en"


def has_chinese(text: str) -> bool:
    """Whether a text has a Chinese character."""
    return _CJK.search(text) is not None


def tokens(text: str) -> list[str]:
    """Return the tokens of a text: characters of Chinese, words of other languages."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())


def jieba_tokens(text: str) -> list[str]:
    """Return the tokens of a text, Chinese cut into words by jieba.

    Raises:
        MissingExtraError: jieba is not installed.
    """
    cut = _jieba().lcut(unicodedata.normalize("NFKC", text).casefold())
    return [token for token in cut if _TOKEN.search(token)]


@lru_cache(maxsize=1)
def _jieba() -> Any:
    import logging
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of an old way of finding its own files
        found = opening.extra("jieba", "words of Chinese need the package jieba: pip install 'sayso[zh]'")
    found.setLogLevel(logging.WARNING)
    return found


def stripped(written: str, *labels: str) -> str | None:
    """Return an answer without a label before it (`Summary:`) and without quotes around it; None where nothing is left."""
    text = written.strip()
    for label in labels:
        if text[: len(label)].casefold() == label.casefold() and text[len(label) : len(label) + 1] in (":", "："):
            text = text[len(label) + 1 :].strip()
    pair = text[:1] + text[-1:]
    if len(text) > 2 and pair in ('""', "“”", "「」", "『』") and text.count(pair[0]) == (2 if pair == '""' else 1):
        text = text[1:-1].strip()
    return text or None
