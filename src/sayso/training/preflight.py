"""What could not be learnt from is said before training starts, with the rows named; and the facts that `plan` shows."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from sayso.errors import PreflightError
from sayso.i18n import gettext as _
from sayso.records import finds_fault, praises, spans_of

if TYPE_CHECKING:
    from sayso.batches import Row
    from sayso.methods import Method
    from sayso.models import Policy
    from sayso.records import Example
    from sayso.training.guard import Anchors

FEW_FAMILIES = 20
"""With fewer kinds of prompts than this a model learns the prompts instead of the comment."""
FEW_ANCHORS = 100
"""Fewer anchors out of scope than this hold the model on little but themselves."""
MUCH_EDITED = 0.6
"""Refinements that change more of the words than this leave a method that reads edits nearly nothing kept."""
_NAMED = 3


@runtime_checkable
class Cautious(Protocol):
    """A method that knows what speaks against its own settings."""

    def cautions(self) -> list[str]:
        """Return what to know before training with these settings, a sentence each."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a run would learn from, without running it."""

    rows: int
    groups: int
    tokens: int
    targets: int
    """Tokens that carry loss."""
    longest: int
    """Tokens of the longest row."""
    edit_ratio: float | None
    """Share of words in which a response and its refinement differ, on average; None without pairs."""
    families: int
    """Different families of prompts among the examples."""
    near_anchors: int
    out_anchors: int
    shown: tuple[str, ...]
    """A few rows as text; what is learnt stands between « and », what is pushed down between ‹ and ›."""
    warnings: tuple[str, ...]


def examine(method: Method, policy: Policy, examples: Sequence[Example], rows: Sequence[Row]) -> None:
    """Pass silently if these examples, and the rows made of them, can be learnt from.

    Raises:
        PreflightError: they cannot; the first few examples or rows are named, and how many there are.
    """
    if not examples:
        raise PreflightError("there is no example to learn from; comment on responses first, or import some")
    _examine_parts(method, examples)
    if {"response", "refinement"} <= method.wants:
        _examine_pairs(examples)
    check_rows(rows, policy, group=method.group)


def usable(method: Method, examples: Iterable[Example]) -> tuple[list[Example], list[Example]]:
    """Return the examples that have everything the method reads, and those that lack something."""
    have: list[Example] = []
    lack: list[Example] = []
    for example in examples:
        (lack if lacking(method, example) else have).append(example)
    return have, lack


def lacking(method: Method, example: Example) -> list[str]:
    """Return what the method reads and the example has not, by name; near and out of scope that is the response alone."""
    wanted = method.wants if example.scope == "in" else method.wants & {"response"}
    has = {
        "response": example.response is not None,
        "comment": bool(example.comments),
        "refinement": example.refinement is not None,
        "spans": bool(spans_of(example)),
        "fault or praise": any(finds_fault(comment) or praises(comment) for comment in example.comments),
        "scalar": any(comment.polarity is not None for comment in example.comments),
    }
    return sorted(part for part in wanted if not has.get(part, True))


def check_rows(rows: Sequence[Row], policy: Policy, *, group: int) -> None:
    """Pass silently if rows can be learnt from: there are some, in whole groups, with targets, within the context.

    Raises:
        PreflightError: they cannot; the first few are named.
    """
    if not rows:
        raise PreflightError("there are no rows to learn from; check that the examples have what the method reads")
    if len(rows) % group:
        raise PreflightError(
            "{count} rows do not make whole groups of {group}; a method yields its groups whole",
            count=len(rows),
            group=group,
        )
    empty = [item for item in rows if not any(item.weights[1:])]
    if len(empty) == len(rows):
        raise PreflightError("none of the {count} rows carries loss: no token of them is a target", count=len(rows))
    if empty:
        raise PreflightError(
            "{count} of {of} rows carry no loss, every token of them is masked: {rows}; write an answer for them, or leave "
            "them out",
            count=len(empty), of=len(rows), rows=name_rows(empty),
        )  # fmt: skip
    long = [item for item in rows if len(item.ids) > policy.max_length]
    if long:
        raise PreflightError(
            "{count} of {of} rows are longer than the model's context of {limit} tokens: {rows}; shorten or leave out their "
            "prompts, nothing is cut silently",
            count=len(long), of=len(rows), limit=policy.max_length, rows=name_rows(long),
        )  # fmt: skip


def name_rows(rows: Sequence[Row]) -> str:
    """Return the labels of the first few rows with their lengths, and how many more there are."""
    return _named([f"{item.label or '?'} ({len(item.ids)} tokens)" for item in rows])


def describe(
    method: Method,
    examples: Sequence[Example],
    rows: Sequence[Row],
    *,
    decode: Callable[[Sequence[int]], str],
    anchors: Anchors | None = None,
    num_shown: int = 3,
) -> Plan:
    """Return the facts of a run before it starts; `decode` turns token ids into text."""
    near, out = (sum(item.scope == scope for item in examples) for scope in ("near", "out"))
    if anchors and anchors.settings.enabled:
        near, out = near + len(anchors.near), out + len(anchors.out)
    ratio = _edit_ratio(examples)
    families = len({example.prompt.family or example.prompt.id for example in examples if example.scope == "in"})
    return Plan(
        rows=len(rows),
        groups=len(rows) // method.group,
        tokens=sum(len(item.ids) for item in rows),
        targets=sum(sum(weight != 0 for weight in item.weights[1:]) for item in rows),
        longest=max((len(item.ids) for item in rows), default=0),
        edit_ratio=ratio,
        families=families,
        near_anchors=near,
        out_anchors=out,
        shown=tuple(_render(item, decode) for item in rows[:num_shown]),
        warnings=(*_warnings(families, near, out), *_warnings_of(method, examples, rows, ratio)),
    )


def _warnings(families: int, near: int, out: int) -> list[str]:
    found = []
    if families < FEW_FAMILIES:
        template = _(
            "only {count} different kinds of prompts are in scope; below {few} the model tends to learn the prompts, "
            "not the comment"
        )
        found.append(template.format(count=families, few=FEW_FAMILIES))
    if not near + out:
        found.append(_("the scope guard has no anchors: nothing holds the model where the comment does not apply"))
    elif out < FEW_ANCHORS:
        found.append(
            _(
                "only {count} anchors are out of scope; below {few} the comment tends to spread where it does not apply"
            ).format(count=out, few=FEW_ANCHORS)
        )
    return found


def _warnings_of(method: Method, examples: Sequence[Example], rows: Sequence[Row], ratio: float | None) -> list[str]:
    """Return what stands against this very method."""
    found = method.cautions() if isinstance(method, Cautious) else []
    lowers = any(weight < 0 for item in rows for weight in item.weights)
    if lowers and "refinement" in method.wants and (ratio or 0.0) > MUCH_EDITED:
        found.append(
            _(
                "the refinements change {share:.0%} of the words; this method learns edits, and above {much:.0%} nearly "
                "every word counts as edited: refine less of each response, or choose refine_sft"
            ).format(share=ratio, much=MUCH_EDITED)
        )
    if "fault or praise" in method.wants and not any(finds_fault(item) for example in examples for item in example.comments):
        found.append(_("every comment is praise, so no word can be found that is wrong; choose another method for praise"))
    return found


def _examine_parts(method: Method, examples: Sequence[Example]) -> None:
    lack = [example for example in examples if lacking(method, example)]
    if lack:
        missing = sorted({part for example in lack for part in lacking(method, example)})
        raise PreflightError(
            "{count} of {of} examples have no {missing}, which this method reads: {examples}; add it, leave these out, or "
            "choose another method",
            count=len(lack), of=len(examples), missing=", ".join(missing), examples=_name_examples(lack),
        )  # fmt: skip


def _examine_pairs(examples: Sequence[Example]) -> None:
    same = [item for item in examples if item.response and item.refinement and item.response.text == item.refinement.text]
    if same:
        raise PreflightError(
            "{count} of {of} refinements equal the response they refine: {examples}; a pair must differ, so refine them or "
            "leave them out",
            count=len(same), of=len(examples), examples=_name_examples(same),
        )  # fmt: skip


def _name_examples(examples: Sequence[Example]) -> str:
    return _named([" ".join((item.prompt.id, *(comment.id for comment in item.comments))) for item in examples])


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown}, + {len(names) - _NAMED}" if len(names) > _NAMED else shown


def _edit_ratio(examples: Sequence[Example]) -> float | None:
    ratios = [
        1 - difflib.SequenceMatcher(a=item.response.text.split(), b=item.refinement.text.split(), autojunk=False).ratio()
        for item in examples
        if item.response and item.refinement
    ]
    return sum(ratios) / len(ratios) if ratios else None


def _render(item: Row, decode: Callable[[Sequence[int]], str]) -> str:
    """Return a row as text, its runs of learnt tokens between « and », of those pushed down between ‹ and ›."""
    pieces: list[str] = []
    for sign, run in groupby(zip(item.ids, item.weights, strict=True), lambda pair: (pair[1] > 0) - (pair[1] < 0)):
        text = decode([token for token, _weight in run])
        pieces.append({0: "{}", 1: "«{}»", -1: "‹{}›"}[sign].format(text))
    return "".join(pieces)
