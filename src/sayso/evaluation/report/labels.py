"""The words of the report in the user's language; the template only places them."""

from __future__ import annotations

from sayso.i18n import gettext as _


def verdicts() -> dict[str, str]:
    """Return what a verdict is called."""
    return {"promote": _("Promote"), "refuse": _("Refuse"), "unsure": _("Unsure")}


def takes() -> dict[str, str]:
    """Return what a take is called."""
    return {
        "took": _("took"),
        "partly": _("took partly"),
        "not": _("did not take"),
        "spilled": _("spilled"),
        "unmeasured": _("not measured"),
    }


def scopes() -> dict[str, str]:
    """Return what a scope is called."""
    return {"in": _("in scope"), "near": _("near the scope"), "out": _("out of scope")}


def findings() -> dict[str, str]:
    """Return what each line of the gate's arithmetic is called."""
    return {
        "gain": _("Gain in scope"),
        "leak": _("Leak near the scope"),
        "drift": _("Drift out of scope"),
        "heldout": _("Held-out loss, change"),
        "comment": _("Worst single comment"),
        "length": _("Length of answers"),
        "copying": _("Copying of comments"),
        "repetition": _("Empty or repeating answers"),
    }


def forms() -> dict[str, str]:
    """Return what a version's form is called."""
    return {"base": _("base model"), "full": _("full model"), "adapter": _("adapter")}


def words() -> dict[str, str]:
    """Return every heading, column and sentence of the page."""
    return {**_headings(), **_columns(), **_sentences()}


def _headings() -> dict[str, str]:
    return {
        "said": _("What was said"),
        "became": _("What became of it"),
        "rates": _("How often each comment's check held"),
        "retained": _("What was learnt earlier"),
        "examples": _("Before and after"),
        "arithmetic": _("How the gate decided"),
        "heldout": _("Held-out loss"),
        "training": _("Training"),
        "versions": _("Versions"),
        "repeat": _("How to repeat it"),
        "settings": _("Settings of the run"),
        "config": _("Configuration"),
    }


def _columns() -> dict[str, str]:
    return {
        "scope": _("Scope"),
        "before": _("Before"),
        "after": _("After"),
        "change": _("Change, points"),
        "interval": _("95 % interval"),
        "probes": _("Probes"),
        "comment": _("Comment"),
        "learnt_by": _("Learnt by"),
        "held_then": _("Held then"),
        "holds_now": _("Holds now"),
        "finding": _("Finding"),
        "estimate": _("Estimate"),
        "limits": _("Interval"),
        "margin": _("Margin"),
        "result": _("Result"),
        "passed": _("passed"),
        "failed": _("failed"),
        "undecided": _("not decided"),
        "version": _("Version"),
        "form": _("Form"),
        "parent": _("Learnt from"),
        "role": _("Role"),
        "created": _("Created"),
        "champion": _("champion"),
        "candidate": _("candidate"),
        "method": _("Method"),
        "steps": _("Steps"),
        "seconds": _("Seconds"),
        "prompt": _("Prompt"),
        "held": _("check held"),
        "missed": _("check did not hold"),
        "tokens": _("Tokens"),
        "setting": _("Setting"),
        "value": _("Value"),
    }


def _sentences() -> dict[str, str]:
    return {
        "no_verdict": _("The gate was not asked."),
        "no_comments": _("No comment was measured."),
        "plane": _(
            "Each point is a comment, with its number from the list above. Up is better: the check holds more often where "
            "it should. Right of the dashed line it spills: it also holds more often where it should not. A hollow point "
            "had no probes near its scope. Thin lines are 95 % intervals."
        ),
        "rates_note": _(
            "A check that holds more often in scope is a gain; near the scope it is a leak, out of scope a drift."
        ),
        "retained_note": _(
            "In scope, comments that were learnt on the way here and not in the last training: how often the check held "
            "after the version that learnt it, and how often it holds in the candidate."
        ),
        "examples_note": _("Struck out: only before. Underlined: only after."),
        "same": _("The answer did not change."),
        "empty": _("(empty answer)"),
        "arithmetic_note": _(
            "To promote, the gain must lie above its margin, and leak, drift and held-out loss below theirs, with the whole "
            "interval. The other lines refuse only when their whole interval is beyond the margin."
        ),
        "heldout_note": _("Nats per token on text that nobody commented on; lower is better."),
        "repeat_note": _("This command with this configuration gives the same result on the same machine."),
    }
