"""Is the candidate better than the champion, and are we sure?

A comment's probes are answered before and after training; `takes` counts on how many its check held (gain in scope, leak
near it, drift out of it) with intervals from `statistics`; `heldout` measures loss on text that nobody commented on and
`guards` watches length, copying and repetition. `gate` puts these together into a verdict (promote, refuse, unsure), and
`report` writes everything as one HTML file. Only `heldout` runs a model. How far the people who judge agree is told by
`agreement` (verdicts, kinds) and `overlap` (spans).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sayso.evaluation.settings import Gate
    from sayso.records import Comment, Heldout, Outcome, Take, Verdict

Held = Callable[[str], bool]
"""Whether a comment's check holds on an answer."""

PARTS = {
    "outcomes": "sayso.evaluation.takes:outcomes",
    "take": "sayso.evaluation.takes:take",
    "detectable": "sayso.evaluation.takes:detectable",
    "loss": "sayso.evaluation.heldout:loss",
    "decide": "sayso.evaluation.gate:decide",
    "report": "sayso.evaluation.report.report:write",
    "agreement": "sayso.evaluation.agreement:agree",
    "overlap": "sayso.evaluation.overlap:on_spans",
}


class Outcomes(Protocol):
    """Pairs the answers before and after on a comment's probes."""

    def __call__(
        self, comment: Comment, held: Held, before: Mapping[str, str], after: Mapping[str, str]
    ) -> tuple[Outcome, ...]:
        """Return one outcome a probe."""
        ...


class Decide(Protocol):
    """Turns measurements into a verdict; `sayso.evaluation.gate.decide` is one."""

    def __call__(
        self, takes: Sequence[Take], outcomes: Sequence[Outcome], heldout: Heldout | None, settings: Gate, *, seed: int
    ) -> Verdict:
        """Return promote, refuse or unsure with its arithmetic."""
        ...


__all__ = ["PARTS", "Decide", "Held", "Outcomes"]
