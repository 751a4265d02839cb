"""Teach a model what another context or another model would have written: distillation of log-probabilities."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sayso.losses.anchoring import divergence
from sayso.losses.loss import Loss


def hindsight(
    student: Float[Tensor, " M"],
    teacher: Float[Tensor, " M"],
    weights: Float[Tensor, " M"],
    row_of: Int[Tensor, " M"],
    *,
    clip: float | None = None,
    skip_first: int = 0,
) -> Loss:
    """Return the loss that raises tokens the informed teacher finds more probable and lowers those it finds less so.

    Source: self-distillation from user interactions (arXiv 2603.12273, offline form).
    Loss: A_t = sg[teacher_t - student_t], clipped to [-clip, clip]; a row's loss is -sum_t w_t A_t log pi_t / sum_t w_t
    over its targets after the first `skip_first`; total = sum over rows, count = rows with a target left. The value itself
    says little (its gradient is what matters); `sums` carries each row's mean advantage and mean gap, in nats a token.
    """
    advantage = _clipped(teacher - student, clip)
    return _moved(student, advantage, advantage.abs(), weights * (_rank(row_of) >= skip_first), row_of)


def contrast(
    student: Float[Tensor, " M"],
    told: Float[Tensor, " M"],
    other: Float[Tensor, " M"],
    weights: Float[Tensor, " M"],
    row_of: Int[Tensor, " M"],
    *,
    clip: float | None = None,
    skip_first: int = 0,
) -> Loss:
    """Return the loss of `hindsight` with what any comment would do taken off: `told` read this one, `other` another one.

    Source: RLCSD (arXiv 2606.11709), its wrong hint made a comment on something else: what every comment changes (a manner
    of opening, shorter answers) stands in both and cancels.
    Loss: A_t = sg[told_t - other_t], clipped to [-clip, clip]; 0 where the student has passed `told` already, that is where
    A_t and told_t - student_t have not the same sign; the rest is as in `hindsight`. `sums["gap"]` is what is left to go:
    the smaller of |A_t| and |told_t - student_t|.
    Differs: the end at `told`. The paper draws new answers at every step; on answers that stay the same its advantages never
    end, and words would be pushed down without limit.
    """
    ahead = (told - student).detach()
    advantage = _clipped((told - other) * ((told - other) * ahead > 0), clip)
    left = torch.minimum(advantage.abs(), ahead.abs())
    return _moved(student, advantage, left, weights * (_rank(row_of) >= skip_first), row_of)


def kl(reference: Float[Tensor, "M V"], policy: Float[Tensor, "M V"], weights: Float[Tensor, " M"]) -> Loss:
    """Return how far the policy's distributions have moved from the reference's, in nats a target.

    Loss: total = sum_m w_m sum_v p_ref(v) (log p_ref(v) - log p(v)), count = sum_m w_m. Both are log-probabilities; the
    reference's carry no gradient.
    """
    return Loss(total=(weights * divergence(reference, policy)).sum(), count=float(weights.sum()))


def _clipped(advantage: Float[Tensor, " M"], clip: float | None) -> Float[Tensor, " M"]:
    return advantage.detach() if clip is None else advantage.detach().clamp(-clip, clip)


def _moved(
    student: Float[Tensor, " M"],
    advantage: Float[Tensor, " M"],
    left: Float[Tensor, " M"],
    kept: Float[Tensor, " M"],
    row_of: Int[Tensor, " M"],
) -> Loss:
    """Return -sum over rows of the mean of advantage times log-probability, and the number of rows that keep a target."""
    rows = int(row_of.max()) + 1 if row_of.numel() else 0
    weight_sums = _over_rows(kept, row_of, rows)
    alive = weight_sums > 0
    means = _over_rows(-kept * advantage * student, row_of, rows)[alive] / weight_sums[alive]
    gaps = _over_rows(kept * advantage, row_of, rows)[alive] / weight_sums[alive]
    sizes = _over_rows(kept * left, row_of, rows)[alive] / weight_sums[alive]
    sums = {"advantage": float(gaps.sum()), "gap": float(sizes.sum())}
    return Loss(total=means.sum(), count=float(alive.sum()), sums=sums)


def _rank(row_of: Int[Tensor, " M"]) -> Int[Tensor, " M"]:
    """Return each target's number within its row, from 0; rows are in order."""
    places = torch.arange(row_of.numel(), device=row_of.device)
    return places - torch.searchsorted(row_of, row_of)


def _over_rows(values: Float[Tensor, " M"], row_of: Int[Tensor, " M"], rows: int) -> Float[Tensor, " R"]:
    return torch.zeros(rows, dtype=values.dtype, device=values.device).index_add(0, row_of, values)
