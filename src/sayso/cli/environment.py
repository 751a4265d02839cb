"""What the libraries underneath read once, when they are loaded, set where a user has not: by the command line alone."""

from __future__ import annotations

from collections.abc import Mapping

_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
_PAGES = "THP_MEM_ALLOC_ENABLE"


def settled(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what is to be added to an environment, nothing of which stands in it.

    `GOMP_SPINCOUNT`: beside another busy process, threads that spin keep the processor from the thread they wait for,
    so they spin for microseconds and then sleep; to sleep at once costs a fifth of the speed on a quiet machine.
    `THP_MEM_ALLOC_ENABLE`: torch asks for large tensors in pages of 2 MiB, where the system has them; a training then has a
    fifth of the page faults, in no more memory.
    """
    added = {} if any(name in environment for name in _WAITING) else {"GOMP_SPINCOUNT": "1000"}
    return added if _PAGES in environment else {**added, _PAGES: "1"}
