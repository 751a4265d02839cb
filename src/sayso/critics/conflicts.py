"""Comments that cannot both be met: their checks contradict, or one praises what the other blames.

Only what is certain is said: two checks that contradict have no text that meets both. Checks from outside are compared with
nothing, since nobody knows what they hold of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from sayso.critics import CHECKS
from sayso.critics.checking import load_check
from sayso.critics.form_checks import members
from sayso.critics.parts import pattern
from sayso.critics.word_checks import phrases
from sayso.errors import PreflightError
from sayso.records import Check, Comment, finds_fault, plain, praises, reach_of

_NAMED = 3
_FOLDS = " .!。！…\"'”’)）」』\t\r\n"
_OPPOSITES = frozenset(
    frozenset(pair)
    for pair in (
        ("has_emoji", "no_emoji"), ("is_question", "not_question"), ("ends_with_question", "not_question"),
        ("bullets", "no_bullets"), ("lowercase", "uppercase"),
    )
)  # fmt: skip
_AT_MOST = {"max_words": "min_words", "max_sentences": "min_sentences"}
_FORBIDS = frozenset(
    {"excludes", "lowercase", "uppercase", "no_emoji", "not_question", "max_words", "max_sentences", "max_chars"}
)
"""Checks that fail on every text which has within it a phrase that they fail on."""


def contradictory(comments: Iterable[Comment]) -> list[tuple[Comment, Comment]]:
    """Return the pairs of comments that apply to the same answers, as their records say, and cannot both be met."""
    found = {comment.id: comment for comment in comments if comment.check is not None}
    return [pair for pair in combinations(found.values(), 2) if apply_together(*pair) and disagree(*pair)]


def refuse(pairs: Sequence[tuple[Comment, Comment]]) -> None:
    """Pass silently if there is no pair of comments that cannot both be met.

    Raises:
        PreflightError: there is one; the first few pairs are named.
    """
    if pairs:
        names = ", ".join(f"{one.id} ({one.text}) / {other.id} ({other.text})" for one, other in pairs[:_NAMED])
        raise PreflightError(
            "{count} pairs of comments apply to the same answers and cannot both be met: {pairs}; withdraw one, let it "
            "supersede the other, or name those to learn in learn_from",
            count=len(pairs), pairs=names + (", ..." if pairs[_NAMED:] else ""),
        )  # fmt: skip


def apply_together(one: Comment, other: Comment) -> bool:
    """Return whether two comments are about the same response, or stand for the same prompts.

    A comment that always applies is left out where the other names a kind of prompts: that may be its exception.
    """
    if one.response is not None or other.response is not None:
        return one.response is not None and other.response is not None and one.response.id == other.response.id
    if {reach_of(one), reach_of(other)} == {"always"}:
        return True
    if one.scope_text.strip() and one.scope_text.strip().lower() == other.scope_text.strip().lower():
        return True
    inside = [{probe.prompt.id for probe in comment.probes if probe.scope == "in"} for comment in (one, other)]
    return bool(inside[0] & inside[1])


def disagree(one: Comment, other: Comment) -> bool:
    """Return whether two comments that apply together cannot both be met."""
    if one.check is None or other.check is None:
        return False
    if plain(one.check) == plain(other.check):
        return (finds_fault(one) and praises(other)) or (praises(one) and finds_fault(other))
    if praises(one) or praises(other):
        return False
    return contradict(one.check, other.check)


def contradict(one: Check, other: Check) -> bool:
    """Return whether no text can meet both checks; False where that is not certain.

    Raises:
        SettingsError: an argument of a check is wrong.
        NotFoundError: no check has this name.
    """
    return any(_clash(a, b) or _clash(b, a) for a in _parts(one) for b in _parts(other))


def _parts(check: Check) -> list[Check]:
    """Return what a check asks for: of `all_of` every part, since all are to hold."""
    if check.name != "all_of":
        return [check]
    return [part for item in members(check.name, list(check.args["checks"])) for part in _parts(item)]


def _clash(one: Check, other: Check) -> bool:
    if frozenset((one.name, other.name)) in _OPPOSITES:
        return True
    if _AT_MOST.get(one.name) == other.name:
        return bool(one.args["n"] < other.args["n"])
    if one.name in ("starts_with", "ends_with") and one.name == other.name:
        return not any(_fit(a, b, one.name) for a in _wanted(one) for b in _wanted(other))
    if one.name == "equals":
        return other.name in CHECKS and not any(load_check(other)(text).held for text in _written(one))
    return other.name in _FORBIDS and _forbidden(one, other)


def _forbidden(one: Check, other: Check) -> bool:
    """Return whether a check asks for words that the other one forbids."""
    if one.name not in ("contains", "starts_with", "ends_with"):
        return False
    held = load_check(other)
    barred = [not any(held(text).held for text in _spellings(phrase, one.args)) for phrase in _wanted(one)]
    return any(barred) if one.name == "contains" else all(barred)


def _wanted(check: Check) -> list[str]:
    return phrases(check.name, check.args["text"])


def _written(check: Check) -> list[str]:
    return [text for phrase in _wanted(check) for text in _spellings(phrase, check.args)]


def _spellings(phrase: str, args: Any) -> Sequence[str]:
    return (phrase,) if args.get("case") else (phrase, phrase.lower(), phrase.upper())


def _fit(one: str, other: str, name: str) -> bool:
    """Return whether a text can start (or end) with both phrases: the longer one does with the shorter."""
    short, long = sorted((one.strip(_FOLDS), other.strip(_FOLDS)), key=len)
    if not short:
        return True
    places = [place.span() for place in pattern(short, case=False).finditer(long)]
    return any(start == 0 if name == "starts_with" else end == len(long) for start, end in places)
