"""How a model's layers are computed while it learns: what they find kept or found again, as it comes or compiled.

Neither changes what is learnt, but for rounding where they are compiled.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

import torch
from torch import nn
from torch._dynamo.exc import TorchDynamoException
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from sayso.errors import SettingsError
from sayso.models.forms.packing import ROW_KEYWORDS, Opaque, expect_compiler
from sayso.training.settings import Train

logger = logging.getLogger(__name__)


@contextmanager
def arranged(module: nn.Module, settings: Train) -> Iterator[None]:
    """Have a model's layers computed as the settings want for the time of a block; afterwards they are as they were.

    Raises:
        SettingsError: there is something to arrange, and the model has no layers of transformers' kind.
    """
    found = layers_of(module) if settings.gradient_checkpointing or settings.torch_compile else []
    for name in ("gradient_checkpointing", "torch_compile"):
        if getattr(settings, name) and not found:
            raise SettingsError(
                "train.{setting}: {name} has no layers that can be computed one by one; set it to false",
                setting=name, name=type(module).__name__,
            )  # fmt: skip
    before = [layer.forward for layer in found]
    can = _Can()
    for layer in found:
        if settings.torch_compile:
            layer.forward = _compiled(layer.forward, can)
        if settings.gradient_checkpointing:
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


@dataclass(slots=True)
class _Can:
    """Whether layers can be compiled here, as far as is known."""

    compile: bool = True


def _compiled(forward: Callable[..., Any], can: _Can) -> Callable[..., Any]:
    """Return a layer's forward call, compiled where a gradient is recorded; as it comes where that fails, which is said.

    Where rows begin and end is hidden from the compiler, which would compile anew for every batch.
    """
    expect_compiler()
    quick = torch.compile(forward, dynamic=True)

    @wraps(forward)
    def quicker(*given: Any, **named: Any) -> Any:
        if not (torch.is_grad_enabled() and can.compile):
            return forward(*given, **named)
        hidden = {name: Opaque(value) if name in ROW_KEYWORDS else value for name, value in named.items()}
        try:
            return quick(*given, **hidden)
        except TorchDynamoException as error:
            can.compile = False
            logger.warning("train.torch_compile: the layers cannot be compiled here, and go on as they come: %s", error)
            return forward(*given, **named)

    return quicker
