"""Hold a model on answers of its own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from sayso.losses.loss import Loss


def anchor(
    logprobs: Float[Tensor, " M"],
    row_of: Int[Tensor, " M"],
    *,
    kl_share: float = 0.0,
    divergence: Float[Tensor, " M"] | None = None,
) -> Loss:
    """Return how far a model has left the answers in the rows, averaged over the tokens of each row, summed over rows.

    Source: the anchor of C3PO (arXiv 2402.10893, eq. 5), at temperature 1.
    Loss: total = sum over rows of mean_t ((1 - kl_share) -log p_t + kl_share KL_t), count = rows. `divergence` is
    KL(pi_ref || pi) at each target (see `divergence`), needed where `kl_share` is not 0.
    """
    losses = -(1 - kl_share) * logprobs
    if kl_share:
        assert divergence is not None, "a share of divergence needs the divergence at each target"
        losses = losses + kl_share * divergence
    lengths = torch.bincount(row_of)
    means = losses / lengths[row_of]
    return Loss(total=means.sum(), count=float((lengths > 0).sum()))


def divergence(reference: Float[Tensor, "M V"], policy: Float[Tensor, "M V"]) -> Float[Tensor, " M"]:
    """Return KL(reference || policy) at every target, in nats, of log-probabilities; the reference's carry no gradient."""
    return F.kl_div(policy, reference.detach(), log_target=True, reduction="none").sum(dim=1)
