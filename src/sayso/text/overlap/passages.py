"""Passages of texts, so that one that stands in many texts is kept once: lines, paragraphs, or runs of sentences.

Source: Raffel and others 2020, Exploring the Limits of Transfer Learning (arXiv 1910.10683), §2.2: of any span of three
sentences that occurs more than once in the data set, all but one are discarded.

Differs: a text with fewer sentences than a span is one span; sentences end at . ! ? before a space, and at 。！？ and line
ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sayso.errors import SettingsError

_ENDS = {
    "line": re.compile(r"\n"),
    "paragraph": re.compile(r"\n[^\S\n]*\n\s*"),
    "sentences": re.compile(r"""[.!?…]+["'”’)\]]*\s+|[。！？…]+[”’」』）)]*\s*|\n\s*"""),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Passages:
    """What a passage is."""

    unit: Literal["line", "paragraph", "sentences"] = "sentences"
    sentences: int = 3
    """With unit: sentences, so many of them in a row are a passage."""
    shortest: int = 20
    """Lines and paragraphs with fewer characters are left alone: a brace, a chorus, a page number."""

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if self.sentences < 1:
            raise SettingsError("sentences: found {found!r}; expected 1 or more", found=self.sentences)


def cut(text: str, unit: str) -> list[tuple[int, int]]:
    """Return where the units of a text stand, with what separates them from the next; nothing of the text is left out."""
    ends = [match.end() for match in _ENDS[unit].finditer(text)]
    if not ends or ends[-1] < len(text):
        ends.append(len(text))
    return list(zip([0, *ends[:-1]], ends, strict=True)) if text else []


def forms(text: str, passages: Passages) -> list[str]:
    """Return the passages of a text that count; `left` takes them in this order."""
    units = cut(text, passages.unit)
    return [text[units[first][0] : units[last][1]] for first, last in _counted(text, units, passages)]


def left(text: str, passages: Passages, seen: Sequence[bool]) -> str:
    """Return a text without the passages that were seen before, in the order of `forms`."""
    if not any(seen):
        return text
    units = cut(text, passages.unit)
    gone: set[int] = set()
    for (first, last), before in zip(_counted(text, units, passages), seen, strict=True):
        if before:
            gone.update(range(first, last + 1))
    return "".join(text[begin:end] for number, (begin, end) in enumerate(units) if number not in gone)


def _counted(text: str, units: Sequence[tuple[int, int]], passages: Passages) -> list[tuple[int, int]]:
    """Return the first and the last unit of each passage that counts."""
    if passages.unit == "sentences":
        spoken = [number for number, (begin, end) in enumerate(units) if text[begin:end].strip()]
        length = min(passages.sentences, len(spoken))
        return [(spoken[at], spoken[at + length - 1]) for at in range(len(spoken) - length + 1)] if spoken else []
    return [
        (number, number) for number, (begin, end) in enumerate(units) if len(text[begin:end].strip()) >= passages.shortest
    ]
