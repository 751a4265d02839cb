"""What a method is given to learn from: every method what it wants, under every condition what that condition says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from sayso.critics.checking import repair_of
from sayso.loop.bench.answering import PLAIN, Kept, learnt
from sayso.loop.bench.suite import Item
from sayso.loop.bench.tiers import Condition, Tier
from sayso.loop.learning import holds
from sayso.methods import Method
from sayso.records import Comment, Example, Prompt, Refinement, Response, Scope

PRAISED = "This is right as it is."
"""What is said of a draft that meets the comment, where a method wants praise."""
HELD: tuple[Scope, ...] = ("near", "out")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """What is taught: a comment, the one that stands in for it in the shuffled control, the condition, and how much."""

    item: Item
    other: Item
    condition: Condition
    seed: int
    drafts: int
    """The first so many of the drafts."""

    @property
    def said(self) -> Item:
        """The comment whose words, check and repairs are learnt."""
        return self.other if self.condition.refinements == "other" else self.item


def examples_of(lesson: Lesson, written: Kept, method: Method, tier: Tier) -> list[Example]:
    """Return what a method learns from under a condition: the drafts that fail, what is said of them, and what is better.

    A method that wants praise has the drafts that meet the comment besides, where the condition says anything of them; one
    that wants anchors has the drafts near and out of scope. Without a draft that fails there is nothing to learn.
    """
    wants = method.wants
    found = list(_blamed(lesson, written, wants))
    if not found:
        return []
    if "praise" in wants and lesson.condition.refinements in ("rule", "self", "other", "correctness"):
        met = _met(lesson, written, wants)
        found += [praised(prompt, text) for prompt, text, good in _drafted(lesson, written, met) if good]
    if holds(method):
        found += held([lesson.item], [written], tier)
    return found


def _blamed(lesson: Lesson, written: Kept, wants: Collection[str]) -> Iterator[Example]:
    better = refinements(lesson, written)
    for (prompt, text, good), new in zip(_drafted(lesson, written, _met(lesson, written, wants)), better, strict=False):
        if good or new is None:
            continue
        response = Response(prompt=prompt, text=text)
        comment = comment_of(lesson, response)
        refinement = Refinement(response=response, text=new, addresses=(comment.id,), refiner="bench", source="tool")
        yield Example(prompt=prompt, response=response, comments=(comment,), refinement=refinement)


def _drafted(lesson: Lesson, written: Kept, met: Sequence[bool]) -> Iterator[tuple[Prompt, str, bool]]:
    return zip(lesson.item.learn["in"][: lesson.drafts], written["in"], met, strict=False)


def _met(lesson: Lesson, written: Kept, wants: Collection[str]) -> Sequence[bool]:
    """Say which drafts are right.

    The shuffled control takes the drafts that fail the comment itself, but a method that learns who is praised and who is
    blamed would learn the comment from that: there the comment that stands in decides.
    """
    if lesson.said is lesson.item or "praise" not in wants:
        return written["met"]  # type: ignore[no-any-return]
    check = lesson.said.held()
    return [check(text).held for text in written["in"]]


def comment_of(lesson: Lesson, response: Response) -> Comment:
    """Return what is said of a draft: the comment with what its check points at, or what stands in its place."""
    source = lesson.condition.refinements
    if source in PLAIN:
        kept = lesson.item.comment(lesson.seed, text=PLAIN[source])
        return replace(kept, response=response, kind="keep" if source == "praise" else "fix")
    return said_of(lesson.said, lesson.seed, response)


def said_of(item: Item, seed: int, response: Response) -> Comment:
    """Return a comment as said of one response, with the spans that its check points at there."""
    return replace(item.comment(seed), response=response, spans=item.held()(response.text).spans)


def refinements(lesson: Lesson, written: Kept) -> Sequence[str | None]:
    """Return a better answer to each draft, by the condition; None where there is none."""
    source = lesson.condition.refinements
    if source not in ("rule", "other"):
        return written[source]  # type: ignore[no-any-return]
    repair = repair_by(lesson.said)
    return [repair(text) for text in written["in"]]


def repair_by(item: Item) -> Callable[[str], str | None]:
    """Return what repairs a text that does not meet a comment."""
    repair = repair_of(item.check)
    assert repair is not None, "every check of the suite has a repair"
    return repair


def praised(prompt: Prompt, text: str) -> Example:
    """Return a draft of which only good is said."""
    response = Response(prompt=prompt, text=text)
    return Example(prompt=prompt, response=response, comments=(Comment(text=PRAISED, response=response, kind="keep"),))


def held(
    items: Sequence[Item], written: Sequence[Kept], tier: Tier, apart: Callable[[Prompt], bool] = lambda _prompt: True
) -> list[Example]:
    """Return the model's own drafts near and out of scope, but those without words and those that `apart` leaves out."""
    return [
        Example(prompt=prompt, response=Response(prompt=prompt, text=text), scope=scope)
        for item, kept in zip(items, written, strict=True)
        for scope in HELD
        for prompt, text in zip(learnt(item, tier)[scope], kept[scope], strict=True)
        if text.strip() and apart(prompt)
    ]  # fmt: skip
