"""Make given words less probable, without letting them fall or their gradient grow without limit."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sayso.losses.likelihood import nll
from sayso.losses.loss import Loss

NEAREST = 1e-4
"""Nats. From log p = -NEAREST on, log(1 - p) goes on as a straight line: float32 no longer tells 1 - p exactly there."""
_SLOPE = 1 / math.expm1(NEAREST)  # p / (1 - p) where the line begins


def log1mexp(logprobs: Float[Tensor, " M"]) -> Float[Tensor, " M"]:
    """Return log(1 - p) of each log p, exact to rounding, its gradient bounded.

    Source: Maechler, "Accurately computing log(1 - exp(-|a|))" (2012): log(-expm1) near 0 and log1p(-exp) elsewhere.
    Differs: beyond log p = -1e-4 it goes on as a straight line, so its slope stays below 1e4. The gradient by the logits is
    p or less everywhere, and reaches 0 where the model is certain.
    """
    near = logprobs.clamp(max=-NEAREST)
    value = torch.where(near > -math.log(2), torch.log(-torch.expm1(near)), torch.log1p(-near.exp()))
    return value - _SLOPE * torch.relu(logprobs + NEAREST)


def unlikelihood(logprobs: Float[Tensor, " M"], weights: Float[Tensor, " M"], *, gate: float | None = None) -> Loss:
    """Return the loss that makes targets less probable; those with -log p of `gate` nats or more are left alone.

    Source: unlikelihood training (arXiv 1908.04319); the gate is FIGA's (arXiv 2311.04072).
    Loss: total = -sum_m w_m [-log p_m < gate] log(1 - p_m), count = sum_m w_m; `sums["pushed"]` is the weight that was not
    left alone. Nothing is gained by pushing what is improbable already, and -log(1 - p) gives it next to no gradient.
    """
    pushed = weights if gate is None else weights * (logprobs.detach() > -gate)
    total = -(pushed * log1mexp(logprobs)).sum()
    return Loss(total=total, count=float(weights.sum()), sums={"pushed": float(pushed.sum())})


def edited(logprobs: Float[Tensor, " M"], weights: Float[Tensor, " M"], *, gate: float | None = None) -> Loss:
    """Return the loss that raises targets of positive weight and pushes down those of negative weight.

    Loss: total = -sum_{w>0} w_m log p_m - sum_{w<0} |w_m| [-log p_m < gate] log(1 - p_m), count = sum_m |w_m|: the mean over
    all that is marked. `sums["pushed"]` is the share of it that was pushed down.
    """
    raised, lowered = nll(logprobs, weights.clamp(min=0)), unlikelihood(logprobs, (-weights).clamp(min=0), gate=gate)
    return Loss(total=raised.total + lowered.total, count=raised.count + lowered.count, sums=lowered.sums)


def cut(
    plain: Float[Tensor, " M"],
    told: Float[Tensor, " M"],
    weights: Float[Tensor, " M"],
    faulty: Bool[Tensor, " M"],
    *,
    threshold: float,
    alpha: float,
) -> Loss:
    """Return the contrastive unlikelihood of responses, scored without (`plain`) and with what was said of them (`told`).

    Source: CUT (arXiv 2312.14591).
    Loss: total = 1/2 sum_m w_m (l_m - log q_m), count = sum_m w_m, with q_m told and p_m plain;
        l_m = -alpha log(1 - p_m)  where m is of a `faulty` response and sg[q_m / p_m] > threshold,
        l_m = -log p_m             everywhere else.
    `sums["pushed"]` is the share of the targets that were pushed down.
    """
    wrong = faulty & ((told - plain).detach() > math.log(threshold))
    learnt = torch.where(wrong, -alpha * log1mexp(plain), -plain)
    total = 0.5 * (weights * (learnt - told)).sum()
    return Loss(total=total, count=float(weights.sum()), sums={"pushed": float((weights * wrong).sum())})
