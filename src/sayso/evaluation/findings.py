"""The lines of the gate's arithmetic: each an estimate, an interval, a margin, and whether the interval decides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import special

from sayso.evaluation import guards, statistics
from sayso.evaluation.settings import Gate
from sayso.evaluation.statistics import Interval
from sayso.evaluation.takes import TakeSettings
from sayso.i18n import gettext
from sayso.records import Finding, Heldout, Outcome, Take

_ = str  # marks a template for the catalogues; `say` translates it, so that records do not depend on a language
PRIMARY = frozenset({"gain", "leak", "drift", "heldout"})
"""Must be shown for a promotion; the other findings hold it back only when they are shown to fail."""
NUM_GUARDS = 5
"""Leak, drift, length, copying, repetition: each can refuse, so each gets its share of alpha; comments have their own."""
FULL = TakeSettings().full
"""From this rate on a comment has nothing to gain."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pairs:
    """Paired outcomes as numbers: changes of -1, 0 or 1, what was drawn together, and what stays fixed."""

    changes: tuple[int, ...]
    clusters: tuple[Any, ...]
    strata: tuple[Any, ...] | None

    @property
    def gained(self) -> int:
        return sum(change > 0 for change in self.changes)

    @property
    def lost(self) -> int:
        return sum(change < 0 for change in self.changes)

    @property
    def n(self) -> int:
        return len(self.changes)

    @property
    def estimate(self) -> float:
        return sum(self.changes) / self.n

    def interval(self, level: float, *, draws: int, seed: int) -> Interval:
        """Return the hull of the clustered bootstrap and Tango's interval: for clusters, and for rare changes."""
        drawn = statistics.paired_bootstrap(
            self.changes, self.clusters, strata=self.strata, level=level, draws=draws, seed=seed
        )
        score = statistics.tango(self.gained, self.lost, self.n, level=level)
        return (max(-1.0, min(drawn[0], score[0])), min(1.0, max(drawn[1], score[1])))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """A finding before its interval is known."""

    name: str
    estimate: float
    margin: float
    n: int
    template: str

    def finding(self, interval: Interval, *, passed: bool | None, fields: Mapping[str, Any] | None = None) -> Finding:
        """Return the finding; what its template shows are points or per cent unless `fields` say otherwise."""
        shown = {**_points(self.estimate, interval), "margin": f"{100 * self.margin:.1f}", "n": self.n, **(fields or {})}
        return Finding(
            name=self.name, estimate=self.estimate, interval=interval, margin=self.margin, passed=passed, n=self.n,
            sentence=self.template.format(**shown), template=self.template, fields=shown,
        )  # fmt: skip


def pairs(found: Sequence[Outcome], *, many_comments: int) -> _Pairs:
    """Say what of these outcomes is drawn together.

    With many comments: the probes of a comment. With fewer, the comments are fixed and the wordings of one thing (a family,
    else a prompt) are drawn within each; where a family serves several comments, over all of them.
    """
    changes = tuple(int(item.held_after) - int(item.held_before) for item in found)
    comments = tuple(item.comment_id for item in found)
    if len(set(comments)) >= many_comments:
        return _Pairs(changes=changes, clusters=comments, strata=None)
    families = tuple(item.prompt.family or item.prompt.id for item in found)
    shared = len(set(zip(families, comments, strict=True))) > len(set(families))
    return _Pairs(changes=changes, clusters=families, strata=None if shared else comments)


def could_gain(found: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes in scope, without the comments whose check held nearly everywhere both before and after.

    Such a comment had nothing to gain and lost nothing; it would only dilute what the others gained. One that held before
    and fell stays. Looking at one side alone would not do: whoever is chosen for a low rate before rises by luck.
    """
    inside = [item for item in found if item.scope == "in"]
    by_comment: dict[str, list[Outcome]] = {}
    for item in inside:
        by_comment.setdefault(item.comment_id, []).append(item)
    full = {
        comment_id
        for comment_id, own in by_comment.items()
        if min(sum(item.held_before for item in own), sum(item.held_after for item in own)) >= FULL * len(own)
    }
    return [item for item in inside if item.comment_id not in full]


def gain(found: Sequence[Outcome], gate: Gate, *, seed: int) -> Finding | None:
    """Is the effect in scope more frequent after training? None where nothing in scope could be gained."""
    inside = could_gain(found)
    if not inside:
        return None
    pair = pairs(inside, many_comments=gate.many_comments)
    interval = pair.interval(1 - gate.alpha, draws=gate.draws, seed=seed)
    p = statistics.mcnemar(pair.gained, pair.lost).exact
    passed = None
    if pair.n >= gate.min_probes:
        if interval[0] > gate.min_gain and p < gate.alpha:
            passed = True
        elif interval[1] < max(gate.worthwhile, gate.min_gain):
            passed = False
    left = len({item.comment_id for item in found if item.scope == "in"} - {item.comment_id for item in inside})
    line = _Line(name="gain", estimate=pair.estimate, margin=gate.min_gain, n=pair.n, template=_gain_template(left))
    return line.finding(interval, passed=passed, fields={"p": f"{p:.2g}", "left": left})


def _gain_template(left: int) -> str:
    if not left:
        return _("the gain in scope is {estimate} points ({low} to {high}) on {n} probes, McNemar's exact p = {p}")
    return _(
        "the gain in scope is {estimate} points ({low} to {high}) on {n} probes, McNemar's exact p = {p} (comments left "
        "out, whose check held before and after: {left})"
    )


def leak(found: Sequence[Outcome], gate: Gate, *, seed: int) -> Finding | None:
    """Does the effect stay away near the scope? None without probes near it."""
    template = _("near the scope the effect changed by {estimate} points ({low} to {high}; margin {margin}) on {n} probes")
    near = [item for item in found if item.scope == "near"]
    return _side("leak", near, gate, margin=gate.leak_margin, template=template, seed=seed)


def drift(found: Sequence[Outcome], gate: Gate, *, seed: int) -> Finding | None:
    """Does the effect stay away out of scope? None without probes out of scope."""
    template = _("out of scope the effect changed by {estimate} points ({low} to {high}; margin {margin}) on {n} probes")
    out = [item for item in found if item.scope == "out"]
    return _side("drift", out, gate, margin=gate.drift_margin, template=template, seed=seed)


def _side(name: str, found: Sequence[Outcome], gate: Gate, *, margin: float, template: str, seed: int) -> Finding | None:
    if not found:
        return None
    pair = pairs(found, many_comments=gate.many_comments)

    def at(level: float) -> Interval:
        return pair.interval(level, draws=gate.draws, seed=seed)

    return _guard(_Line(name=name, estimate=pair.estimate, margin=margin, n=pair.n, template=template), at, gate)


def _guard(line: _Line, at: Callable[[float], Interval], gate: Gate) -> Finding:
    """Compare a one-sided interval with its margin: below it passed, above it failed, else undecided.

    Passing needs every guard, so each is tested at alpha (Berger 1982, Technometrics 24:295); failing needs only one, so
    each is tested at alpha over the number of guards.
    """
    interval = at(1 - 2 * gate.alpha)
    passed = True if interval[1] < line.margin else None
    if interval[0] > line.margin and at(1 - 2 * gate.alpha / NUM_GUARDS)[0] > line.margin:
        passed = False
    return line.finding(interval, passed=passed)


def worst_comment(takes: Sequence[Take], found: Sequence[Outcome], gate: Gate) -> Finding | None:
    """Does any single comment do harm: leak, drift, or a loss in scope, beyond the margins?

    One score test for each comment and scope against its margin, adjusted by Holm for being looked at together, so that
    a comment that spills is not hidden among many that do not. The finding is the one with the smallest p. None with a
    single comment, whose harm the findings on leak and drift already are.
    """
    if len({item.comment_id for item in found}) < 2:
        return None
    margins = {"in": gate.leak_margin, "near": gate.leak_margin, "out": gate.drift_margin}
    tested = []
    for comment_id, scope in dict.fromkeys((item.comment_id, item.scope) for item in found):
        own = [item for item in found if item.comment_id == comment_id and item.scope == scope]
        up = sum(item.held_after and not item.held_before for item in own)
        down = sum(item.held_before and not item.held_after for item in own)
        bad, good = (down, up) if scope == "in" else (up, down)
        p = float(special.ndtr(-statistics.tango_score(bad, good, len(own), margins[scope])))
        tested.append((p, comment_id, scope, bad, good, len(own)))
    adjusted = statistics.holm([item[0] for item in tested])
    p, (_raw, comment_id, scope, bad, good, n) = min(zip(adjusted, tested, strict=True))
    interval = statistics.tango(bad, good, n, level=1 - 2 * gate.alpha)
    passed = True if interval[1] < margins[scope] else None
    if p < gate.alpha:
        passed = False
    text = next((take.text for take in takes if take.comment_id == comment_id), comment_id)
    line = _Line(name="comment", estimate=(bad - good) / n, margin=margins[scope], n=n, template=_worst_template(scope))
    return line.finding(interval, passed=passed, fields={"text": _short(text)})


def _worst_template(scope: str) -> str:
    if scope == "in":
        return _(
            "of all comments, {text} lost most: {estimate} points in scope ({low} to {high}; margin {margin}) on {n} probes"
        )
    if scope == "near":
        return _(
            "of all comments, {text} spilled most: {estimate} points near its scope ({low} to {high}; margin {margin}) "
            "on {n} probes"
        )
    return _(
        "of all comments, {text} spilled most: {estimate} points out of scope ({low} to {high}; margin {margin}) "
        "on {n} probes"
    )


def heldout_loss(heldout: Heldout | None, gate: Gate) -> Finding | None:
    """Is text that nobody commented on still as probable? None where it was not measured.

    The same tokens are scored twice without sampling, so the change is exact for them; its interval is a point.
    """
    if heldout is None or heldout.tokens == 0:
        return None
    rise = heldout.loss_after / heldout.loss_before - 1 if heldout.loss_before else float(heldout.loss_after > 0)
    margin = max(gate.heldout_margin, gate.heldout_floor / heldout.loss_before if heldout.loss_before else 0.0)
    passed: bool | None = rise <= margin
    if not passed and heldout.tokens < gate.min_heldout_tokens:
        passed = None
    template = _("held-out loss went from {before} to {after} nats a token ({estimate} %; margin {margin} %) on {n} tokens")
    line = _Line(name="heldout", estimate=rise, margin=margin, n=heldout.tokens, template=template)
    sides = {"before": f"{heldout.loss_before:.3f}", "after": f"{heldout.loss_after:.3f}"}
    return line.finding((rise, rise), passed=passed, fields=sides)


def length(found: Sequence[Outcome], heldout: Heldout | None, gate: Gate) -> Finding | None:
    """Are the answers out of scope as long as they were? None where it was not measured."""
    out = [item for item in found if item.scope == "out"]
    if not out and heldout is None:
        return None
    ratio = guards.length_ratio(out) if out or heldout is None else heldout.length_ratio
    interval = guards.length_interval(out, level=1 - 2 * gate.alpha) if out else (ratio, ratio)
    strict = guards.length_interval(out, level=1 - 2 * gate.alpha / NUM_GUARDS) if out else interval
    passed = True if gate.length_low <= interval[0] and interval[1] <= gate.length_high else None
    if strict[1] < gate.length_low or strict[0] > gate.length_high:
        passed = False
    margin = gate.length_low if ratio < 1 else gate.length_high
    template = _("answers out of scope have {ratio} times the words they had ({low} to {high}; allowed {least} to {most})")
    line = _Line(name="length", estimate=ratio, margin=margin, n=len(out), template=template)
    shown = {"ratio": f"{ratio:.2f}", "low": f"{interval[0]:.2f}", "high": f"{interval[1]:.2f}"}
    return line.finding(interval, passed=passed, fields={**shown, "least": gate.length_low, "most": gate.length_high})


def copying(found: Sequence[Outcome], heldout: Heldout | None, gate: Gate) -> Finding | None:
    """Do answers repeat the comment's own words? None where it was not measured."""
    if heldout is None or not found:
        return None
    n = len(found)
    copied = round(heldout.copying * n)
    template = _(
        "{estimate} points of the answers newly repeat a comment's words ({low} to {high}; margin {margin}), {n} answers"
    )

    def at(level: float) -> Interval:
        return statistics.wilson(copied, n, level=level)

    line = _Line(name="copying", estimate=heldout.copying, margin=gate.copying_margin, n=n, template=template)
    return _guard(line, at, gate)


def repetition(found: Sequence[Outcome], gate: Gate) -> Finding | None:
    """Are more answers empty or going round in circles than before? None without answers."""
    if not found:
        return None
    changed = [item for item in found if item.before != item.after]
    sides = [(guards.degenerate(item.before), guards.degenerate(item.after)) for item in changed]
    more, less = sum(after and not before for before, after in sides), sum(before and not after for before, after in sides)
    template = _(
        "{estimate} points more answers are empty or repeat themselves ({low} to {high}; margin {margin}), {n} answers"
    )

    def at(level: float) -> Interval:
        return statistics.tango(more, less, len(found), level=level)

    n = len(found)
    line = _Line(name="repetition", estimate=(more - less) / n, margin=gate.repetition_margin, n=n, template=template)
    return _guard(line, at, gate)


def say(finding: Finding) -> str:
    """Return a finding's sentence in the user's language."""
    return gettext(finding.template).format(**finding.fields) if finding.template else finding.sentence


def _points(estimate: float, interval: Interval) -> dict[str, str]:
    return {
        key: f"{100 * value:+.1f}" for key, value in zip(("estimate", "low", "high"), (estimate, *interval), strict=True)
    }


def _short(text: str, limit: int = 60) -> str:
    return f"“{text if len(text) <= limit else text[: limit - 1] + '…'}”"
