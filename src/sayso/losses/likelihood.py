"""Make given words more probable."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

from sayso.losses.loss import Loss


def nll(logprobs: Float[Tensor, " M"], weights: Float[Tensor, " M"]) -> Loss:
    """Return the weighted negative log-likelihood of the targets, in nats.

    Source: cross-entropy as in any supervised fine-tuning; with all weights 1 it is transformers' `model(labels=...)`.
    Loss: total = -sum_m w_m log p_m, count = sum_m w_m. Weights must not be negative: a likelihood pushed down is unbounded.
    """
    return Loss(total=-(weights * logprobs).sum(), count=float(weights.sum()))


def smoothed(
    distributions: Float[Tensor, "M V"], targets: Int[Tensor, " M"], weights: Float[Tensor, " M"], *, share: float
) -> Loss:
    """Return the weighted cross-entropy with targets a `share` of which is spread over the whole vocabulary, in nats.

    Source: label smoothing, Szegedy et al. 2016 (arXiv 1512.00567, section 7); as in transformers' LabelSmoother.
    Loss: total = -sum_m w_m ((1 - share) log p_m(target) + share mean_v log p_m(v)), count = sum_m w_m.
    Reported: `nll`, the loss without smoothing.
    """
    likely = distributions.gather(1, targets[:, None]).squeeze(1)
    plain = -(weights * likely).sum()
    spread = -(weights * distributions.mean(dim=1)).sum()
    return Loss(total=(1 - share) * plain + share * spread, count=float(weights.sum()), sums={"nll": float(plain.detach())})
