"""How much memory is taken and how much is free: of this process, or of the card it computes on."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

_SELF = Path("/proc/self")
_GROUP = Path("/sys/fs/cgroup")


@dataclass(slots=True)
class Peak:
    """The most that was taken during a piece of work, in bytes; known when it is over."""

    bytes: int = 0


@contextmanager
def peak(device: torch.device) -> Iterator[Peak]:
    """Yield what afterwards says the most that was taken: all of this process on a CPU, torch's share of a card elsewhere.

    Where the system cannot start its count anew, it is the most since the process began: work is then to be tried in the
    order of its size.
    """
    found = Peak()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        yield found
        found.bytes = torch.cuda.max_memory_allocated(device)
        return
    with suppress(OSError):  # not Linux, or not permitted
        (_SELF / "clear_refs").write_text("5")
    yield found
    found.bytes = max(_most(), resident())


def taken(device: torch.device) -> int:
    """Return how many bytes are taken now."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else resident()


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    return int(psutil.Process().memory_info().rss)


def free(device: torch.device) -> int:
    """Return how many bytes more could be taken now; a container's limit counts."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0]) + torch.cuda.memory_reserved(device) - taken(device)
    left = [psutil.virtual_memory().available]
    with suppress(OSError, ValueError):  # no control group, or one without a limit: "max" is no number
        limit = int((_GROUP / "memory.max").read_text())
        left.append(max(0, limit - int((_GROUP / "memory.current").read_text())))
    return int(min(left))


def _most() -> int:
    """Return the most that this process had in memory since the count began."""
    with suppress(OSError):
        found = re.search(r"VmHWM:\s*(\d+) kB", (_SELF / "status").read_text())
        if found:
            return int(found[1]) * 1024
    info = psutil.Process().memory_info()
    if hasattr(info, "peak_wset"):  # Windows
        return int(info.peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most if sys.platform == "darwin" else most * 1024)  # bytes on macOS, kilobytes elsewhere
