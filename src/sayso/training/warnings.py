"""What does not stop a training and should be known before it: what each rule that warns has found, as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from sayso.i18n import gettext as _
from sayso.training.engine.naming import name_examples, name_rows
from sayso.training.rules import limit
from sayso.training.signs import Signs, asks_for_length

if TYPE_CHECKING:
    from sayso.batches import Row
    from sayso.methods import Method
    from sayso.records import Example


@runtime_checkable
class Skipping(Protocol):
    """A method that learns nothing from the first tokens of an answer."""

    @property
    def skip_first(self) -> int:
        """How many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Warned:
    """What a rule that does not stop found."""

    rule: str
    """Its name in `sayso.training.rules.RULES`."""
    sentence: str


def warnings_of(
    method: Method, examples: Sequence[Example], rows: Sequence[Row], signs: Signs, anchors: tuple[int, int]
) -> list[Warned]:
    """Return what the rules that warn find; `anchors` counts those near and out of scope."""
    return [
        *_few(signs, *anchors),
        *of_edits(method, examples, signs),
        *of_words(signs),
        *_of_pushing(method, rows, signs),
        *_of_rows(method, rows),
    ]


def _few(signs: Signs, near: int, out: int) -> list[Warned]:
    found = []
    if signs.families < limit("few_families"):
        template = _(
            "only {count} different kinds of prompts are in scope; below {few} the model tends to learn the prompts, "
            "not the comment"
        )
        sentence = template.format(count=signs.families, few=int(limit("few_families")))
        found.append(Warned(rule="few_families", sentence=sentence))
    if not near + out:
        sentence = _("the scope guard has no anchors: nothing holds the model where the comment does not apply")
        found.append(Warned(rule="few_anchors", sentence=sentence))
    elif out < limit("few_anchors"):
        template = _(
            "only {count} anchors are out of scope; below {few} the comment tends to spread where it does not apply"
        )
        found.append(Warned(rule="few_anchors", sentence=template.format(count=out, few=int(limit("few_anchors")))))
    return found


def of_edits(method: Method, examples: Sequence[Example], signs: Signs) -> list[Warned]:
    """Return what is to be said of the refinements."""
    found = []
    ratio, most = signs.length_ratio, limit("longer")
    asked = any(asks_for_length(comment) for example in examples for comment in example.comments)
    if "refinement" in method.wants and ratio is not None and not asked and not 1 / most <= ratio <= most:
        template = _(
            "the refinements have {ratio:.2f} times the words of the responses and no check asks for a length; outside "
            "{least:.2f} to {most:.2f} length is learnt beside the comment: even them out, or give the comment a check"
        )
        found.append(Warned(rule="longer", sentence=template.format(ratio=ratio, least=1 / most, most=most)))
    return found


def _of_pushing(method: Method, rows: Sequence[Row], signs: Signs) -> list[Warned]:
    found = []
    lowers = any(weight < 0 for item in rows for weight in item.weights)
    if lowers and "refinement" in method.wants and (signs.edit_ratio or 0.0) > limit("much_edited"):
        template = _(
            "the refinements change {share:.0%} of the words; this method learns edits, and above {much:.0%} nearly "
            "every word counts as edited: refine less of each response, or choose refine_sft"
        )
        sentence = template.format(share=signs.edit_ratio, much=limit("much_edited"))
        found.append(Warned(rule="much_edited", sentence=sentence))
    return found


def of_words(signs: Signs) -> list[Warned]:
    """Return what is to be said of the comments' words."""
    found = []
    if (signs.copied or 0.0) > limit("copied"):
        template = _(
            "{share:.0%} of what is learnt repeats five words of a comment in a row (limit {limit:.0%}); the model would "
            "learn to say the comment: write refinements in words of their own"
        )
        found.append(Warned(rule="copied", sentence=template.format(share=signs.copied, limit=limit("copied"))))
    if signs.leaking:
        template = _(
            "{count} comments tell the answer itself, the refinement or what the check looks for: {examples}; an answer "
            "is learnt by heart: say what is wrong instead"
        )
        sentence = template.format(count=len(signs.leaking), examples=name_examples(signs.leaking))
        found.append(Warned(rule="leaked", sentence=sentence))
    if (signs.span_coverage or 0.0) > limit("wide_spans"):
        template = _("spans mark {share:.0%} of the responses they are on; above {limit:.0%} they point at nothing")
        sentence = template.format(share=signs.span_coverage, limit=limit("wide_spans"))
        found.append(Warned(rule="wide_spans", sentence=sentence))
    if signs.duplicates:
        template = _("{count} examples repeat an earlier one: {examples}; they count twice")
        sentence = template.format(count=len(signs.duplicates), examples=name_examples(signs.duplicates))
        found.append(Warned(rule="duplicates", sentence=sentence))
    return found


def _of_rows(method: Method, rows: Sequence[Row]) -> list[Warned]:
    short = without_rest(method, rows)
    if not short:
        return []
    template = _("{count} rows have no target after the first tokens, which the method skips: {rows}; they teach nothing")
    return [Warned(rule="short_answers", sentence=template.format(count=len(short), rows=name_rows(short)))]


def of_competence(share: float | None, n: int) -> list[Warned]:
    """Return what is to be said of a model that puts right this share of `n` failing answers when it is told the comment."""
    if share is None or share >= limit("low_competence"):
        return []
    template = _(
        "told the comment, the model puts right {share:.0%} of {n} failing answers; below {limit:.0%} it is a poor teacher "
        "of itself: choose a method that learns from refinements, such as refine_sft"
    )
    return [Warned(rule="low_competence", sentence=template.format(share=share, n=n, limit=limit("low_competence")))]


def without_rest(method: Method, rows: Sequence[Row]) -> list[Row]:
    """Return the rows that teach nothing once a method has skipped the first tokens of the answer."""
    if not isinstance(method, Skipping) or "spans" in method.wants:  # words that were pointed at are never skipped
        return []
    return [item for item in rows[:: method.group] if sum(weight != 0 for weight in item.weights[1:]) <= method.skip_first]
