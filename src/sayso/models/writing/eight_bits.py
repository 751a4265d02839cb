"""Linear layers in 8 bits while a model writes on a processor: quicker, and some tokens come out otherwise.

Weights are rounded to 8 bits with one scale an output, and what a layer reads with one scale a line, so that a text still
does not depend on what is written beside it. Products are of integers, exact, by oneDNN. Weights of the model are untouched.

Letters: B lines, I inputs and O outputs of a layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from sayso.errors import ModelError
from sayso.models.arithmetic import quick_products

SMALLEST = 32
"""Layers with fewer inputs or outputs (an adapter's) stay as they are."""
PIECE = 2**17
"""Weights rounded at once."""
_MOST = 127
_MIDDLE = 128
"""What stands for 0: these products are of unsigned numbers with signed ones."""


@contextmanager
def products(model: Any, *, int8: bool) -> Iterator[None]:
    """Multiply as writing asks for: in 8 bits, or in the quick way that is as exact.

    Raises:
        ModelError: it cannot be done in 8 bits here (see `eight_bits`).
    """
    with quick_products(), eight_bits(model) if int8 else nullcontext():
        yield


@contextmanager
def eight_bits(model: Any) -> Iterator[None]:
    """Multiply in 8 bits inside; afterwards the model is as it was.

    Raises:
        ModelError: the model is not on a processor, this processor has no such product, or nothing in it is linear.
    """
    layers = [part for part in model.modules() if type(part) in (nn.Linear, Conv1D) and min(part.weight.shape) >= SMALLEST]
    _check(model, layers)
    once = _Once()
    before = [layer.__dict__.get("forward") for layer in layers]
    try:
        for layer in layers:
            layer.forward = _product(layer, once)
        yield
    finally:
        for layer, forward in zip(layers, before, strict=True):
            if forward is None:
                layer.__dict__.pop("forward", None)
            else:
                layer.forward = forward


def _check(model: Any, layers: list[Any]) -> None:
    if model.device.type != "cpu":
        raise ModelError(
            "int8 is for models on a processor, and this one is on {device}; leave int8 out there", device=str(model.device)
        )
    if not layers:
        raise ModelError("{kind} has no linear layer to compute in int8; leave int8 out", kind=type(model).__name__)
    if not serves():
        raise ModelError("int8 products do not work on this processor with this PyTorch; leave int8 out")


@cache
def serves() -> bool:
    """Whether products of 8-bit integers are there and exact, tried once."""
    generator = torch.Generator().manual_seed(0)
    weights, inputs = (torch.randint(-127, 128, (96, 256), generator=generator, dtype=torch.int8) for _ in range(2))
    try:
        found = _multiply(inputs.short().add_(_MIDDLE).to(torch.uint8), _packed(weights), torch.ones(96))
    except (RuntimeError, AttributeError, NotImplementedError):  # built without oneDNN, or for another processor
        return False
    return torch.equal(found, (inputs.double() @ weights.double().T).float())


class _Once:
    """What was read last, rounded: queries, keys and values read the same."""

    def __init__(self) -> None:
        self._given: Tensor | None = None
        self._made: tuple[Tensor, Tensor] | None = None

    def rounded(self, given: Tensor) -> tuple[Tensor, Tensor]:
        """Return (B, I) as unsigned 8-bit numbers, and each line's scale, (B, 1)."""
        if self._made is None or self._given is not given:
            lines = given.reshape(-1, given.shape[-1]).float()
            scale = (lines.abs().amax(dim=1, keepdim=True) / _MOST).clamp_min_(1e-30)
            self._given, self._made = given, ((lines / scale).add_(_MIDDLE).round_().to(torch.uint8), scale)
        return self._made


def _product(layer: Any, once: _Once) -> Callable[[Tensor], Tensor]:
    weight = layer.weight.detach()
    if type(layer) is Conv1D:
        weight = weight.T  # (O, I), as nn.Linear has it
    rounded, scale = _rounded(weight)
    packed = _packed(rounded)
    bias = layer.bias

    def forward(given: Tensor) -> Tensor:
        states, lines = once.rounded(given)
        found = _multiply(states, packed, scale).mul_(lines)
        if bias is not None:
            found += bias
        return found.view(*given.shape[:-1], len(scale)).to(given.dtype)

    return forward


def _rounded(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return a weight (O, I) as signed 8-bit numbers, and each output's scale, (O,); in pieces that a cache holds."""
    numbers, scales = torch.empty(weight.shape, dtype=torch.int8), torch.empty(len(weight))
    size = max(1, PIECE // weight.shape[1])
    for part, number, scale in zip(*(torch.split(item, size) for item in (weight, numbers, scales)), strict=True):
        wide = part.float()
        torch.amax(wide.abs(), dim=1, out=scale)
        scale.div_(_MOST).clamp_min_(1e-30)
        number.copy_((wide / scale[:, None]).round_())
    return numbers, scales


def _packed(weights: Tensor) -> Tensor:
    return torch.ops.onednn.qlinear_prepack(weights.contiguous(), None)  # type: ignore[no-any-return]


def _multiply(given: Tensor, packed: Tensor, scale: Tensor) -> Tensor:
    """Return the product in float32, each output times its scale, (B, O)."""
    zeros = torch.zeros(len(scale), dtype=torch.int32)
    return torch.ops.onednn.qlinear_pointwise(  # type: ignore[no-any-return]
        given, 1.0, _MIDDLE, packed, scale, zeros, None, 1.0, 0, torch.float32, "none", [], ""
    )
