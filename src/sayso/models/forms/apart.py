"""How far what one model foretells is from what another does, read off the states before their output heads.

As in `forms.head`, no table of logits is kept: where the head is not trained, the gradient by the states is found together
with the divergence and scaled when its factor is known; otherwise each chunk is computed anew in the backward pass.

Letters: M targets, C those of a chunk, H hidden size, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear
from torch.utils.checkpoint import checkpoint

from sayso.losses.anchoring import divergence
from sayso.models.arithmetic import quick_products
from sayso.models.forms.head import CACHED_LOGITS, PASSING_LOGITS


@dataclass(frozen=True, kw_only=True, slots=True)
class States:
    """What an output head reads at every target of a batch."""

    hidden: Float[Tensor, "M H"]
    head: nn.Linear


def apart(now: States, before: States) -> Float[Tensor, " M"]:
    """Return KL(before || now) at every target in nats, with gradient by `now` alone; see `losses.anchoring.divergence`."""
    size = max(1, PASSING_LOGITS // len(now.head.weight))
    pieces = zip(torch.split(now.hidden, size), torch.split(before.hidden.detach(), size), strict=True)
    with quick_products():
        if now.hidden.requires_grad and not any(item.requires_grad for item in now.head.parameters()):
            found = [_Apart.apply(mine, now.head, other, before.head) for mine, other in pieces]  # type: ignore[no-untyped-call]
        else:
            found = [checkpoint(_plain, mine, now.head, other, before.head, use_reentrant=False) for mine, other in pieces]
    return torch.cat(found) if found else now.hidden.new_zeros(0, dtype=torch.float32)


def _plain(mine: Tensor, head: nn.Linear, other: Tensor, before: nn.Linear) -> Float[Tensor, " C"]:
    with torch.no_grad():
        reference = torch.log_softmax(before(other).float(), dim=1)
    return divergence(reference, torch.log_softmax(head(mine).float(), dim=1))


class _Apart(torch.autograd.Function):
    """The divergence under a head that is not trained; its gradient by a logit is the difference of the probabilities."""

    @staticmethod
    def forward(ctx: Any, mine: Tensor, head: nn.Linear, other: Tensor, before: nn.Linear) -> Tensor:
        table = linear(mine, head.weight, head.bias).float()
        found = _compared(table, linear(other, before.weight, before.bias).float())
        ctx.save_for_backward(table.to(head.weight.dtype) @ head.weight)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (slopes,) = ctx.saved_tensors
        return (slopes * gradient[:, None]).to(slopes.dtype), None, None, None


def _compared(table: Float[Tensor, "C V"], reference: Float[Tensor, "C V"]) -> Float[Tensor, " C"]:
    """Return the divergences of two tables of logits, and leave in the first its probabilities less the reference's."""
    found = table.new_empty(len(table))
    size = max(1, CACHED_LOGITS // table.shape[1] if table.device.type == "cpu" else len(table))
    for lines, others, value in zip(*(torch.split(item, size) for item in (table, reference, found)), strict=True):
        lines.sub_(torch.logsumexp(lines, dim=1, keepdim=True))
        others.sub_(torch.logsumexp(others, dim=1, keepdim=True))
        likely = others.exp()
        torch.sum(others.sub_(lines).mul_(likely), dim=1, out=value)
        lines.exp_().sub_(likely)
    return found
