"""The gradient of one step: micro-batches go through the model one after another, and their gradients are summed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from sayso.batches import Row, collate, micro_batches
from sayso.training.engine import guard as guards
from sayso.training.engine.finite import culprits, not_finite
from sayso.training.engine.memory import needed
from sayso.training.engine.precision import products
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
        NoRoomError: a micro-batch does not fit into memory; the gradients are no use then.
    """
    total, count, sums = 0.0, 0.0, dict[str, float]()
    device = guards.device_of(policy)
    for part in micro_batches(rows, group=method.group, max_tokens=settings.max_tokens):
        with (
            needed(part, method.group),
            products(settings, device),
        ):
            batch = collate(part, group=method.group, packed=policy.packed, pad_id=policy.pad_id, device=device)
            loss = method.loss(policy, reference, batch)
        value = float(loss.total.detach())
        if not math.isfinite(value):
            at_fault = culprits(part, method.group, lambda some: _value(method, policy, reference, some, settings))
            raise not_finite(value, at_fault, step)
        with needed(part, method.group):
            if loss.total.requires_grad:
                loss.total.backward()  # type: ignore[no-untyped-call]
        total += value
        count += loss.count
        for name, amount in loss.sums.items():
            sums[name] = sums.get(name, 0.0) + amount
    return Summed(total=total, count=count, sums=sums)


def _value(method: Method, policy: Policy, reference: Scorer, rows: Sequence[Row], settings: Train) -> float:
    """Return the loss of some rows alone, and leave no gradient."""
    device = guards.device_of(policy)
    batch = collate(rows, group=method.group, packed=policy.packed, pad_id=policy.pad_id, device=device)
    with torch.no_grad(), products(settings, device):
        return float(method.loss(policy, reference, batch).total)


def divide(parameters: Iterable[torch.nn.Parameter], count: float) -> None:
    """Divide the gradients, once, by what the loss counted over everything that was summed."""
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.div_(count)
