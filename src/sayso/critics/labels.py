"""Comments on a classifier's answer: which class they name, and which words of the text they mark.

"negative: 'could have been great' is irony" names the class and marks the words it rests on. A class counts as named only
where it stands where a class is named; what is merely said of the text is not guessed at. Of a comment that names none, a
classifier of comments may say which one it means, or whether it finds the answer right: with two classes that is enough.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sayso.errors import ModelError
from sayso.i18n import gettext as _
from sayso.records import Comment, Prompt, Refinement, Rejection, Response, praises

if TYPE_CHECKING:
    from pathlib import Path

    from sayso.models.labelling import Labeller

GOOD, BAD = "good", "bad"
"""The classes of a classifier that reads polarity."""
SURE = 0.5
"""The least probability at which a class counts as meant."""
_OPEN, _CLOSE = "'\"“‘«「『《`", "'\"”’»」』》`"
_QUOTED = re.compile(
    r"(?<!\w)'([^'\n]+?(?:'\w[^'\n]*?)*)'(?!\w)|\"([^\"\n]+)\"|“([^”\n]+)”|(?<!\w)‘([^\n]+?)’(?!\w)"
    r"|«([^»\n]+)»|「([^」\n]+)」|『([^』\n]+)』|`([^`\n]+)`"
)
_END = r"(?=\s*(?:$|[.,;:!?。，；：！？)）—–-]|because\b|since\b|as\b|not\b|rather\b|instead\b|因|吧|才|而?不是))"
_BEFORE = (
    r"(?:should|must|ought\s+to|needs\s+to|has\s+to)\s+(?:have\s+been|be|read|say)\s+"
    r"(?:(?:labell?ed|classified|marked|tagged|rated|called)\s+)?(?:as\s+)?(?:an?\s+|the\s+)?",
    r"(?:correct|right|true|proper|actual)\s+(?:label|class|category|answer)\s*(?:is|would\s+be|should\s+be|:|=)?\s*",
    r"\b(?:label|class|category)\s*(?:is|[:=])\s*",
    r"\bnot\s+\S+?,?\s+but\s+(?:an?\s+)?",
    r"^(?:no\s*,\s*)?(?:this|it|that|the\s+(?:text|review|sentence))(?:\s+is|'s)\s+"
    r"(?:(?:really|actually|clearly|in\s+fact|in\s+truth|rather)\s+)?(?:an?\s+)?",
    r"(?:应该|应当|应|该|须|必须)(?:是|为|判为|判成|标为|标成|归为|归入|算|算作|属于|改为|改成)\s*",
    r"(?:改为|改成|改判为|标为|判为|归为)\s*",
    r"(?<!不)(?:正确|真正)的?(?:标签|类别|分类|答案)?\s*(?:是|为|应为|[：:])\s*",
    r"(?:标签|类别|分类)\s*(?:是|为|应为|[：:])\s*",
    r"不是\s*\S+?[，,、]?\s*(?:而)?是\s*",
    r"^(?:这|此|本)(?:是|句是|条是|段是|其实是|明明是)\s*",
)
"""What a class stands behind where it is named."""
_AFTER = (r"\s*,?\s*(?:and\s+)?(?:not|rather\s+than|instead\s+of)\s+\S", r"\s*[，,、]?\s*(?:而)?不是\s*\S")
"""What stands behind a class where it is set against another one."""
_DENIED = re.compile(r"[不别勿]\w{0,2}$|(?:\bnot|n't)\s+$", re.IGNORECASE)
"""What stands before words that name a class where it is said not to be the one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Words of a text that its class rests on: half-open characters of one of the prompt's turns."""

    turn: int
    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """What is asked of a comment that names no class; either may be missing."""

    polarity: Callable[[str], float] | None = None
    """Says from -1 to 1 whether the words find the answer bad or good."""
    meant: Callable[[str], str | None] | None = None
    """Says which class the words mean; None where it is not sure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """What comments on a label come to."""

    label: str
    marks: tuple[Mark, ...] = ()
    named: bool = True
    """Whether the class stands in a comment; otherwise it was read between the words, or follows from the polarity."""


def named_label(text: str, labels: Sequence[str]) -> str | None:
    """Return the one class that a comment names; None where it names none, or several.

    Named is a class that stands alone, in front of a colon ("negative: …", 「负面：…」), behind words such as "should be",
    "the label is", 应为, or set against another ("positive, not negative", 不是正面，而是负面).
    """
    known = {label.casefold(): label for label in labels}
    bare = _QUOTED.sub(lambda found: _kept(found, known), text).strip()
    one = "|".join(_word(label) for label in sorted(known, key=len, reverse=True))
    if not one:
        return None
    first = re.match(rf"[{_OPEN}]?({one})[{_CLOSE}]?\s*(?:[:：]|[-–—]\s|[.!。！]?\s*$)", bare, re.IGNORECASE)
    if first:
        return known[first.group(1).casefold()]
    quoted = rf"[{_OPEN}]?({one})[{_CLOSE}]?"
    ways = [rf"{before}{quoted}{_END}" for before in _BEFORE] + [rf"{quoted}{after}" for after in _AFTER]
    hits = [hit for way in ways for hit in re.finditer(way, bare, re.IGNORECASE)]
    found = {known[hit.group(1).casefold()] for hit in hits if not _DENIED.search(bare[: hit.start()])}
    return found.pop() if len(found) == 1 else None


def marks(comments: Iterable[Comment], prompt: Prompt) -> tuple[Mark, ...]:
    """Return the words of a prompt that comments quote, wherever they stand, and those that spans of theirs hold.

    Capitals and the width of spaces do not matter; words that stand nowhere in the text mark nothing.
    """
    found: set[tuple[int, int, int]] = set()
    for comment in comments:
        quotes = [*_quotes(comment.text), *(span.quote for span in comment.spans)]
        for turn, message in enumerate(prompt.messages):
            found |= {(turn, start, end) for quote in quotes for start, end in _places(message.content, quote)}
    return tuple(Mark(turn=turn, start=start, end=end) for turn, start, end in sorted(found))


def read(comments: Sequence[Comment], labels: Sequence[str], *, reader: Reader | None = None) -> Correction | None:
    """Return the class and the marked words that comments on one response come to; None where that cannot be told.

    A class that is named holds. Where none is, a comment that finds the answer good confirms it, and one that finds it bad
    means the other class where there are two. `reader` reads words that no one has judged (the comment's own polarity and
    the kind `keep` stand above it); without it, `fix` and `concern` find fault. Comments that disagree come to nothing.
    """
    reader = reader or Reader()
    response = next((comment.response for comment in comments if comment.response is not None), None)
    if response is None:
        return None
    named = {label for comment in comments if (label := named_label(comment.text, labels)) is not None}
    found = named or {label for comment in comments if (label := _implied(comment, response, labels, reader)) is not None}
    if len(found) != 1:
        return None
    return Correction(label=next(iter(found)), marks=marks(comments, response.prompt), named=bool(named))


def without(prompt: Prompt, found: Sequence[Mark]) -> tuple[str, ...]:
    """Return a prompt's texts without their marked words."""
    texts = [message.content for message in prompt.messages]
    for mark in sorted(found, key=lambda item: -item.start):
        texts[mark.turn] = f"{texts[mark.turn][: mark.start]} {texts[mark.turn][mark.end :]}"
    return tuple(" ".join(text.split()) for text in texts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """The class that the comments on a classifier's answer name, as the better answer."""

    labels: Sequence[str] = ()
    """The classes of the model."""
    reader: str = ""
    """A classifier of comments, which is asked of those that name no class (`reader_of`)."""

    def refine(
        self, requests: Sequence[tuple[Response, tuple[Comment, ...]]]
    ) -> list[tuple[Refinement | None, tuple[Rejection, ...]]]:
        """Return each response's right class, or why its comments name none."""
        reader = reader_of(self.reader, self.labels) if self.reader else None
        return [self._one(response, comments, reader) for response, comments in requests]

    def _one(
        self, response: Response, comments: tuple[Comment, ...], reader: Reader | None
    ) -> tuple[Refinement | None, tuple[Rejection, ...]]:
        about = [comment for comment in comments if comment.response is not None]
        found = read(about, self.labels, reader=reader)
        if found is None:
            return None, (_rejected(response, "", _("The comments name no class, or more than one.")),)
        if found.label == response.text.strip():
            return None, (_rejected(response, found.label, _("The comments say that the class is right.")),)
        ids = tuple(comment.id for comment in comments)
        better = Refinement(response=response, text=found.label, addresses=ids, refiner="label", source="tool")
        return better, ()


def reader_of(folder: str | Path, labels: Sequence[str]) -> Reader:
    """Open a classifier of comments as a reader of comments on answers with these classes.

    One with the classes good and bad says whether a comment finds the answer right: the probability of good minus that of
    bad. One with the very classes of the answers says which one a comment means, where its probability is at least `SURE`.

    Raises:
        NotFoundError: there is no such classifier.
        ModelError: its classes are others.
    """
    from sayso.models import labelling

    model: Labeller = labelling.load(folder)
    if set(model.labels) == {GOOD, BAD}:
        good = model.labels.index(GOOD)
        return Reader(polarity=lambda text: 2 * float(_probabilities(model, text)[good]) - 1)
    if set(model.labels) == set(labels):
        return Reader(meant=lambda text: _meant(model, text))
    raise ModelError(
        "{folder}: has the classes {found}; expected a classifier of comments with the classes good and bad, or {labels}",
        folder=str(folder), found=", ".join(model.labels), labels=", ".join(labels[:20]),
    )  # fmt: skip


def _meant(model: Labeller, text: str) -> str | None:
    values = _probabilities(model, text)
    best = max(range(len(values)), key=values.__getitem__)
    return model.labels[best] if values[best] >= SURE else None


def _probabilities(model: Labeller, text: str) -> list[float]:
    return [math.exp(float(value)) for value in model.logprobs([(text, "")])[0]]


def _implied(comment: Comment, response: Response, labels: Sequence[str], reader: Reader) -> str | None:
    """Return the class that a comment means, or that follows from whether it finds the answer good."""
    given = response.text.strip()
    if praises(comment):
        return given
    value = comment.polarity
    if value is None and comment.kind == "question":
        return None
    if value is None and reader.meant is not None and (meant := reader.meant(comment.text)) is not None:
        return meant
    if value is None:
        value = reader.polarity(comment.text) if reader.polarity is not None else -1.0
    if value > 0:
        return given
    others = [label for label in labels if label != given]
    return others[0] if value < 0 and len(others) == 1 and len(labels) == 2 else None


def _kept(found: re.Match[str], known: dict[str, str]) -> str:
    """Leave a quoted class, and take out other quoted words."""
    inner = next(part for part in found.groups() if part is not None)
    first = re.match(r"[^:：]*", inner)
    head = first.group().strip() if first else ""
    if inner.strip().casefold() in known:
        return found.group()
    return inner if head.casefold() in known and head != inner.strip() else "…"


def _word(label: str) -> str:
    """Return the pattern of a class; letters must not go on around it."""
    edges = [r"(?<![A-Za-z0-9_])" if label[:1].isascii() else "", r"(?![A-Za-z0-9_])" if label[-1:].isascii() else ""]
    return f"{edges[0]}{re.escape(label)}{edges[1]}"


def _quotes(text: str) -> Iterator[str]:
    for found in _QUOTED.finditer(text):
        inner = next(part for part in found.groups() if part is not None)
        yield inner
        yield from _quotes(inner)


def _places(text: str, quote: str) -> Iterator[tuple[int, int]]:
    parts = [re.escape(part) for part in quote.split()]
    if not parts:
        return
    edges = [r"(?<!\w)" if re.match(r"[^\W一-鿿]", quote.strip()) else "",
             r"(?!\w)" if re.search(r"[^\W一-鿿]$", quote.strip()) else ""]  # fmt: skip
    for found in re.finditer(edges[0] + r"\s+".join(parts) + edges[1], text, re.IGNORECASE):
        yield found.start(), found.end()


def _rejected(response: Response, text: str, reason: str) -> Rejection:
    return Rejection(response=response, text=text, reason=reason, refiner="label")
