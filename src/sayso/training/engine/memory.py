"""Memory that is free goes back to the system; where there is too little, less goes through the model at once.

Batches of ever different sizes leave the heap of the C library in pieces: what is free between them fits no larger tensor
and is not given back, so that a long run grows to a multiple of what it needs.
"""

from __future__ import annotations

import ctypes
import gc
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from sayso.batches import Row
from sayso.errors import NoRoomError, SaysoError
from sayso.training.engine.naming import name_rows

logger = logging.getLogger(__name__)

EVERY_STEPS = 100
"""So often a run gives back; a gigabyte that is taken again costs half a second of a processor, in pages of 4 KiB."""
_WORDS = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")
"""What torch's allocators say; only that of GPUs has an error of its own."""


def give_back() -> bool:
    """Give the heap's free pages back, and return whether the C library here can: glibc; others do it by themselves."""
    trim = _trim()
    if trim is None:
        return False
    trim(0)
    return True


@cache
def _trim() -> Any:
    # the process itself: on Linux its C library is among what is loaded; Windows has no such name, macOS no such function
    try:
        return getattr(ctypes.CDLL(None), "malloc_trim", None)
    except (OSError, TypeError):
        return None


@dataclass(slots=True)
class Room:
    """How many tokens go through the model at once: as many as were asked for, until they do not fit."""

    max_tokens: int

    def halve(self, tokens: int) -> None:
        """From now on let fewer than so many tokens through at once, and have what they left behind given back."""
        while self.max_tokens >= tokens:
            self.max_tokens //= 2
        logger.warning(
            "%d tokens at once do not fit into memory: this step is done again, and the rest of the run goes on, with "
            "train.max_tokens=%d; what is learnt is the same",
            tokens, self.max_tokens,
        )  # fmt: skip
        gc.collect()
        give_back()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


@contextmanager
def needed(rows: Sequence[Row], group: int) -> Iterator[None]:
    """Say of rows that go through the model at once when they do not fit into memory.

    Raises:
        NoRoomError: they do not; its fields have the `groups` and `tokens` they are.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not _ran_out(error):
            raise
        raise NoRoomError(
            "{rows} ({tokens} tokens) do not fit into memory; set train.gradient_checkpointing to true, or train.use_lora, "
            "or make them shorter",
            rows=name_rows(rows), tokens=sum(len(item.ids) for item in rows), groups=len(rows) // group,
        ) from error  # fmt: skip


def _ran_out(error: Exception) -> bool:
    if isinstance(error, SaysoError):
        return False
    said = str(error)
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(words in said for words in _WORDS)
