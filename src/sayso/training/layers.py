"""How a model's layers are computed while it learns: what they find kept or found again. Neither changes what is learnt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from sayso.errors import SettingsError
from sayso.training.settings import Train


@contextmanager
def arranged(module: nn.Module, settings: Train) -> Iterator[None]:
    """Have a model's layers computed as the settings want for the time of a block; afterwards they are as they were.

    Raises:
        SettingsError: `gradient_checkpointing`, and the model has no layers that can be computed twice.
    """
    if not settings.gradient_checkpointing:
        yield
        return
    found = layers_of(module)
    if not found:
        raise SettingsError(
            "train.gradient_checkpointing: {name} has no layers that can be computed twice; set it to false",
            name=type(module).__name__,
        )
    before = [layer.forward for layer in found]
    for layer in found:
        layer.forward = _found_again(layer.forward)
    try:
        yield
    finally:
        for layer, forward in zip(found, before, strict=True):
            layer.forward = forward


def layers_of(module: nn.Module) -> list[nn.Module]:
    """Return a model's layers, outermost first, without layers inside them."""
    if isinstance(module, GradientCheckpointingLayer):
        return [module]
    return [layer for part in module.children() for layer in layers_of(part)]


def _found_again(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a layer's forward call that keeps its inputs alone, and computes the rest again in the backward pass.

    Not by transformers' own switch, which acts in training mode only, where dropout is on.
    """

    @wraps(forward)
    def once_more(*given: Any, **named: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*given, **named)
        return checkpoint(forward, *given, use_reentrant=False, **named)

    return once_more
