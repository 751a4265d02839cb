"""Which matrix products are fast on this processor without becoming less exact.

PyTorch multiplies float32 matrices on a CPU by MKL, which on AMD processors does not use their wide vectors; told that less
precision would do, it hands the same products to oneDNN. Where the processor has no matrix unit for bfloat16, oneDNN still
multiplies in float32: twice as fast here, and as exact. Whether that is so is tried once, not assumed.

oneDNN keeps code for every shape it has multiplied, a thousand of them and some more in PyTorch's own list; batches of ever
different lengths fill that with half a gigabyte and more, and hardly any shape comes again. So few are kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path

import torch

for _name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
    os.environ.setdefault(_name, "64")  # read at the first product; those of the layers of one model's step find room

_PROCESSOR = Path("/proc/cpuinfo")
_EXACT = 1e-5
"""Largest relative error of a float32 product; in bfloat16 it is about 1e-2."""


@contextmanager
def quick_products() -> Iterator[None]:
    """Multiply float32 matrices the quick way where that is as exact; afterwards everything is as it was.

    It holds for what runs inside, backward passes included. On a GPU and on other processors it changes nothing.
    """
    with _precision("bf16") if other_kernel_serves() else nullcontext():
        yield


@contextmanager
def plain_products() -> Iterator[None]:
    """Multiply float32 matrices in PyTorch's default way: its own attention kernel is much slower the quick way."""
    with _precision("ieee") if other_kernel_serves() else nullcontext():
        yield


@contextmanager
def _precision(name: str) -> Iterator[None]:
    # of the CPU alone; `set_float32_matmul_precision` would reach GPUs
    products = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = products.fp32_precision
    products.fp32_precision = name
    try:
        yield
    finally:
        products.fp32_precision = before


@cache
def other_kernel_serves() -> bool:
    """Whether this is a processor on which oneDNN's products are the quicker ones and as exact as float32.

    Decided by the maker's name and by the error of one product, never by timing: two runs on one machine take the same way.
    """
    if not torch._C._has_mkldnn or "AuthenticAMD" not in _maker():
        return False
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn((256, 256), generator=generator) for _ in range(2))
    exact = left.double() @ right.double()
    with _precision("bf16"):
        found = left @ right
    return bool((found - exact).abs().max() <= _EXACT * exact.abs().max())


def _maker() -> str:
    try:
        return _PROCESSOR.read_text(encoding="utf-8")
    except OSError:  # not Linux: nothing is changed
        return ""
