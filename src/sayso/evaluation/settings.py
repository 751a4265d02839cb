"""What the gate asks before a candidate replaces a champion."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """Margins and levels of the gate. Rates are shares: 0.1 is ten points."""

    alpha: float = 0.05
    """Error level: two-sided for the gain, one-sided for every guard."""
    power: float = 0.8
    """Of the number of further probes that an `unsure` asks for."""
    min_gain: float = 0.0
    """The gain in scope must be shown to be above this."""
    worthwhile: float = 0.1
    """A gain that matters; the candidate is refused once a gain as large as this is excluded."""
    leak_margin: float = 0.1
    """The effect near the scope must be shown to have risen by less than this."""
    drift_margin: float = 0.1
    """The same out of scope."""
    heldout_margin: float = 0.03
    """Held-out loss may rise by this share of itself."""
    heldout_floor: float = 0.02
    """In nats per token: held-out loss may always rise by this much, for 3 % of a loss near 0 is nothing."""
    min_heldout_tokens: int = 200
    """On fewer tokens, held-out loss above its margin refuses nothing: it is undecided."""
    length_low: float = 0.5
    """Answers out of scope may shrink to this share of their words."""
    length_high: float = 2.0
    """Or grow to this multiple."""
    copying_margin: float = 0.05
    """Share of answers that may newly repeat a comment's words."""
    repetition_margin: float = 0.05
    """Share of answers that may newly be empty or repeat themselves."""
    min_probes: int = 10
    """With fewer probes in scope the gate is unsure whatever they say."""
    many_comments: int = 10
    """From this many comments on they are a sample of what could be said, and are drawn anew; below, the comments stay and
    their probes are drawn."""
    draws: int = 10_000
    """Of the bootstrap."""
