"""A whole round, drawn: the takes, the verdict, what it took, and where the report is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sayso.cli import console, takes
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.cli.options import Call
    from sayso.loop.rounds import Round


def give(call: Call, found: Round) -> int:
    """Print a round, and return the exit code of its verdict."""
    from sayso.loop.rounds import summary

    code = takes.exit_code(found.evaluation)
    call.give({**summary(found), "exit_code": code}, lambda: _draw(found))
    return code


def _draw(found: Round) -> None:
    takes.draw(found.evaluation)
    sentence = _("Champion: {champion} (candidate: {candidate}). Took {seconds:.0f} s. Report: {report}")
    console.lines(
        sentence.format(
            champion=found.champion, candidate=found.candidate, seconds=found.seconds["total"], report=found.report
        )
    )
