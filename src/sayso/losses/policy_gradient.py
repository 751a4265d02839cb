"""Make answers more probable by how much better than expected they are, and worse ones less: policy gradients of rows."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sayso.losses.loss import Loss


def clipped(
    logprobs: Float[Tensor, " M"],
    advantages: Float[Tensor, " M"],
    row_of: Int[Tensor, " M"],
    *,
    old: Float[Tensor, " M"] | None = None,
    clip: float = 0.2,
) -> Loss:
    """Return the surrogate whose gradient is that of the expected reward, for answers that the policy drew itself.

    Source: PPO (arXiv 1707.06347, eq. 7) as in GRPO (2402.03300, eq. 3) without its divergence.
    Loss: q_t = exp(log pi_t - old_t); a row's loss is -mean_t min(q_t A_t, clip(q_t, 1 - clip, 1 + clip) A_t); total = sum
    over rows, count = rows with a target. Without `old` the answers were drawn by the policy as it is: q_t is 1, nothing is
    clipped, and the gradient is that of -mean_t A_t log pi_t.
    """
    ratio = torch.exp(logprobs - (logprobs if old is None else old).detach())
    least = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return _row_means(-least, row_of)


def advantage_weighted(logprobs: Float[Tensor, " M"], advantages: Float[Tensor, " M"], row_of: Int[Tensor, " M"]) -> Loss:
    """Return the loss that learns answers drawn in another context (told the comment), each by its advantage.

    Source: RLTF-SD (arXiv 2602.02482): E[A grad log pi(y1 | x)] for y1 ~ pi(. | x, y0, c), without importance weights.
    Loss: a row's loss is -mean_t A_t log pi_t; total = sum over rows, count = rows with a target.
    """
    return _row_means(-advantages * logprobs, row_of)


def shaped(
    logprobs: Float[Tensor, " M"], advantages: Float[Tensor, " M"], row_of: Int[Tensor, " M"], *, gamma: float = 0.1
) -> Loss:
    """Return the loss that learns answers drawn in another context, its pull strongest on tokens of little probability.

    Source: Critique-GRPO (arXiv 2506.03106): f(p) = p / (p + gamma) in the place of the importance weight.
    Loss: a row's loss is -mean_t A_t p_t / (p_t + gamma), p_t = exp(log pi_t); total = sum over rows, count = rows with a
    target. The gradient of f by log p is gamma p / (p + gamma)^2: largest at p = gamma, nothing at 0 and little at 1, so
    that a bad answer is not pushed down without limit.
    Differs: averaged over each row first, so that the loss of a row does not depend on the rows beside it.
    """
    probability = logprobs.exp()
    return _row_means(-advantages * probability / (probability + gamma), row_of)


def _row_means(values: Float[Tensor, " M"], row_of: Int[Tensor, " M"]) -> Loss:
    """Return the sum over rows of the mean of their targets' values, and how many rows have a target."""
    rows = int(row_of.max()) + 1 if row_of.numel() else 0
    sizes = torch.bincount(row_of, minlength=rows).to(values.dtype)
    sums = torch.zeros(rows, dtype=values.dtype, device=values.device).index_add(0, row_of, values)
    return Loss(total=(sums / sizes.clamp(min=1)).sum(), count=float((sizes > 0).sum()))
