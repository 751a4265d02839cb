"""What preflight holds examples and rows to: one table of rules, each with its limit and where that comes from.

`docs/reference/preflight.md` is written from this table. A rule that stops raises an error before anything is trained; the
others are said as warnings by `sayso plan` and `sayso learn`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Where = Literal["file", "examples", "method", "rows", "model", "measured"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One thing that is looked at."""

    meaning: str
    """What is looked at, and why."""
    stops: bool
    """Whether training is refused; otherwise it is a warning."""
    where: Where
    """What it is seen in: a record on its way into the store, the examples, the method's own refusal, its rows, the model,
    or a measurement on it."""
    limit: float | None = None
    """What it is compared with; None where a single case is enough."""
    source: str = ""
    """Where the limit comes from."""


def limit(name: str) -> float:
    """Return the limit of a rule that has one."""
    found = RULES[name].limit
    assert found is not None, name
    return found


RULES: dict[str, Rule] = {
    # what stops
    "empty_comment": Rule(stops=True, where="examples", meaning="A comment has no words."),
    "empty_refinement": Rule(stops=True, where="examples", meaning="A refinement has no words: silence would be learnt."),
    "span_outside": Rule(
        stops=True, where="file", meaning="A span lies outside the response, or its quote does not stand there."
    ),
    "unknown_address": Rule(stops=True, where="file", meaning="A refinement says that it addresses a comment nobody made."),
    "unloadable_check": Rule(
        stops=True, where="examples",
        meaning="A comment's check cannot be loaded: no such name or module, or a wrong argument.",
    ),
    "no_examples": Rule(stops=True, where="examples", meaning="There is nothing to learn from."),
    "missing_part": Rule(
        stops=True, where="examples",
        meaning="An example lacks a part that the method reads: the response, a comment, the refinement, a span.",
    ),
    "no_faults": Rule(
        stops=True, where="examples", meaning="Every comment is praise, and the method looks for what is wrong."
    ),
    "equal_sides": Rule(
        stops=True, where="examples", meaning="A refinement equals the response it refines, for a method that learns pairs."
    ),
    "echoed_prompt": Rule(
        stops=True, where="examples", meaning="A refinement is its own prompt again: a mixed-up column, most likely."
    ),
    "contradiction": Rule(
        stops=True, where="examples",
        meaning="Two open comments on one response, or on one scope, cannot both be met: their checks contradict, or one "
        "praises what the other blames.",
    ),
    "repeated": Rule(
        stops=True, where="examples", limit=0.5,
        meaning="More than this share of the examples repeats an earlier one: prompt, response, refinement and comments.",
        source="chosen: from here on most of a step is learnt twice, and the number of rows says nothing",
    ),
    "one_class": Rule(
        stops=True, where="method", meaning="All that was said is praise, or all is blame, for a method that learns both."
    ),
    "no_contrast": Rule(
        stops=True, where="method", meaning="A contrast with another comment is wanted, and all comments are the same."
    ),
    "no_rows": Rule(stops=True, where="rows", meaning="The method made no rows of the examples."),
    "broken_group": Rule(
        stops=True, where="rows", meaning="The rows do not make whole groups, so that pairs would be torn apart."
    ),
    "non_finite_row": Rule(stops=True, where="rows", meaning="A row's weights are not all finite numbers."),
    "masked": Rule(stops=True, where="rows", meaning="A row has no target: every token of it is context."),
    "skipped": Rule(
        stops=True, where="rows",
        meaning="No row has a target left after the first tokens, which the method skips (its `skip_first`).",
    ),
    "too_long": Rule(
        stops=True, where="rows",
        meaning="A row is longer than the model's context: its prompt, its comments or its answer. Nothing is cut silently.",
    ),
    "non_finite_model": Rule(
        stops=True, where="model", meaning="A weight of the model is not a finite number: an earlier run broke it."
    ),
    # what is warned of
    "few_families": Rule(
        stops=False, where="examples", limit=20,
        meaning="Fewer different kinds of prompts than this are in scope: the prompts are learnt, not the comment.",
        source="measured on a model of three million parameters: gain on unseen wordings 0.08 after four wordings, 1.00 "
        "after twenty ([takes](../explanation/takes.md))",
    ),
    "few_anchors": Rule(
        stops=False, where="examples", limit=100,
        meaning="Fewer answers out of scope than this hold the model, or none at all.",
        source="chosen: fewer hold the model on little but themselves",
    ),
    "few_probes": Rule(
        stops=False, where="examples", limit=30,
        meaning="A comment has fewer probes in scope to test on than this.",
        source="chosen; `sayso plan` shows beside it the smallest change that they would show with 80 % power",
    ),
    "uncounted": Rule(
        stops=False, where="examples", limit=0.0,
        meaning="A standing comment has no check, so its take cannot be counted.",
        source="one is enough to be named",
    ),
    "much_edited": Rule(
        stops=False, where="examples", limit=0.6,
        meaning="Refinements change more than this share of the words, for a method that learns edits.",
        source="chosen: above it nearly every word counts as edited, and the method is `refine_sft` with a push",
    ),
    "longer": Rule(
        stops=False, where="examples", limit=1.5,
        meaning="Refinements have this many times the words of their responses, or that many times fewer, and no comment's "
        "check asks for a length: length would be learnt beside the comment.",
        source="chosen, above the 1.2 (35.6 tokens to 29.3) of the refinements of arXiv 2204.14146; the gate bounds answers "
        "out of scope at 2",
    ),
    "copied": Rule(
        stops=False, where="examples", limit=0.05,
        meaning="More than this share of the refinements (or of the responses, where those are learnt) repeats five words "
        "of a comment in a row, words in quotes and of its check aside: the model would learn to say the comment.",
        source="the gate's `copying_margin`, counted the same way",
    ),
    "leaked": Rule(
        stops=False, where="examples", limit=0.0,
        meaning="A comment on a single response holds its whole refinement, or the very words that its check looks for: an "
        "answer is learnt by heart, and a model told the comment only has to copy.",
        source="RLTF (arXiv 2602.02482) and FCP (2509.22638) leave such comments out; one is enough to be named",
    ),
    "wide_spans": Rule(
        stops=False, where="examples", limit=0.5,
        meaning="Spans mark more than this share of the characters of the responses that have spans: they point at nothing.",
        source="chosen: half",
    ),
    "duplicates": Rule(
        stops=False, where="examples", limit=0.0,
        meaning="Some examples repeat an earlier one: prompt, response, refinement and comments.",
        source="one is enough to be named; above `repeated` training is refused",
    ),
    "short_answers": Rule(
        stops=False, where="rows", limit=0.0,
        meaning="Some rows have no target left after the first tokens, which the method skips.",
        source="one is enough to be named; where it is all of them, training is refused (`skipped`)",
    ),
    "low_competence": Rule(
        stops=False, where="measured", limit=0.25,
        meaning="Told the comment, the model puts right fewer of its failing answers than this, for a method whose teacher "
        "is the model told the comment.",
        source="chosen; self-distillation gains nothing from a teacher that does not follow (SDPO, arXiv 2601.20802, at "
        "1.5 billion parameters; [hindsight](../methods/hindsight.md) on one of 3.4 million)",
    ),
}  # fmt: skip
"""By name, in the order in which they are looked at."""
