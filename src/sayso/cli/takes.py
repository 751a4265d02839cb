"""An evaluation as a table: one row a comment, and the verdict under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sayso.cli import console
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.records import Evaluation, Rate

EXIT_CODES = {"promote": 0, "refuse": 3, "unsure": 4}


def draw(evaluation: Evaluation) -> None:
    """Draw the takes with their intervals, and the verdict with its reason."""
    columns = [_("comment"), _("take"), _("gain"), _("leak"), _("drift")]
    rows = [
        [take.text, named(take.take), _rate(take.inside), _rate(take.near), _rate(take.out)] for take in evaluation.takes
    ]
    if rows:
        console.table(columns, rows, right=(2, 3, 4))
    if evaluation.retained:
        _draw_retained(evaluation)
    if evaluation.verdict is not None:
        from sayso.evaluation.gate import say

        verdict = evaluation.verdict
        console.lines(_("Verdict: {verdict}. {reason}").format(verdict=named(verdict.verdict), reason=say(verdict)))


def _draw_retained(evaluation: Evaluation) -> None:
    """Draw what is left of the comments that were learnt earlier, in scope."""
    columns = [_("learnt earlier"), _("by"), _("held then"), _("holds now"), _("change")]
    rows = [
        [item.text, item.version, f"{item.rate.before:.0%}", f"{item.rate.after:.0%}", _rate(item.rate)]
        for item in evaluation.retained
    ]
    console.table(columns, rows, right=(2, 3, 4))


def exit_code(evaluation: Evaluation) -> int:
    """Return 0 for promote, 3 for refuse, 4 for unsure."""
    return EXIT_CODES[evaluation.verdict.verdict] if evaluation.verdict else EXIT_CODES["unsure"]


def form(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as the JSON object that `evaluate` and `gate` print."""
    from sayso.loop.rounds import retained_form, take_form
    from sayso.records import plain

    verdict = evaluation.verdict
    return {
        "evaluation": evaluation.id,
        "verdict": verdict.verdict if verdict else None,
        "reason": verdict.reason if verdict else "",
        "needed": verdict.needed if verdict else 0,
        "champion": evaluation.champion,
        "candidate": evaluation.candidate,
        "comments": [take_form(take) for take in evaluation.takes],
        "retained": [retained_form(item) for item in evaluation.retained],
        "heldout": plain(evaluation.heldout) if evaluation.heldout else {},
        "findings": [plain(finding) for finding in verdict.findings] if verdict else [],
    }


def named(word: str) -> str:
    """Return a take or a verdict in the user's language."""
    words = {
        "took": _("took"), "partly": _("partly"), "not": _("did not take"), "spilled": _("spilled"),
        "unmeasured": _("not measured"), "promote": _("promote"), "refuse": _("refuse"), "unsure": _("unsure"),
    }  # fmt: skip
    return words[word]


def _rate(rate: Rate | None) -> str:
    if rate is None:
        return "–"
    low, high = rate.interval
    return f"{rate.change:+.2f} [{low:+.2f}, {high:+.2f}] n={rate.n}"
