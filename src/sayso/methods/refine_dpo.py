"""Prefer the refinement to the response it refines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from sayso.batches import Batch, Row, row
from sayso.errors import SettingsError
from sayso.losses.preference import PairLoss, dpo, length_weights

if TYPE_CHECKING:
    from sayso.losses.loss import Loss
    from sayso.models import Policy, Scorer
    from sayso.records import Example


@dataclass(frozen=True, kw_only=True, slots=True)
class RefineDpo:
    """Prefer the refinement to the response it refines.

    Source:
        Direct Preference Optimization (arXiv 2305.18290) on pairs of a response and its revision: Direct Principle Feedback
        (arXiv 2402.07896), CLAIR and Anchored Preference Optimization (arXiv 2408.06266); Identity Preference Optimization
        (arXiv 2310.12036); Length-Desensitized DPO (arXiv 2409.06411).
    Wants:
        A response and its refinement; smaller edits make clearer pairs (CLAIR).
    Loss:
        sigmoid: -log sigma(beta (D(refinement) - D(response))), D = log pi - log pi_ref;
        apo_zero: 1 - sigma(beta D(refinement)) + sigma(beta D(response));
        apo_down: sigma(beta D(refinement)) + 1 - sigma(beta (D(refinement) - D(response)));
        ipo: (D(refinement) / |refinement| - D(response) / |response| - 1 / (2 beta))^2;
        all + sft_weight * -log pi(refinement) / |refinement|; averaged over the pairs of a step.
    Differs:
        The sft term is on by default, because pairs that share most of their words otherwise lose likelihood on both sides;
        it is averaged over each refinement first, where TRL averages over all tokens of a batch.
    """

    learning_rate: float = 2e-4
    """Peak rate with LoRA on a model of about half a billion parameters; one of a few million wants 1.5e-3 to 1.4e-2."""
    beta: float = 0.1
    """How closely the policy is held to the reference; larger holds closer."""
    loss_type: PairLoss = "sigmoid"
    """`apo_zero` raises the refinement and lowers the response separately: for refinements better than the model writes;
    `apo_down` lowers both, the response more: for refinements worse than that; `ipo` seeks a margin of 1/(2 beta) a token.
    """
    sft_weight: float = 0.3
    """Weight of the refinement's own likelihood beside the preference; 0 is plain DPO."""
    ld_alpha: float = 1.0
    """What a token counts beyond the length of the shorter side; below 1 length is preferred less, 1 is plain DPO."""

    def __post_init__(self) -> None:
        if not self.beta > 0:
            raise SettingsError("{key}: found {found!r}; expected a number above 0", key="beta", found=self.beta)
        if not 0 <= self.ld_alpha <= 1:
            raise SettingsError("{key}: found {found!r}; expected a number from 0 to 1", key="ld_alpha", found=self.ld_alpha)

    @property
    def group(self) -> int:
        """The refinement's row, then the response's."""
        return 2

    @property
    def wants(self) -> frozenset[str]:
        """It reads the response and the refinement."""
        return frozenset({"response", "refinement"})

    @property
    def uses_reference(self) -> bool:
        """The ratio is taken to the frozen model."""
        return True

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield two rows an example that has both: chosen (the refinement), then rejected (the response)."""
        for example in examples:
            if example.refinement is None or example.response is None:
                continue
            context = policy.encode_prompt(example.prompt)
            label = example.label
            for text in (example.refinement.text, example.response.text):
                yield row(context, policy.encode_response(text), label=label)

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the preference loss summed over pairs, and the number of pairs."""
        with torch.no_grad():
            held = reference.token_logprobs(batch)
        now = policy.token_logprobs(batch)
        weights = batch.weights * length_weights(batch.row_of, alpha=self.ld_alpha)
        return dpo(
            batch.row_sums(weights * now),
            batch.row_sums(weights * held),
            beta=self.beta,
            loss_type=self.loss_type,
            sft_weight=self.sft_weight,
            tokens=batch.row_sums(batch.weights),
            likelihoods=batch.row_sums(batch.weights * now),
        )
