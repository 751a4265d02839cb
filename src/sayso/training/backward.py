"""The gradient of one step: micro-batches go through the model one after another, and their gradients are summed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from sayso.batches import Row, collate, micro_batches
from sayso.errors import ModelError
from sayso.training import guard as guards
from sayso.training.naming import name_rows
from sayso.training.settings import Train

if TYPE_CHECKING:
    from sayso.methods import Method
    from sayso.models import Policy, Scorer


@dataclass(frozen=True, kw_only=True, slots=True)
class Summed:
    """What the loss came to over some rows, before it is divided by what it counts; gradients are summed alike."""

    total: float
    count: float
    sums: Mapping[str, float]
    """What else the loss reports."""


def backward(
    method: Method, policy: Policy, reference: Scorer, rows: Sequence[Row], settings: Train, *, step: int
) -> Summed:
    """Add the gradient of the loss of `rows` (whole groups) to the parameters, a micro-batch at a time; `step` is from 0.

    Raises:
        ModelError: the loss is not finite; the rows are named.
    """
    total, count, sums = 0.0, 0.0, dict[str, float]()
    device = guards.device_of(policy)
    for part in micro_batches(rows, group=method.group, max_tokens=settings.max_tokens):
        batch = collate(part, group=method.group, packed=policy.packed, pad_id=policy.pad_id, device=device)
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=settings.bf16):
            loss = method.loss(policy, reference, batch)
        value = float(loss.total.detach())
        if not math.isfinite(value):
            raise not_finite(value, part, step)
        if loss.total.requires_grad:
            loss.total.backward()  # type: ignore[no-untyped-call]
        total += value
        count += loss.count
        for name, amount in loss.sums.items():
            sums[name] = sums.get(name, 0.0) + amount
    return Summed(total=total, count=count, sums=sums)


def divide(parameters: Iterable[torch.nn.Parameter], count: float) -> None:
    """Divide the gradients, once, by what the loss counted over everything that was summed."""
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.div_(count)


def not_finite(value: float, rows: Sequence[Row], step: int) -> ModelError:
    """Return the error that a step (from 0) ended in, with the rows it came from."""
    return ModelError(
        "the loss or its gradient became {value} at step {step}, on {rows}; no update was made from them. "
        "Lower train.learning_rate, or look at these rows",
        value=value, step=step + 1, rows=name_rows(rows),
    )  # fmt: skip
