"""Rules by which the Colossal Clean Crawled Corpus was made: of a page only its sentences stay, or it is dropped.

Source: Raffel et al. 2020, *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer*, arXiv
1910.10683, section 2.2.
Differs: the list of bad words is none of ours (`bad_words` names a file of them); repeated spans of three sentences are
`sayso data dedup`'s; the language is the setting `language`'s. Chinese sentences end with 。！？… or a closing quote, and
words are cut by `sayso.text.words`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sayso.errors import NotFoundError
from sayso.text import words
from sayso.text.words import Segmenter

_ENDS = (".", "!", "?", '"', "”", "。", "！", "？", "…", "」", "』", "’")
_ELLIPSES = ("...", "......")
_SENTENCE = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s|$)|[。！？…]+")
_POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
_CITATIONS = re.compile(r"\[(?:\d{1,3}|edit|citation needed)\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class C4:
    """Thresholds of the C4 rules; the source is arXiv 1910.10683, section 2.2."""

    line_words: int = 5
    """Fewest words of a line that stays."""
    sentences: int = 3
    """Fewest sentences of a page."""
    ends: bool = True
    """Whether a line must end with a mark that ends a sentence."""
    curly: bool = True
    """Whether a page with a curly bracket is dropped, since it is a program."""
    citations: bool = True
    """Whether marks such as [1] and [citation needed] are taken out."""
    bad_words: str | None = None
    """A file of words, one a line; a page with one of them is dropped."""
    segmenter: Segmenter = "pairs"
    """How Chinese words are cut: pairs of characters, or jieba."""


def sentences_only(text: str, rules: C4) -> str:
    """Return a text without the lines that are no sentences."""
    if rules.citations and "[" in text:
        text = _CITATIONS.sub("", text)
    return "\n".join(line for line in text.split("\n") if _stays(line.strip(), rules))


def refusal(text: str, rules: C4) -> str | None:
    """Return the first rule that a page breaks, or None; its lines were looked at before."""
    low = text.lower()
    if "lorem ipsum" in low:
        return "c4: lorem ipsum"
    if rules.curly and "{" in text:
        return "c4: a curly bracket"
    if rules.bad_words and _bad(rules.bad_words).search(low):
        return "c4: a bad word"
    if rules.sentences and sum(1 for _ in _SENTENCE.finditer(text)) < rules.sentences:
        return "c4: too few sentences"
    return None


def _stays(line: str, rules: C4) -> bool:
    if rules.ends and (not line.endswith(_ENDS) or line.endswith(_ELLIPSES)):
        return False
    low = line.lower()
    if "javascript" in low or any(policy in low for policy in _POLICIES):
        return False
    return len(words.cut(line, rules.segmenter)) >= rules.line_words


@cache
def _bad(name: str) -> re.Pattern[str]:
    try:
        found = [line.strip().lower() for line in Path(name).read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise NotFoundError("quality.c4.bad_words: there is no file {path!r}; check the path", path=name) from error
    every = "|".join(rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word) for word in found)
    return re.compile(every or r"(?!)")
