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
    "contains": "sayso.critics.checks:contains",
    "excludes": "sayso.critics.checks:excludes",
    "regex": "sayso.critics.checks:regex",
    "starts_with": "sayso.critics.checks:starts_with",
    "ends_with": "sayso.critics.checks:ends_with",
    "max_words": "sayso.critics.checks:max_words",
    "min_words": "sayso.critics.checks:min_words",
    "max_sentences": "sayso.critics.checks:max_sentences",
    "no_emoji": "sayso.critics.checks:no_emoji",
    "is_question": "sayso.critics.checks:is_question",
    "json_valid": "sayso.critics.checks:json_valid",
}
CRITICS = {
    "rules": "sayso.critics.rules:Rules",
    "reference": "sayso.critics.reference:Reference",
}
REFINERS = {
    "given": "sayso.critics.refiners:Given",
    "edit": "sayso.critics.refiners:Edit",
    "sample": "sayso.critics.refiners:Sample",
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
