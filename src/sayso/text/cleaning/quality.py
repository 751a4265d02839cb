"""Rules by which the Gopher corpus was filtered: a text passes, or the first rule it breaks is named.

Source: Rae et al. 2021, *Scaling Language Models: Methods, Analysis & Insights from Training Gopher*, arXiv 2112.11446,
appendix A.1.1 (quality filtering, repetition removal) and table A1.
Differs: Chinese and Japanese have no spaces, so words are cut by `sayso.text.words` there. Where most letters are such, the
mean length of words says nothing and is not asked, and the words that every text has are Chinese ones. The share of a run
that is most frequent is counted only when it occurs twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sayso.text import words
from sayso.text.cleaning import repetition
from sayso.text.words import Segmenter

_ELLIPSIS = ("...", "…", ". . .")
_BULLETS = ("•", "-", "*", "●", "‣", "·", "▪", "◦", "–", "○", "■", "□", "▲", "►")
_SYMBOL = re.compile(r"#|\.\.\.|…+|\. \. \.")
_ENGLISH = frozenset(("the", "be", "to", "of", "and", "that", "have", "with"))
_CHINESE = "的是在了有和不我"
_MOSTLY = 0.5
_PARAGRAPHS = re.compile(r"\n{2,}")
_TRIMMED = "\"'“”‘’(),.;:!?"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gopher:
    """Thresholds of the Gopher rules; the source is arXiv 2112.11446, appendix A.1.1, and table A1 for what repeats."""

    words: tuple[int, int] = (50, 100_000)
    """Fewest and most words."""
    word_length: tuple[float, float] = (3.0, 10.0)
    """Bounds of the mean length of a word, in characters."""
    symbols: float = 0.1
    """Most signs `#` and ellipses for each word."""
    bullets: float = 0.9
    """Largest share of lines that begin with a bullet point."""
    ellipses: float = 0.3
    """Largest share of lines that end with an ellipsis."""
    alphabetic: float = 0.8
    """Smallest share of words with a letter in them."""
    usual_words: int = 2
    """How many different ones of the words that every text has (the, be, to, of, and, that, have, with) must be there."""
    lines: float = 0.3
    """Largest share of lines said before."""
    paragraphs: float = 0.3
    """Largest share of paragraphs said before."""
    line_characters: float = 0.2
    """Largest share of characters in lines said before."""
    paragraph_characters: float = 0.2
    """Largest share of characters in paragraphs said before."""
    top_grams: Mapping[int, float] = field(default_factory=lambda: {2: 0.20, 3: 0.18, 4: 0.16})
    """Largest share of characters in the most frequent run of so many words."""
    repeated_grams: Mapping[int, float] = field(
        default_factory=lambda: {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
    )
    """Largest share of characters in runs of so many words said before."""
    segmenter: Segmenter = "pairs"
    """How Chinese words are cut: pairs of characters, or jieba."""


def refusal(text: str, rules: Gopher) -> str | None:
    """Return the first rule that a text breaks, or None."""
    return next(_broken(text, rules), None)


def _broken(text: str, rules: Gopher) -> Iterator[str]:
    found = words.cut(text, rules.segmenter)
    chinese = words.chinese_share(text) > _MOSTLY
    lines = [line for line in text.split("\n") if line.strip()]
    yield from _counts(found, rules, chinese=chinese)
    yield from _forms(text, found, lines, rules, chinese=chinese)
    yield from _repeats(text, found, lines, rules)


def _counts(found: list[str], rules: Gopher, *, chinese: bool) -> Iterator[str]:
    fewest, most = rules.words
    if len(found) < max(1, fewest):
        yield "gopher: too few words"
    elif len(found) > most:
        yield "gopher: too many words"
    mean = sum(map(len, found)) / max(1, len(found))
    if not chinese and mean < rules.word_length[0]:
        yield "gopher: words too short"
    elif not chinese and mean > rules.word_length[1]:
        yield "gopher: words too long"


def _forms(text: str, found: list[str], lines: list[str], rules: Gopher, *, chinese: bool) -> Iterator[str]:
    if len(_SYMBOL.findall(text)) > rules.symbols * len(found):
        yield "gopher: too many symbols"
    if sum(line.lstrip().startswith(_BULLETS) for line in lines) > rules.bullets * len(lines):
        yield "gopher: nearly every line is a bullet point"
    if sum(line.rstrip().endswith(_ELLIPSIS) for line in lines) > rules.ellipses * len(lines):
        yield "gopher: too many lines end in an ellipsis"
    if sum(map(_has_letter, found)) < rules.alphabetic * len(found):
        yield "gopher: too few words with letters"
    if _usual(text, found, chinese=chinese) < rules.usual_words:
        yield "gopher: lacks the words that every text has"


def _repeats(text: str, found: list[str], lines: list[str], rules: Gopher) -> Iterator[str]:
    by_line = repetition.lines([line.strip() for line in lines])
    paragraphs = [part.strip() for part in _PARAGRAPHS.split(text) if part.strip()]
    by_paragraph = repetition.lines(paragraphs)
    if by_line.lines > rules.lines or by_line.line_characters > rules.line_characters:
        yield "gopher: lines repeat"
    if by_paragraph.lines > rules.paragraphs or by_paragraph.line_characters > rules.paragraph_characters:
        yield "gopher: paragraphs repeat"
    tops, repeats = repetition.grams(found, top=list(rules.top_grams), repeated=list(rules.repeated_grams))
    for size, share in tops.items():
        if share > rules.top_grams[size]:
            yield f"gopher: one run of {size} words repeats"
    for size, share in repeats.items():
        if share > rules.repeated_grams[size]:
            yield f"gopher: runs of {size} words repeat"


def _has_letter(word: str) -> bool:
    return word.isalpha() or any(map(str.isalpha, word))


def _usual(text: str, found: list[str], *, chinese: bool) -> int:
    if chinese:
        return sum(sign in text for sign in _CHINESE)
    return len(_ENGLISH.intersection(word.strip(_TRIMMED).lower() for word in found))
