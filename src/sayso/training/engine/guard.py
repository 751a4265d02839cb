"""The scope guard: the model's own answers on prompts where no comment applies, learnt beside the method's rows.

Source: the anchor of C3PO (arXiv 2402.10893, eq. 5): (1 - kd) NLL of the model's own answers + kd KL from the model before
training. Differs: it is added to every method, not to DPO alone; divergence is the default, where the paper's code uses
likelihood alone; and it weighs more than the paper's 0.1 near and 0.2 out, which is too little for small models.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from sayso.batches import Batch, Row, collate, micro_batches, row
from sayso.losses.distillation import kl
from sayso.losses.likelihood import nll
from sayso.training.engine import distributed
from sayso.training.engine.finite import not_finite
from sayso.training.engine.memory import needed
from sayso.training.engine.order import endless
from sayso.training.settings import Guard

if TYPE_CHECKING:
    from torch import Tensor

    from sayso.models import Policy, Scorer
    from sayso.models.writing.sampling import Sampling
    from sayso.records import Prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchors:
    """Rows that hold the model where no comment applies, and how strongly."""

    near: Sequence[Row] = ()
    out: Sequence[Row] = ()
    settings: Guard = field(default_factory=Guard)

    def kinds(self) -> tuple[tuple[str, Sequence[Row], float], ...]:
        """Return name, rows and weight of each kind that is in use."""
        if not self.settings.enabled:
            return ()
        both = (("near", self.near, self.settings.near_weight), ("out", self.out, self.settings.out_weight))
        return tuple(kind for kind in both if kind[1] and kind[2])


def own_answers(policy: Policy, prompts: Sequence[Prompt], sampling: Sampling) -> list[tuple[Prompt, str]]:
    """Return each prompt with what the model answers now, before training."""
    return list(zip(prompts, policy.generate(prompts, sampling), strict=True))


def anchor_rows(policy: Policy, prompts_with_answers: Iterable[tuple[Prompt, str]]) -> list[Row]:
    """Return one row a prompt and the model's own answer to it."""
    return [
        row(policy.encode_prompt(prompt), policy.encode_response(text), label=f"anchor {prompt.id}")
        for prompt, text in prompts_with_answers
    ]


def backward(
    policy: Policy, reference: Scorer, anchors: Anchors, *, step: int, seed: int, max_tokens: int
) -> dict[str, float]:
    """Add the anchors' gradients of one step and return the mean loss of each kind, in nats a token.

    Of several processes each adds and returns its share, divided by the count of all: the shares add up.

    Raises:
        ModelError: a loss is not finite; the anchors are named.
        NoRoomError: a micro-batch does not fit into memory; the gradients are no use then.
    """
    losses = {}
    for name, rows, weight in anchors.kinds():
        chosen = endless(rows, step=step, size=anchors.settings.rows_per_step, seed=seed)
        count = sum(sum(item.weights[1:]) for item in chosen)
        total, failure = 0.0, None
        parts = list(micro_batches(distributed.share(chosen, size=1), group=1, max_tokens=max_tokens))
        for part, counts in distributed.turns(policy, parts, idle=chosen[:1]):
            with needed(part, 1):
                batch = collate(part, packed=policy.packed, pad_id=policy.pad_id, device=device_of(policy))
                loss = _loss(policy, reference, batch, anchors.settings.kl_share)
            value = float(loss.detach()) if counts else 0.0
            if not math.isfinite(value):
                failure = failure or not_finite(value, part, step)
            with needed(part, 1):
                torch.autograd.backward(loss * (weight / count if counts else 0.0))
            total += value
        if failure:
            raise failure
        losses[name] = total / count
    return losses


def _loss(policy: Policy, reference: Scorer, batch: Batch, kl_share: float) -> Tensor:
    """Return (1 - kl_share) NLL + kl_share KL(reference || policy), summed over the batch's targets."""
    if not kl_share:
        return nll(policy.token_logprobs(batch), batch.weights).total
    now = policy.distributions(batch)
    total = kl_share * kl(reference.distributions(batch), now, batch.weights).total
    if kl_share < 1:
        total = total + (1 - kl_share) * nll(now.gather(1, batch.targets[:, None]).squeeze(1), batch.weights).total
    return total


def device_of(policy: Policy) -> str:
    """Return where the policy's weights are."""
    return str(next(policy.module.parameters()).device)
