"""Imitate the refinement: fine-tune on the better response to the same prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sayso.batches import Batch, Row, row
from sayso.losses.likelihood import nll

if TYPE_CHECKING:
    from sayso.losses.loss import Loss
    from sayso.models import Policy, Scorer
    from sayso.records import Example


@dataclass(frozen=True, kw_only=True, slots=True)
class RefineSft:
    """Imitate the refinement: fine-tune on the better response to the same prompt.

    Source:
        Imitation learning from Language Feedback (arXiv 2204.14146; at scale 2303.16755, section 3).
    Wants:
        A refinement of each response, by a person, a rule or a model. The comment is not read: it went into the refinement.
    Loss:
        -sum_t log pi(refinement_t | prompt, refinement_<t), averaged over all refinement tokens of a step.
    Differs:
        The paper draws several refinements and selects one; that is the refiner's work here (`sayso.critics`). The paper
        starts again from the pretrained model each round; here training goes on from the version it is given.
    """

    learning_rate: float = 4e-4
    """Peak rate with LoRA on a model of about half a billion parameters; one of a few million wants 3e-3 to 1.4e-2."""

    @property
    def group(self) -> int:
        """One row stands alone."""
        return 1

    @property
    def wants(self) -> frozenset[str]:
        """It reads the refinement."""
        return frozenset({"refinement"})

    @property
    def uses_reference(self) -> bool:
        """The frozen model is not asked."""
        return False

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield one row an example that has a refinement: the prompt as context, the refinement to learn."""
        for example in examples:
            if example.refinement is None:
                continue
            label = example.label
            yield row(policy.encode_prompt(example.prompt), policy.encode_response(example.refinement.text), label=label)

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the negative log-likelihood of the refinements and the number of their tokens."""
        return nll(policy.token_logprobs(batch), batch.weights)
