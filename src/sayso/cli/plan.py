"""`sayso plan`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from sayso.cli import console, taking
from sayso.cli.options import Call, option, verb, with_json, with_settings
from sayso.i18n import gettext as _
from sayso.records import plain

if TYPE_CHECKING:
    from sayso.loop.planning import CommentPlan, Plan, StagePlan
    from sayso.records import Scope

_SCOPES: tuple[Scope, ...] = ("in", "near", "out")


@verb
@option("--rows", "with_rows", is_flag=True, help="Show some rows as the model reads them, with what it learns marked.")
@option("--competence", "measure", is_flag=True,
    help="Measure on up to 24 answers how well the model follows a comment it is told; once a version.")  # fmt: skip
@with_settings
@with_json
def command(call: Call, with_rows: bool, measure: bool) -> None:
    """See what a round would learn from and take, what would be refused, and how small a change the probes can show.

    Nothing is trained: for time and memory, a few micro-batches of every training are tried. Prompts and comments that the
    settings name are imported first.
    """
    with call.workspace() as workspace:
        settings = call.taken_in(workspace)
        with call.watching() as watch:
            found = workspace.plan(settings=settings, measure=measure, watch=watch)
    call.give(plain(found), lambda: _draw(found, with_rows=with_rows))


def _draw(found: Plan, *, with_rows: bool) -> None:
    if found.comments:
        columns = [_("comment"), _("wordings"), _("learn: in / near / out"), _("test: in / near / out"), _("shows from")]
        console.table(columns, [_row(item) for item in found.comments], right=(1, 2, 3, 4))
    for sentence in _sentences(found):
        console.lines(sentence)
    for number, stage in enumerate(found.stages, start=1):
        console.lines(*_stage(stage, f"{number}. " if len(found.stages) > 1 else ""))
    for item in found.comments:
        console.lines(*(f"! {item.text}: {warning}" for warning in item.warnings))
    console.lines(*(f"! {warning}" for warning in found.warnings))
    if with_rows:
        console.lines(*_painted(found))


def _painted(found: Plan) -> list[str]:
    """Return the rows, in colour on a terminal: learnt green, pushed down red, read only dim; elsewhere with marks."""
    if not console.in_colour():
        return list(found.shown)
    styles: dict[str, dict[str, Any]] = {"learnt": {"fg": "green"}, "lowered": {"fg": "red"}, "context": {"dim": True}}
    return ["".join(click.style(piece.text, **styles[piece.part]) for piece in row) for row in found.pieces]


def _row(item: CommentPlan) -> list[str]:
    return [item.text, str(item.families), _counts(item.learn), _counts(item.test), f"{item.detectable:+.2f}"]


def _counts(by_scope: Mapping[Scope, int]) -> str:
    return " / ".join(str(by_scope.get(scope, 0)) for scope in _SCOPES)


def _sentences(found: Plan) -> list[str]:
    sentence = _("Version {version}, method {method}: {answered} of {prompts} prompts answered; not met: {wanting}.")
    sentences = [
        sentence.format(
            version=found.version, method=found.method, answered=found.answered, prompts=found.prompts, wanting=found.wanting
        )
    ]
    if found.bound:
        sentences.append(_("Comments on single responses: {n}.").format(n=found.bound))
    if found.note:
        sentences.append(found.note)
    if found.note and not found.rows:
        return sentences
    if found.refused:
        return [*sentences, _("Training would be refused: {reason}").format(reason=found.refused)]
    rows = _("Rows: {rows}; tokens: {tokens}, of which are learnt: {targets}; the longest row: {longest}.")
    return [
        *sentences,
        rows.format(rows=found.rows, tokens=found.tokens, targets=found.targets, longest=found.longest),
        *_signs(found),
    ]


def _stage(stage: StagePlan, number: str) -> list[str]:
    """Return what is to be said of one training; of the only one, its rows were said before."""
    if stage.forecast is None:
        return (
            [number + _("{method} would be refused: {reason}").format(method=stage.method, reason=stage.refused)]
            if number
            else []
        )
    rows = _("{method}: {rows} rows of {tokens} tokens, {steps} steps.").format(
        method=stage.method, rows=stage.rows, tokens=stage.tokens, steps=stage.steps
    )
    return [*([number + rows] if number else []), *taking.sentences(stage.forecast, stage.choice)]


def _signs(found: Plan) -> list[str]:
    signs, measured, parts = found.signs, found.competence, []
    if signs.get("edit_ratio") is not None:
        parts.append(_("refinements change {share:.0%} of the words").format(share=signs["edit_ratio"]))
    if signs.get("length_ratio") is not None:
        parts.append(_("{ratio:.2f} times the length").format(ratio=signs["length_ratio"]))
    if signs.get("copied") is not None:
        parts.append(_("{share:.0%} repeat a comment").format(share=signs["copied"]))
    if signs.get("spanned"):
        sentence = _("{share:.0%} have spans, on {part:.0%} of their text")
        parts.append(sentence.format(share=signs["spanned"], part=signs["span_coverage"]))
    if measured:
        sentence = _("told the comment, the model puts right {told} of {n} answers (asked again without it: {again})")
        parts.append(sentence.format(told=measured.told, n=measured.n, again=measured.again))
    return [_("Examples: {facts}.").format(facts="; ".join(parts))] if parts else []
