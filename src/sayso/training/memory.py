"""Memory that is free goes back to the system.

Batches of ever different sizes leave the heap of the C library in pieces: what is free between them fits no larger tensor
and is not given back, so that a long run grows to a multiple of what it needs.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

EVERY_STEPS = 100
"""So often a run gives back; each time costs about half a second of a processor for a gigabyte that is taken again."""


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
