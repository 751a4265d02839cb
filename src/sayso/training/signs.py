"""What examples show before anything is learnt from them: how much is edited, how long, what is copied, repeated or leaked.

Pure, on records. Shares are None where there is nothing to take a share of.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sayso.critics.parts import words
from sayso.records import Check, Comment, Example, identity, reach_of, spans_of

COPIED_WORDS = 5
"""This many words of a comment in a row count as copied; the gate counts the same (`evaluation.guards`)."""
_QUOTED = re.compile(r"[\"“«「『](.+?)[\"”»」』]")
_LEAST_LEAK = 3
"""A refinement of fewer words may stand in a comment by chance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signs:
    """What a set of examples in scope shows."""

    families: int
    """Different families of prompts."""
    edit_ratio: float | None
    """Share of words in which a response and its refinement differ, on average."""
    length_ratio: float | None
    """Words of the refinements over words of their responses."""
    copied: float | None
    """Share of what is learnt (refinements, else responses) that repeats five words of a comment in a row."""
    leaking: tuple[Example, ...]
    """Those whose comment holds the refinement, or what its check looks for."""
    spanned: float
    """Share of the examples in whose response a comment points at words."""
    span_coverage: float | None
    """Share of the characters of those responses that spans mark."""
    duplicates: tuple[Example, ...]
    """Those that an earlier one says too."""


def look(examples: Sequence[Example]) -> Signs:
    """Return what the examples in scope show."""
    inside = [example for example in examples if example.scope == "in"]
    pointed = [example for example in inside if spans_of(example)]
    return Signs(
        families=len({example.prompt.family or example.prompt.id for example in inside}),
        edit_ratio=edit_ratio(inside), length_ratio=length_ratio(inside), copied=copied(inside),
        leaking=tuple(example for example in inside if any(_leaks(item, example) for item in example.comments)),
        spanned=len(pointed) / len(inside) if inside else 0.0, span_coverage=_coverage(pointed),
        duplicates=duplicates(inside),
    )  # fmt: skip


def edit_ratio(examples: Iterable[Example]) -> float | None:
    """Return the share of words in which responses and refinements differ, averaged over the pairs."""
    ratios = [
        1 - difflib.SequenceMatcher(a=item.response.text.split(), b=item.refinement.text.split(), autojunk=False).ratio()
        for item in examples
        if item.response and item.refinement
    ]
    return sum(ratios) / len(ratios) if ratios else None


def length_ratio(examples: Iterable[Example]) -> float | None:
    """Return the words of all refinements over those of their responses; a Chinese character is a word."""
    pairs = [(item.response.text, item.refinement.text) for item in examples if item.response and item.refinement]
    before, after = (sum(len(words(pair[side])) for pair in pairs) for side in (0, 1))
    return after / before if before else None


def copied(examples: Iterable[Example]) -> float | None:
    """Return the share of refinements (of responses where there is none) that repeat five words of a comment in a row.

    What the comment quotes or its check asks for is meant to be repeated and does not count, nor what stood in the response
    that was refined.
    """
    found = [_copies(item) for item in examples if item.comments and (item.refinement or item.response)]
    return sum(found) / len(found) if found else None


def duplicates(examples: Iterable[Example]) -> tuple[Example, ...]:
    """Return the examples that say what an earlier one said, whatever their ids."""
    seen: set[str] = set()
    found = []
    for item in examples:
        texts = [item.response and item.response.text, item.refinement and item.refinement.text]
        key = identity([item.prompt.messages, texts, sorted(comment.text for comment in item.comments)])
        if key in seen:
            found.append(item)
        seen.add(key)
    return tuple(found)


def asks_for_length(comment: Comment) -> bool:
    """Return whether a comment's check wants another length."""
    return comment.check is not None and comment.check.name.startswith(("max_", "min_", "bullets", "equals"))


def _copies(example: Example) -> bool:
    learnt = example.refinement.text if example.refinement else example.response.text if example.response else ""
    before = _grams(example.response.text) if example.refinement and example.response else set()
    said = set().union(*(_grams(item.text) - _meant(item) for item in example.comments))
    return bool(said & (_grams(learnt) - before))


def _meant(comment: Comment) -> set[tuple[str, ...]]:
    return set().union(*(_grams(text) for text in [*_QUOTED.findall(comment.text), *_wanted(comment.check)]))


def _leaks(comment: Comment, example: Example) -> bool:
    """Return whether a comment on one response tells its answer; a standing one is there to be told."""
    if reach_of(comment) != "this":
        return False
    whole = example.refinement.text if example.refinement else ""
    answers = [whole] if len(_tokens(whole)) >= _LEAST_LEAK else []
    answers += _wanted(comment.check) if comment.check and comment.check.name in ("equals", "contains") else []
    said = f" {_flat(comment.text)} "
    return any(_flat(text) and f" {_flat(text)} " in said for text in answers)


def _wanted(check: Check | None) -> list[str]:
    values = list(check.args.values()) if check else []
    listed = [item for value in values for item in (value if isinstance(value, list | tuple) else [value])]
    return [item for item in listed if isinstance(item, str)]


def _coverage(examples: Sequence[Example]) -> float | None:
    marked = sum(
        len({place for span in spans_of(item) for place in range(span.start, span.end)}) for item in examples
    )  # fmt: skip
    total = sum(len(item.response.text) for item in examples if item.response)
    return marked / total if total else None


def _flat(text: str) -> str:
    return " ".join(_tokens(text))


def _grams(text: str) -> set[tuple[str, ...]]:
    found = _tokens(text)
    return {tuple(found[start : start + COPIED_WORDS]) for start in range(len(found) - COPIED_WORDS + 1)}


def _tokens(text: str) -> list[str]:
    return [re.sub(r"^\W+|\W+$", "", text[place.start : place.end].lower()) for place in words(text)]
