"""Make what was praised more probable and what was blamed less so, one response at a time."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sayso.losses.loss import Loss


def kto(
    apart: Float[Tensor, " N"],
    point: Float[Tensor, " N"],
    desirable: Bool[Tensor, " N"],
    weights: Float[Tensor, " N"],
    *,
    beta: float,
) -> Loss:
    """Return the loss of single responses, each with its sum of log pi - log pi_ref (`apart`) in nats.

    Source: Kahneman-Tversky Optimization (arXiv 2402.01306, eq. 7 and 8); with `point` 0 throughout it is the unpaired form
    of APO-zero (2408.06266, eq. 7).
    Loss: total = sum_n w_n (1 - sigma(+-beta (apart_n - point_n))), + where desirable; count = responses. `point` is what
    the model has moved on answers at large (`reference_point`) and carries no gradient.
    """
    distance = beta * (apart - point.detach())
    gains = torch.where(desirable, distance, -distance)
    sums = {"accuracy": float((gains > 0).sum()), "point": float(point.detach().sum())}
    return Loss(total=(weights * (1 - torch.sigmoid(gains))).sum(), count=float(apart.numel()), sums=sums)


def reference_point(mismatched: Float[Tensor, "G K"]) -> Float[Tensor, " G"]:
    """Return max(0, mean) of each group's sums of log pi - log pi_ref, over answers that belong to other prompts.

    Source: KTO (arXiv 2402.01306), the estimate of z0 = KL(pi || pi_ref) from mismatched pairs; in nats, without gradient.
    """
    return mismatched.detach().mean(dim=1).clamp(min=0)
