"""The gate: promote, refuse, or say that it cannot be told yet and how many probes are missing.

How it decides, with the arithmetic, is told in `docs/explanation/gate.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from sayso.evaluation import findings, statistics
from sayso.evaluation.settings import Gate
from sayso.i18n import gettext
from sayso.records import Decision, Finding, Heldout, Outcome, Take, Verdict

_ = str  # marks a template for the catalogues; `say` translates it, so that records do not depend on a language
EXIT_CODES: dict[Decision, int] = {"promote": 0, "refuse": 3, "unsure": 4}
_DEFAULT = Gate()
_MOST = 100_000
"""No request for more probes goes beyond this."""
_FEWEST = 10
"""Nor below this: one or two probes more would decide nothing."""


def decide(
    takes: Sequence[Take], outcomes: Sequence[Outcome], heldout: Heldout | None, settings: Gate = _DEFAULT, *, seed: int
) -> Verdict:
    """Say whether the candidate may replace the champion.

    `promote`: the gain in scope is shown, leak, drift and held-out loss are shown to stay within their margins wherever they
    were measured, and no other guard is shown to fail. `refuse`: a harm is shown, or a gain that matters is excluded.
    `unsure`: anything else, with the number of further probes that would decide it.
    """
    found = _findings(takes, outcomes, heldout, settings, seed)
    failed = next((item for item in found if item.passed is False and item.name != "gain"), None)
    if failed is not None:
        return _verdict("refuse", _("Harm is shown: {finding}."), found, {"finding": failed.name})
    gain = next((item for item in found if item.name == "gain"), None)
    if gain is None:
        return _nothing_to_gain(outcomes, found, settings)
    if gain.passed is False:
        template = _("A gain that matters ({worthwhile} points) is excluded: {finding}.")
        return _verdict("refuse", template, found, {"finding": "gain", "worthwhile": f"{100 * settings.worthwhile:.0f}"})
    undecided = [item for item in found if item.passed is None and item.name in findings.PRIMARY]
    return _unsure(undecided, found, settings) if undecided else _promote(found)


def say(verdict: Verdict) -> str:
    """Return a verdict's reason in the user's language."""
    if not verdict.template:
        return verdict.reason
    fields = dict(verdict.fields)
    named = next((item for item in verdict.findings if item.name == fields.get("finding")), None)
    if named is not None:
        fields["finding"] = findings.say(named)
    if "what" in fields:
        fields["what"] = gettext(fields["what"])
    if "missing" in fields:
        fields["missing"] = gettext(", ").join(gettext(word) for word in fields["missing"])
    return gettext(verdict.template).format(**fields)


def _verdict(
    decision: Decision,
    template: str,
    found: tuple[Finding, ...],
    fields: Mapping[str, Any] | None = None,
    *,
    needed: int = 0,
) -> Verdict:
    shown = {**(fields or {}), "needed": needed}
    sentences = {item.name: item.sentence for item in found}
    words = {**shown, "finding": sentences.get(shown.get("finding", ""), ""), "missing": ", ".join(shown.get("missing", ()))}
    return Verdict(
        verdict=decision, reason=template.format(**words), findings=found, needed=needed, template=template, fields=shown
    )


def _findings(
    takes: Sequence[Take], outcomes: Sequence[Outcome], heldout: Heldout | None, settings: Gate, seed: int
) -> tuple[Finding, ...]:
    found = (
        findings.gain(outcomes, settings, seed=seed),
        findings.leak(outcomes, settings, seed=seed),
        findings.drift(outcomes, settings, seed=seed),
        findings.heldout_loss(heldout, settings),
        findings.worst_comment(takes, outcomes, settings),
        findings.length(outcomes, heldout, settings),
        findings.copying(outcomes, heldout, settings),
        findings.repetition(outcomes, settings),
    )
    return tuple(item for item in found if item is not None)


def _promote(found: tuple[Finding, ...]) -> Verdict:
    names = {"leak": _("leak"), "drift": _("drift"), "heldout": _("held-out loss")}
    missing = [word for name, word in names.items() if all(item.name != name for item in found)]
    if not missing:
        return _verdict("promote", _("Better, and no guard fails: {finding}."), found, {"finding": "gain"})
    template = _("Better, and no guard fails: {finding} (not measured: {missing}).")
    return _verdict("promote", template, found, {"finding": "gain", "missing": missing})


def _nothing_to_gain(outcomes: Sequence[Outcome], found: tuple[Finding, ...], settings: Gate) -> Verdict:
    if any(item.scope == "in" for item in outcomes):
        template = _(
            "Cannot tell: every comment's check held before training already, so that nothing could be gained; give at "
            "least {needed} probes in scope where it does not hold yet, or withdraw the comment."
        )
    else:
        template = _("Cannot tell: no comment has a check and probes in scope; give at least {needed}.")
    return _verdict("unsure", template, found, needed=settings.min_probes)


def _unsure(undecided: Sequence[Finding], found: tuple[Finding, ...], settings: Gate) -> Verdict:
    needed, most = max(((_needed(item, settings), item) for item in undecided), key=lambda pair: pair[0])
    asked = {
        "gain": _("probes in scope"),
        "leak": _("probes near the scope"),
        "drift": _("probes out of scope"),
        "heldout": _("held-out tokens"),
    }
    template = _("Cannot tell yet: {finding}; more {what} that would decide it: about {needed}.")
    return _verdict("unsure", template, found, {"finding": most.name, "what": asked[most.name]}, needed=needed)


def _needed(finding: Finding, settings: Gate) -> int:
    """Return how many more probes would decide this finding with the settings' power, if rates stay as they are.

    The interval tells the standard deviation of one probe (clusters included); n = ((z_a + z_b) sd / distance)², where the
    distance is from the estimate to what the interval must exclude.
    """
    if finding.name == "heldout":
        return max(_FEWEST, settings.min_heldout_tokens - finding.n)
    tail = settings.alpha / 2 if finding.name == "gain" else settings.alpha
    reach = float(stats.norm.isf(tail)) + float(stats.norm.ppf(settings.power))
    half = (finding.interval[1] - finding.interval[0]) / 2
    sd = half / float(stats.norm.isf(tail)) * np.sqrt(finding.n)
    if finding.name == "gain":
        least = settings.worthwhile / 2
        distance = max(finding.estimate - settings.min_gain, settings.worthwhile - finding.estimate, least)
        floor = max(settings.min_probes, statistics.needed(1.0, 1.0, alpha=settings.alpha))
    else:
        distance = max(abs(finding.margin - finding.estimate), finding.margin / 2)
        # Even if no probe ever changes, Tango's limit z²/(n + z²) is under the margin only from here on.
        floor = int(np.ceil(stats.norm.isf(tail) ** 2 * (1 - finding.margin) / finding.margin))
    total = int(np.ceil((reach * sd / distance) ** 2))
    return min(_MOST, max(_FEWEST, total - finding.n, floor - finding.n))


__all__ = ["EXIT_CODES", "Gate", "decide", "say"]
