"""A long run does not grow."""

from __future__ import annotations

from pathlib import Path

import torch

from sayso.training.engine import memory

PAGE_KIB = 4
BLOCKS, FLOATS = 4_000, 16_000  # 64 kB each, 256 MB together: small enough for the heap


def held_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KIB


def test_what_lies_free_between_tensors_that_are_kept_goes_back():
    tensors = [torch.ones(FLOATS) for _ in range(BLOCKS)]
    kept = tensors[::2]
    del tensors
    before = held_kib()
    assert memory.give_back()
    assert before - held_kib() > BLOCKS / 2 * FLOATS * 4 / 1024 * 0.8
    assert all(float(one.sum()) == FLOATS for one in kept)
