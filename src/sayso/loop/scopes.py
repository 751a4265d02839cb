"""Which comment applies to which prompt, and which prompts may be learnt from: pure, on records."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sayso.records import Comment, Probe, Prompt, Scope, identity, reach_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Divided:
    """A comment's probes: those that may be learnt from, and those that are only for testing."""

    train: tuple[Probe, ...]
    test: tuple[Probe, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """A prompt to learn from, and where it stands to each standing comment, by the comment's id."""

    prompt: Prompt
    scopes: Mapping[str, Scope]

    @property
    def inside(self) -> tuple[str, ...]:
        """The comments that apply here."""
        return tuple(comment_id for comment_id, scope in self.scopes.items() if scope == "in")

    @property
    def anchor(self) -> Scope | None:
        """`near` or `out` where no comment applies; None where one does."""
        if self.inside:
            return None
        return "near" if "near" in self.scopes.values() else "out"


def standing(comments: Iterable[Comment]) -> list[Comment]:
    """Return the open comments that are about no single response."""
    return [comment for comment in comments if comment.response is None and comment.status == "open"]


def divide(comment: Comment, *, test_fraction: float, seed: int = 0) -> Divided:
    """Split a comment's probes by family: a named split holds, the rest is divided by a seeded hash of the family.

    A scope with a single undivided family is for testing: what is tested is never learnt from.
    """
    train: list[Probe] = []
    test: list[Probe] = []
    for scope in ("in", "near", "out"):
        probes = [probe for probe in comment.probes if probe.scope == scope]
        held = _held_families([probe for probe in probes if probe.prompt.split is None], test_fraction, seed)
        for probe in probes:
            split = probe.prompt.split or ("test" if _family(probe.prompt) in held else "train")
            (test if split == "test" else train).append(probe)
    return Divided(train=tuple(train), test=tuple(test))


def place(comments: Sequence[Comment], divided: Mapping[str, Divided], prompts: Iterable[Prompt]) -> list[Placed]:
    """Return every prompt that may be learnt from, with its scope for each standing comment.

    A prompt that tests a comment, or shares a named family with one that does, is left out. A prompt that no probe names is
    `in` for a comment that always applies, and `out` for the others.
    """
    named: dict[str, dict[str, Scope]] = {}
    found: dict[str, Prompt] = {}
    tested = _tested(divided.values())
    for prompt in prompts:
        if prompt.split != "test":
            found.setdefault(prompt.id, prompt)
    for comment in comments:
        for probe in divided[comment.id].train:
            found.setdefault(probe.prompt.id, probe.prompt)
            named.setdefault(probe.prompt.id, {})[comment.id] = probe.scope
    usual: dict[str, Scope] = {comment.id: "in" if reach_of(comment) == "always" else "out" for comment in comments}
    return [
        Placed(prompt=prompt, scopes={**usual, **named.get(prompt.id, {})})
        for prompt in found.values()
        if prompt.id not in tested and not (prompt.family and prompt.family in tested)
    ]


def _tested(divided: Iterable[Divided]) -> set[str]:
    prompts = [probe.prompt for part in divided for probe in part.test]
    return {prompt.id for prompt in prompts} | {prompt.family for prompt in prompts if prompt.family}


def _held_families(probes: Sequence[Probe], fraction: float, seed: int) -> set[str]:
    families = sorted({_family(probe.prompt) for probe in probes}, key=lambda family: identity([seed, family]))
    return set(families[: max(1, math.ceil(len(families) * fraction))]) if families else set()


def _family(prompt: Prompt) -> str:
    return prompt.family or prompt.id
