"""One published method, one file. A method is its settings and two answers: what to learn from, and the loss.

Methods do not see each other, the optimizer, the clock or the disk; `sayso.training` runs all of them in one loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from sayso.batches import Batch, Drawn, Row
    from sayso.losses.loss import Loss
    from sayso.models import Policy, Scorer
    from sayso.records import Example

METHODS = {
    "sft": "sayso.methods.sft:Sft",
    "refine_sft": "sayso.methods.refine_sft:RefineSft",
    "refine_dpo": "sayso.methods.refine_dpo:RefineDpo",
    "scoped": "sayso.methods.scoped:Scoped",
    "polarity": "sayso.methods.polarity:Polarity",
    "hindsight": "sayso.methods.hindsight:Hindsight",
    "conditional": "sayso.methods.conditional:Conditional",
    "critique": "sayso.methods.critique:Critique",
    "edit_weighted": "sayso.methods.edit_weighted:EditWeighted",
    "cut": "sayso.methods.cut:Cut",
    "feedback_rl": "sayso.methods.feedback_rl:FeedbackRl",
    "rationale": "sayso.methods.rationale:Rationale",
}


class Method(Protocol):
    """A published way to learn from language feedback: a frozen dataclass of its settings with two answers."""

    @property
    def group(self) -> int:
        """How many consecutive rows stay together (2 for a pair)."""

    @property
    def wants(self) -> frozenset[str]:
        """Which parts of an example it reads: response, comment, refinement, spans, scalar, check.

        Besides, which examples: `praise`, those of which only good was said; `anchors`, those near and out of scope.
        """

    @property
    def learning_rate(self) -> float:
        """The rate that suits this method with LoRA; `train.learning_rate` overrides it."""

    @property
    def uses_reference(self) -> bool:
        """Whether `loss` asks the reference; where it does not, none is kept and the policy stands in for it."""

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield what to learn from, whole groups, in the order of the examples."""

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the sum of the loss over a batch and what to divide it by.

        `reference` is `policy` as it was before training; its log-probabilities carry no gradient.
        """


@runtime_checkable
class OnPolicy(Protocol):
    """What a method may have besides: with `on_policy` true it is asked to draw new answers at every step."""

    @property
    def on_policy(self) -> bool:
        """Whether answers are drawn while training; otherwise it learns from its `rows` like any other."""

    def tasks(self, examples: Iterable[Example], policy: Policy) -> list[Any]:
        """Return what answers are drawn for (records; a step takes some), or raise PreflightError where none can be."""

    def draw(self, policy: Policy, tasks: Sequence[Any], *, step: int, seed: int) -> Drawn:
        """Return what one step learns from; the same policy, tasks, step and seed give the same."""


__all__ = ["METHODS", "Method", "OnPolicy"]
