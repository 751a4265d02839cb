"""Make given words more probable."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from sayso.losses.loss import Loss


def nll(logprobs: Float[Tensor, " M"], weights: Float[Tensor, " M"]) -> Loss:
    """Return the weighted negative log-likelihood of the targets, in nats.

    Source: cross-entropy as in any supervised fine-tuning; with all weights 1 it is transformers' `model(labels=...)`.
    Loss: total = -sum_m w_m log p_m, count = sum_m w_m. Weights must not be negative: a likelihood pushed down is unbounded.
    """
    return Loss(total=-(weights * logprobs).sum(), count=float(weights.sum()))
