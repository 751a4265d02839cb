"""What the libraries underneath read once, when they are loaded, set where a user has not: by the command line alone."""

from __future__ import annotations

from collections.abc import Mapping

_SPINS = "1000"
"""So often a thread that waits for another looks before it sleeps: for microseconds, where OpenMP by itself takes a
millisecond."""
_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
_PAGES = "THP_MEM_ALLOC_ENABLE"


def settled(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what is to be added to an environment, nothing of which stands in it.

    `GOMP_SPINCOUNT`: beside another busy process, threads that spin keep the processor from the very thread they wait for.
    `THP_MEM_ALLOC_ENABLE`: torch asks for large tensors in pages of 2 MiB, where the system has them: a tenth of the time of
    a training on a processor went into pages of 4 KiB.
    """
    added = {} if any(name in environment for name in _WAITING) else {"GOMP_SPINCOUNT": _SPINS}
    return added if _PAGES in environment else {**added, _PAGES: "1"}
