"""Words about words: critics write comments, refiners write better responses, checks decide what can be counted.

A check is a plain function on a text with an optional repair. A critic gives comments on one response. A
refiner gives one refinement, or says why it has none. Each is found by name here, or as `module:name` from outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sayso.records import Comment, Refinement, Rejection, Response

CHECKS = {
    "contains": "sayso.critics.word_checks:contains",
    "excludes": "sayso.critics.word_checks:excludes",
    "equals": "sayso.critics.word_checks:equals",
    "starts_with": "sayso.critics.word_checks:starts_with",
    "ends_with": "sayso.critics.word_checks:ends_with",
    "regex": "sayso.critics.word_checks:regex",
    "lowercase": "sayso.critics.word_checks:lowercase",
    "uppercase": "sayso.critics.word_checks:uppercase",
    "max_words": "sayso.critics.form_checks:max_words",
    "min_words": "sayso.critics.form_checks:min_words",
    "max_sentences": "sayso.critics.form_checks:max_sentences",
    "min_sentences": "sayso.critics.form_checks:min_sentences",
    "max_chars": "sayso.critics.form_checks:max_chars",
    "no_emoji": "sayso.critics.form_checks:no_emoji",
    "has_emoji": "sayso.critics.form_checks:has_emoji",
    "is_question": "sayso.critics.form_checks:is_question",
    "ends_with_question": "sayso.critics.form_checks:ends_with_question",
    "not_question": "sayso.critics.form_checks:not_question",
    "bullets": "sayso.critics.form_checks:bullets",
    "no_bullets": "sayso.critics.form_checks:no_bullets",
    "json_valid": "sayso.critics.form_checks:json_valid",
    "passes_tests": "sayso.critics.code_checks:passes_tests",
    "all_of": "sayso.critics.form_checks:all_of",
    "any_of": "sayso.critics.form_checks:any_of",
    "verse": "sayso.critics.verse_checks:verse",
    "rhymes": "sayso.critics.verse_checks:rhymes",
}
CRITICS = {
    "rules": "sayso.critics.rules:Rules",
    "reference": "sayso.critics.reference:Reference",
}
REFINERS = {
    "given": "sayso.critics.refiners:Given",
    "edit": "sayso.critics.refiners:Edit",
    "sample": "sayso.critics.refiners:Sample",
    "label": "sayso.critics.labels:Label",
}


class Critic(Protocol):
    """Writes comments on a response."""

    def comments(self, response: Response) -> tuple[Comment, ...]:
        """Say what is wrong (or right) with one response; nothing to say is an empty tuple."""
        ...


class Refiner(Protocol):
    """Writes better responses."""

    def refine(
        self, requests: Sequence[tuple[Response, tuple[Comment, ...]]]
    ) -> list[tuple[Refinement | None, tuple[Rejection, ...]]]:
        """For each response and its comments: the refinement that was kept, or None, and every rejected candidate."""
        ...


__all__ = ["CHECKS", "CRITICS", "REFINERS", "Critic", "Refiner"]
