"""Make the better of two responses more probable than the worse, measured from where the model started."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from sayso.losses.loss import Loss

PairLoss = Literal["sigmoid", "apo_zero", "apo_down", "ipo"]


def dpo(
    policy_sums: Float[Tensor, " R"],
    reference_sums: Float[Tensor, " R"],
    *,
    beta: float,
    loss_type: PairLoss = "sigmoid",
    sft_weight: float = 0.0,
    tokens: Float[Tensor, " R"] | None = None,
    likelihoods: Float[Tensor, " R"] | None = None,
) -> Loss:
    """Return the preference loss of pairs: rows are chosen, rejected, chosen, rejected, each a sum of log-probabilities.

    Source: Direct Preference Optimization (arXiv 2305.18290, eq. 7); Anchored Preference Optimization (2408.06266, eq. 7
    and 8); Identity Preference Optimization (2310.12036, eq. 17), normalised by length as its authors do.
    Loss: total = sum over pairs, count = pairs, with D = log pi - log pi_ref:
        sigmoid   -log sigma(beta (D_chosen - D_rejected))
        apo_zero  1 - sigma(beta D_chosen) + sigma(beta D_rejected)
        apo_down  sigma(beta D_chosen) + 1 - sigma(beta (D_chosen - D_rejected))
        ipo       (D_chosen / |chosen| - D_rejected / |rejected| - 1 / (2 beta))^2
        sft       + sft_weight * -log pi(chosen) / |chosen|
    `tokens` holds the targets of each row, which ipo and sft divide by. `likelihoods` are log pi of the rows for sft, where
    `policy_sums` are weighted (`length_weights`).
    Differs: TRL's `sft` term averages over all chosen tokens of a batch; ours over each response first, so that the loss of
    a pair does not depend on the pairs beside it. With chosen responses of one length they are equal.
    """
    apart = policy_sums - reference_sums
    ratios = beta * apart
    if loss_type == "ipo":
        assert tokens is not None, "ipo needs the number of targets of each row"
        losses = _ipo(apart / tokens.clamp(min=1), beta)
    else:
        losses = _FORMS[loss_type](ratios[0::2], ratios[1::2])
    sums = {
        "margin": float((ratios[0::2] - ratios[1::2]).detach().sum()),
        "accuracy": float((ratios[0::2] > ratios[1::2]).sum()),
    }
    total = losses.sum()
    if sft_weight:
        assert tokens is not None, "the sft term needs the number of targets of each row"
        said = policy_sums if likelihoods is None else likelihoods
        anchor = -(said[0::2] / tokens[0::2].clamp(min=1)).sum()
        total = total + sft_weight * anchor
        sums["sft"] = float(anchor.detach())
    return Loss(total=total, count=float(losses.numel()), sums=sums)


def length_weights(row_of: Int[Tensor, " M"], *, alpha: float) -> Float[Tensor, " M"]:
    """Return a weight for every target of pairs: 1 up to the length of the shorter side, `alpha` beyond it.

    Source: Length-Desensitized DPO (arXiv 2409.06411). Weigh the log-probabilities of both models with it before they are
    summed: what the longer side says beyond the length of the shorter one then counts for less (1: plain DPO).
    """
    lengths = torch.bincount(row_of, minlength=2 * (int(row_of.max()) // 2 + 1) if row_of.numel() else 0)
    shared = lengths.view(-1, 2).amin(dim=1).repeat_interleave(2)  # (R,)
    within = torch.arange(row_of.numel(), device=row_of.device) - torch.searchsorted(row_of, row_of)
    return torch.where(within < shared[row_of], 1.0, alpha)


def _sigmoid(chosen: Float[Tensor, " G"], rejected: Float[Tensor, " G"]) -> Float[Tensor, " G"]:
    return -F.logsigmoid(chosen - rejected)


def _apo_zero(chosen: Float[Tensor, " G"], rejected: Float[Tensor, " G"]) -> Float[Tensor, " G"]:
    return 1 - torch.sigmoid(chosen) + torch.sigmoid(rejected)


def _apo_down(chosen: Float[Tensor, " G"], rejected: Float[Tensor, " G"]) -> Float[Tensor, " G"]:
    return torch.sigmoid(chosen) + 1 - torch.sigmoid(chosen - rejected)


def _ipo(per_token: Float[Tensor, " R"], beta: float) -> Float[Tensor, " G"]:
    return (per_token[0::2] - per_token[1::2] - 1 / (2 * beta)) ** 2


_FORMS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "sigmoid": _sigmoid,
    "apo_zero": _apo_zero,
    "apo_down": _apo_down,
}
