"""A whole round, drawn: the takes, the verdict, what it took, and where the report is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sayso.cli import console, takes
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.cli.options import Call
    from sayso.loop.rounds import LeftOut, Round


def give(call: Call, found: Round) -> int:
    """Print a round, and return the exit code of its verdict."""
    from sayso.loop.rounds import summary

    code = takes.exit_code(found.evaluation)
    console.warn(*(f"! {warning}" for warning in found.learnt.warnings))
    call.give({**summary(found), "exit_code": code}, lambda: _draw(found))
    return code


def _draw(found: Round) -> None:
    takes.draw(found.evaluation)
    console.lines(*_left_out(found.left_out))
    sentence = _("Champion: {champion} (candidate: {candidate}). Took {seconds:.0f} s. Report: {report}")
    console.lines(
        sentence.format(
            champion=found.champion, candidate=found.candidate, seconds=found.seconds["total"], report=found.report
        )
    )


def _left_out(found: LeftOut) -> list[str]:
    sentences = []
    if found.responses and found.reason:
        sentence = _("Responses left out, because they have comments but no refinement: {n}; most often: {reason}")
        sentences.append(sentence.format(n=found.responses, reason=found.reason))
    elif found.responses:
        sentences.append(
            _("Responses left out, because they have comments but no refinement: {n}.").format(n=found.responses)
        )
    for comment in found.comments:
        sentence = _("Nothing was learnt from {text!r}: no prompt to learn from is in its scope; give it probes in scope.")
        sentences.append(sentence.format(text=comment.text))
    return sentences
