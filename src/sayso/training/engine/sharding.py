"""Weights in shards (FSDP2): each process keeps a part of every weight, its gradient and the optimizer's state.

A layer is put together while it computes. Torch's `fully_shard` sees one module whose forward call is whatever is asked of
the model, so that a method asks as it always does. All processes must compute equally often: one that has fewer
micro-batches than another computes idle ones, which count nothing.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard

from sayso.batches import Row, collate, micro_batches
from sayso.errors import SettingsError
from sayso.training.engine import distributed
from sayso.training.engine.backward import Summed
from sayso.training.engine.finite import not_finite
from sayso.training.engine.memory import needed
from sayso.training.engine.precision import products

if TYPE_CHECKING:
    from sayso.methods import Method
    from sayso.models import Policy, Scorer
    from sayso.models.local import LocalModel
    from sayso.training.settings import Train


class Root(nn.Module):
    """Stands for the whole model where it is put together."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ask: Callable[[], Any]) -> Any:
        """Ask, while the weights outside the layers are whole."""
        found = ask()
        return found.clone() if isinstance(found, torch.Tensor) else found  # FSDP's hooks want no view


def expect_possible(method: Method, settings: Train) -> None:
    """Pass silently if a training can keep its weights in shards.

    Raises:
        SettingsError: it cannot.
    """
    if "anchors" in method.wants:
        raise SettingsError(
            "train.fsdp: this method asks the model for each kind of row by itself, so that processes with rows of other "
            "kinds would wait for ever; set train.fsdp to false, or take another method"
        )
    if settings.use_lora:
        raise SettingsError("train.fsdp is for trainings of all weights: an adapter is small; set train.use_lora to false")
    if settings.optim != "adamw":
        raise SettingsError(
            "train.fsdp: {optim} turns whole matrices and cannot work on their parts; set train.optim to adamw",
            optim=settings.optim,
        )


@contextmanager
def sharded(policy: LocalModel) -> Iterator[None]:
    """Keep the weights of a model in shards for the time of a block; afterwards they are whole again in every process."""
    whole = policy.module
    module = copy.deepcopy(whole)
    for item in whole.parameters():
        item.data = item.data.new_empty(0)
    mesh = init_device_mesh(policy.inner.device.type, (distributed.here().size,))
    layers = set(policy.inner._no_split_modules or ())
    for part in [item for item in module.modules() if type(item).__name__ in layers]:
        fully_shard(part, mesh=mesh)
    root = Root(module)
    fully_shard(root, mesh=mesh)
    for part in root.modules():
        if isinstance(part, FSDPModule):  # sums, as our losses are
            part.set_gradient_divide_factor(1.0)
            part.set_force_sum_reduction_for_comms(enable=True)
    policy.module, policy.through = module, root
    yield
    for before, after in zip(whole.parameters(), module.parameters(), strict=True):
        before.data = distributed.whole(after.detach())
    policy.module, policy.through = whole, None


def backward(
    method: Method, policy: Policy, reference: Scorer, rows: Sequence[Row], settings: Train, *, step: int,
    idle: Sequence[Row],
) -> Summed:  # fmt: skip
    """Do what `training.backward.backward` does, where the weights are in shards; `idle` is a group of rows.

    Raises:
        ModelError: the loss is not finite; said after the last micro-batch, since the others wait for this process's part.
        NoRoomError: a micro-batch does not fit into memory.
    """
    total, count, sums, failure = 0.0, 0.0, dict[str, float](), None
    device = next(policy.module.parameters()).device
    parts = list(micro_batches(rows, group=method.group, max_tokens=settings.max_tokens))
    for part, counts in distributed.turns(policy, parts, idle):
        with needed(part, method.group):
            batch = collate(part, group=method.group, packed=policy.packed, pad_id=policy.pad_id, device=device)
            with products(settings, device):
                loss = method.loss(policy, reference, batch)
            torch.autograd.backward(loss.total if counts else loss.total * 0)
        if not counts:
            continue
        value = float(loss.total.detach())
        if not math.isfinite(value):
            failure = failure or not_finite(value, part, step)
        total, count = total + value, count + loss.count
        for name, amount in loss.sums.items():
            sums[name] = sums.get(name, 0.0) + amount
    if failure:
        raise failure
    return Summed(total=total, count=count, sums=sums)
