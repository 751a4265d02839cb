"""Mathematics on tensors: every loss takes log-probabilities of targets and returns a sum and what to divide it by.

No model and no record is known here. Letters: M targets in a batch, R rows, G groups, V vocabulary. Only the training loop
divides, once, by the total count over all micro-batches: a loss never returns a mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sayso.losses.loss import Loss as Loss

LOSSES = {
    "nll": "sayso.losses.likelihood:nll",
    "smoothed": "sayso.losses.likelihood:smoothed",
    "dpo": "sayso.losses.preference:dpo",
    "kto": "sayso.losses.polarity:kto",
    "anchor": "sayso.losses.anchoring:anchor",
    "hindsight": "sayso.losses.distillation:hindsight",
    "contrast": "sayso.losses.distillation:contrast",
    "kl": "sayso.losses.distillation:kl",
    "unlikelihood": "sayso.losses.unlikelihood:unlikelihood",
    "edited": "sayso.losses.unlikelihood:edited",
    "cut": "sayso.losses.unlikelihood:cut",
    "right_reasons": "sayso.losses.rationale:right_reasons",
    "clipped": "sayso.losses.policy_gradient:clipped",
    "advantage_weighted": "sayso.losses.policy_gradient:advantage_weighted",
    "shaped": "sayso.losses.policy_gradient:shaped",
}

__all__ = ["LOSSES"]
