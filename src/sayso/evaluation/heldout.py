"""Loss on text that nobody commented on: what a model knew, does it still know it?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from sayso.batches import Batch, Row, collate, micro_batches
from sayso.errors import RecordError
from sayso.evaluation.parts import Each, alone


class Scored(Protocol):
    """What of a policy is needed to score text."""

    packed: bool
    pad_id: int

    def token_logprobs(self, batch: Batch) -> Float[Tensor, " M"]:
        """Return the log-probability of every target of a batch."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldoutLoss:
    """Mean loss in nats per token, and over how many tokens."""

    loss: float
    tokens: int

    @property
    def perplexity(self) -> float:
        """The exponential of the loss: how many tokens the model wavers between."""
        return math.exp(self.loss)


def loss(policy: Scored, rows: Sequence[Row], *, max_tokens: int = 2048, each: Each = alone) -> HeldoutLoss:
    """Return a policy's loss on the targets of `rows`, every target counted once whatever its weight.

    Rows are scored without gradient in batches of at most `max_tokens` tokens, rows of like length together; a module in
    training mode is put into evaluation mode meanwhile, so that dropout adds no noise.

    Raises:
        RecordError: no row has a target.
    """
    scored = sorted((item for item in rows if any(item.weights[1:])), key=lambda item: len(item.ids))
    if not scored:
        raise RecordError(
            "none of the {n} held-out rows has a token to score; give responses that are not empty and fit the model",
            n=len(rows),
        )
    module = getattr(policy, "module", None)
    training = bool(getattr(module, "training", False))
    if module is not None and training:
        module.eval()
    try:
        with torch.no_grad():
            found = each(lambda part: _cost(policy, part), micro_batches(scored, group=1, max_tokens=max_tokens))
    finally:
        if module is not None and training:
            module.train()
    tokens = sum(counted for _nats, counted in found)
    return HeldoutLoss(loss=sum(nats for nats, _counted in found) / tokens, tokens=tokens)


def _cost(policy: Scored, rows: Sequence[Row]) -> tuple[float, int]:
    """Return the nats that all targets of rows cost, and how many they are."""
    batch = collate(rows, packed=policy.packed, pad_id=policy.pad_id, device=getattr(policy, "device", "cpu"))
    return -float(policy.token_logprobs(batch).double().sum()), len(batch.targets)
