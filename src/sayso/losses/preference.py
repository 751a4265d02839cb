"""Make the better of two responses more probable than the worse, measured from where the model started."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from sayso.losses.loss import Loss

PairLoss = Literal["sigmoid", "apo_zero"]


def dpo(
    policy_sums: Float[Tensor, " R"],
    reference_sums: Float[Tensor, " R"],
    *,
    beta: float,
    loss_type: PairLoss = "sigmoid",
    sft_weight: float = 0.0,
    tokens: Float[Tensor, " R"] | None = None,
) -> Loss:
    """Return the preference loss of pairs: rows are chosen, rejected, chosen, rejected, each a sum of log-probabilities.

    Source: Direct Preference Optimization (arXiv 2305.18290, eq. 7); Anchored Preference Optimization (2408.06266, eq. 7).
    Loss: total = sum over pairs, count = pairs, with D = log pi - log pi_ref:
        sigmoid   -log sigma(beta (D_chosen - D_rejected))
        apo_zero  1 - sigma(beta D_chosen) + sigma(beta D_rejected)
        sft       + sft_weight * -log pi(chosen) / |chosen|, where `tokens` holds the targets of each row
    Differs: TRL's `sft` term averages over all chosen tokens of a batch; ours over each response first, so that the loss of
    a pair does not depend on the pairs beside it. With chosen responses of one length they are equal.
    """
    ratios = beta * (policy_sums - reference_sums)
    losses = _FORMS[loss_type](ratios[0::2], ratios[1::2])
    sums = {
        "margin": float((ratios[0::2] - ratios[1::2]).detach().sum()),
        "accuracy": float((ratios[0::2] > ratios[1::2]).sum()),
    }
    total = losses.sum()
    if sft_weight:
        assert tokens is not None, "the sft term needs the number of targets of each row"
        anchor = -(policy_sums[0::2] / tokens[0::2].clamp(min=1)).sum()
        total = total + sft_weight * anchor
        sums["sft"] = float(anchor.detach())
    return Loss(total=total, count=float(losses.numel()), sums=sums)


def _sigmoid(chosen: Float[Tensor, " G"], rejected: Float[Tensor, " G"]) -> Float[Tensor, " G"]:
    return -F.logsigmoid(chosen - rejected)


def _apo_zero(chosen: Float[Tensor, " G"], rejected: Float[Tensor, " G"]) -> Float[Tensor, " G"]:
    return 1 - torch.sigmoid(chosen) + torch.sigmoid(rejected)


_FORMS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"sigmoid": _sigmoid, "apo_zero": _apo_zero}
