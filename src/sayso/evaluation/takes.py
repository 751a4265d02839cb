"""Did a comment take? Its check before and after, in scope, near it and out of it; and a name for what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sayso.errors import RecordError
from sayso.evaluation.statistics import minimum_detectable, tango
from sayso.records import Comment, Outcome, Rate, Scope, Take, TakeName

SCOPES: tuple[Scope, ...] = ("in", "near", "out")


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeSettings:
    """What a take is called."""

    took_gain: float = 0.5
    """A gain from here on is `took`."""
    took_share: float = 0.8
    """So is a smaller gain that is this share of what could be gained (1 minus the rate before)."""
    spill_margin: float = 0.1
    """A leak or drift beyond this, whose interval excludes 0, is `spilled`."""
    full: float = 0.95
    """From this rate before training on there is nothing to be gained."""
    level: float = 0.95
    """Of the intervals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Detectable:
    """How many probes a comment has in a scope, and the smallest change they would show with 80 % power."""

    comment_id: str
    text: str
    scope: Scope
    n: int
    change: float
    """1 where no change would be shown."""


def detectable(comments: Sequence[Comment], *, discordance: float = 0.3) -> tuple[Detectable, ...]:
    """Return what the probes of each comment can show, before anything is trained.

    `discordance` is the share of probes expected to change either way.
    """
    return tuple(
        Detectable(comment_id=comment.id, text=comment.text, scope=scope, n=n, change=minimum_detectable(n, discordance))
        for comment in comments
        for scope, n in _counts(comment).items()
    )


def _counts(comment: Comment) -> dict[Scope, int]:
    counts = {scope: sum(probe.scope == scope for probe in comment.probes) for scope in SCOPES}
    return {scope: n for scope, n in counts.items() if n or scope == "in"}


def outcomes(
    comment: Comment, held: Callable[[str], bool], before: Mapping[str, str], after: Mapping[str, str]
) -> tuple[Outcome, ...]:
    """Return one outcome a probe of `comment`; `before` and `after` are the answers by prompt id.

    Raises:
        RecordError: a probe was answered on one side only, or on none.
    """
    return tuple(
        Outcome(
            comment_id=comment.id, scope=probe.scope, prompt=probe.prompt,
            before=(old := _answer(before, probe.prompt.id, probe.prompt.text, "before")),
            after=(new := _answer(after, probe.prompt.id, probe.prompt.text, "after")),
            held_before=held(old), held_after=held(new),
        )
        for probe in comment.probes
    )  # fmt: skip


def _answer(answers: Mapping[str, str], prompt_id: str, text: str, side: str) -> str:
    try:
        return answers[prompt_id]
    except KeyError as error:
        raise RecordError(
            "probe {prompt_id} ({text!r}) has no answer {side} training; answer every probe with both models",
            prompt_id=prompt_id,
            text=text[:80],
            side=side,
        ) from error


_DEFAULT = TakeSettings()


def take(comment: Comment, found: Sequence[Outcome], settings: TakeSettings = _DEFAULT) -> Take:
    """Return what became of `comment`: a rate for each scope that has outcomes, and the take's name.

    An outcome of another comment is passed over. See `name` for the rule.
    """
    own = [outcome for outcome in found if outcome.comment_id == comment.id]
    inside, near, out = (rate([item for item in own if item.scope == scope], level=settings.level) for scope in SCOPES)
    called = name(inside, near, out, keep=comment.kind == "keep", settings=settings)
    return Take(comment_id=comment.id, text=comment.text, take=called, inside=inside, near=near, out=out)


def rate(found: Sequence[Outcome], *, level: float = 0.95) -> Rate | None:
    """Return how often the check held before and after, with Tango's interval of the change; None without outcomes."""
    n = len(found)
    if n == 0:
        return None
    before, after = sum(item.held_before for item in found), sum(item.held_after for item in found)
    gained = sum(item.held_after and not item.held_before for item in found)
    interval = tango(gained, gained - (after - before), n, level=level)
    return Rate(before=before / n, after=after / n, n=n, interval=interval)


def name(inside: Rate | None, near: Rate | None, out: Rate | None, *, keep: bool, settings: TakeSettings) -> TakeName:
    """Name a take; the first rule that fits.

    1. `unmeasured`: no probe in scope.
    2. `spilled`: leak or drift above `spill_margin`, with an interval that excludes 0.
    3. Nothing to gain (rate before at least `full`): `not` if the change's interval is below 0; `took` if the comment
       asked to keep what was there; else `unmeasured`.
    4. `took`: a gain of `took_gain`, or of `took_share` of what could be gained, with an interval that excludes 0.
    5. `partly`: a gain whose interval excludes 0, or one large enough for `took` on too few probes to be sure.
    6. `not`.
    """
    if inside is None:
        return "unmeasured"
    if any(_spilled(side, settings.spill_margin) for side in (near, out)):
        return "spilled"
    if inside.before >= settings.full:
        return _kept(inside, keep=keep)
    large = inside.change >= min(settings.took_gain, settings.took_share * (1 - inside.before))
    sure = inside.interval[0] > 0
    if large and sure:
        return "took"
    return "partly" if large or sure else "not"


def _spilled(side: Rate | None, margin: float) -> bool:
    return side is not None and side.change > margin and side.interval[0] > 0


def _kept(inside: Rate, *, keep: bool) -> TakeName:
    if inside.interval[1] < 0:
        return "not"
    return "took" if keep else "unmeasured"
