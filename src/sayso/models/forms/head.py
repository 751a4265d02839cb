"""From the states before the output head to the log-probability of each target, with one table of logits and no second.

The table of logits becomes that of their exponentials where it lies, and that of their gradient after it: the softmax is
computed once, in pieces that a processor's cache holds. A head that is not trained needs no table in the backward pass at
all: the gradient of a target's log-probability by its state is found together with it, and scaled when its factor is known.

Letters: M targets, H hidden size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear
from torch.utils.checkpoint import checkpoint

CHUNK_LOGITS = 2**25
"""Logits kept for the backward pass (128 MiB in float32); where there are more, each chunk is computed anew in it."""
PASSING_LOGITS = 2**23
"""Logits held at once where none are kept."""
CACHED_LOGITS = 2**18
"""Logits worked on at once on a processor: 1 MiB."""
_OWN = {"AddmmBackward0", "MmBackward0", "MulBackward0", "IndexBackward0", "ToCopyBackward0", "AddBackward0"}
"""What makes a table that nobody else reads again, its own backward pass included."""


def chunked(
    head: Callable[[Tensor], Tensor], vocabulary: int, hidden: Float[Tensor, "M H"], targets: Int[Tensor, " M"]
) -> Float[Tensor, " M"]:
    """Return the log-probability of each target from the states before the output head, a chunk of logits at a time."""
    learns = torch.is_grad_enabled()
    if learns and hidden.requires_grad and _is_fixed(head):
        found: Tensor = _Read.apply(hidden, head.weight, head.bias, targets)  # type: ignore[no-untyped-call]
        return found
    size = max(1, (CHUNK_LOGITS if learns else PASSING_LOGITS) // vocabulary)

    def part(states: Tensor, wanted: Tensor) -> Tensor:
        return pick(head(states), wanted, spare=True)

    if len(targets) <= size:
        return part(hidden, targets)
    pieces = zip(torch.split(hidden, size), torch.split(targets, size), strict=True)
    return torch.cat([checkpoint(part, states, wanted, use_reentrant=False) for states, wanted in pieces])


def pick(logits: Float[Tensor, "M V"], targets: Int[Tensor, " M"], *, spare: bool = False) -> Float[Tensor, " M"]:
    """Return the log-probability of each target from its logits; their table is written over where it is `spare`."""
    table = logits.float()
    if table is logits and not (spare and _is_own(logits)):
        table = logits.clone()
    found: Tensor = _Picked.apply(table, targets)  # type: ignore[no-untyped-call]
    return found


def is_plain(head: Callable[[Tensor], Tensor] | None) -> TypeGuard[nn.Linear]:
    """Whether a head is a matrix with nothing hung onto its call (an adapter, weights in shards, on a disk)."""
    return type(head) is nn.Linear and not (head._forward_pre_hooks or head._forward_hooks or "forward" in vars(head))


def _is_fixed(head: Callable[[Tensor], Tensor]) -> TypeGuard[nn.Linear]:
    return is_plain(head) and not any(item.requires_grad for item in head.parameters())


def _is_own(logits: Tensor) -> bool:
    made = logits.grad_fn
    return type(made).__name__ in _OWN if made else not logits.requires_grad


class _Picked(torch.autograd.Function):
    """The log-probability of a target: its logit less the logarithm of the sum of all exponentials."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, targets: Tensor) -> Tensor:
        found, sums = _exponentials(table, targets)
        ctx.save_for_backward(table, targets, sums)
        ctx.spent = False
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        assert not ctx.spent, "the table became its own gradient and can be gone through once"
        ctx.spent = True
        table, targets, sums = ctx.saved_tensors
        return _gradient(table, targets, sums, gradient), None


class _Read(torch.autograd.Function):
    """Log-probabilities by a head that is not trained, and their gradients by the states, without keeping any logits."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
        size = max(1, PASSING_LOGITS // len(weight))
        found, slopes = [], torch.empty_like(hidden)
        pieces = zip(*(torch.split(item, size) for item in (hidden, targets, slopes)), strict=True)
        for states, wanted, slope in pieces:
            table = linear(states, weight, bias).float()
            values, sums = _exponentials(table, wanted)
            found.append(values)
            slope.copy_(_gradient(table, wanted, sums, torch.ones_like(sums)).to(weight.dtype) @ weight)
        ctx.save_for_backward(slopes)
        return torch.cat(found) if found else hidden.new_zeros(0, dtype=torch.float32)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (slopes,) = ctx.saved_tensors
        return (slopes * gradient[:, None]).to(slopes.dtype), None, None, None


def _exponentials(table: Float[Tensor, "M V"], targets: Int[Tensor, " M"]) -> tuple[Tensor, Tensor]:
    """Make logits their exponentials (up to a factor a line), and return log-probabilities and what each line sums to."""
    found = table.gather(1, targets[:, None]).squeeze(1)
    sums = torch.empty_like(found)
    size = max(1, CACHED_LOGITS // table.shape[1] if table.device.type == "cpu" else len(table))
    for lines, value, total in zip(*(torch.split(item, size) for item in (table, found, sums)), strict=True):
        highest = lines.amax(dim=1)
        torch.sum(lines.sub_(highest[:, None]).exp_(), dim=1, out=total)
        value.sub_(highest)
    return found.sub_(sums.log()), sums


def _gradient(table: Tensor, targets: Tensor, sums: Tensor, gradient: Tensor) -> Float[Tensor, "M V"]:
    """Make exponentials the gradient by their logits: the given one times (one at the target, less the softmax)."""
    table.mul_((-gradient / sums)[:, None])
    return table.scatter_add_(1, targets[:, None], gradient[:, None])
