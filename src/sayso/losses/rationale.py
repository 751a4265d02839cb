"""Be right for the right reasons: the answer must not rest on other words than those that were marked."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from sayso.losses.loss import Loss


def right_reasons(
    logprobs: Float[Tensor, " M"],
    weights: Float[Tensor, " M"],
    gradient: Float[Tensor, "R T D"],
    beside: Float[Tensor, "R T"],
    *,
    penalty: float,
) -> Loss:
    """Return the negative log-likelihood of the classes, and what the answer rests on beside the marked words.

    `gradient` is d(sum_k log p_k)/d(input), D numbers a token; `beside` is 1 at words that the answer must not rest on.
    Source: Ross, Hughes and Doshi-Velez 2017 (arXiv 1703.03717, section 3), without the weights' decay, which is the
    optimizer's.
    Loss: total = -sum_m w_m log p_m + penalty sum_r sum_t beside_rt |gradient_rt|^2, count = sum_m w_m.
    Reported: `nll` and `beside`, the two sums.
    """
    likely = -(weights * logprobs).sum()
    rests = (gradient.square().sum(dim=2) * beside).sum()
    sums = {"nll": float(likely.detach()), "beside": float(rests.detach())}
    return Loss(total=likely + penalty * rests, count=float(weights.sum()), sums=sums)
