"""Numbers that take a while to gather: made anew when something in the store changed, and shared between all who look."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from sayso.store import tallies

if TYPE_CHECKING:
    from sayso.store.database import Store

Facts = TypeVar("Facts")
STALE_SECONDS = 30.0
"""For so long numbers that took more than `LONG_SECONDS` to gather are shown although something has changed."""
LONG_SECONDS = 0.5


class Gathered(Generic[Facts]):
    """What `gather` makes of a store, kept until the store changes; safe to share between threads, of which one gathers."""

    def __init__(
        self, store: Store, gather: Callable[[Store], Facts], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._gather = gather
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: _Kept[Facts] | None = None

    def get(self) -> Facts:
        """Return the facts of now; of at most `STALE_SECONDS` ago where gathering takes long or another thread is at it."""
        seq = tallies.last_event(self._store)
        kept = self._kept
        if kept is not None and self._will_do(kept, seq):
            return kept.facts
        if not self._lock.acquire(blocking=kept is None):
            assert kept is not None
            return kept.facts
        try:
            if self._kept is None or not self._will_do(self._kept, seq):
                self._kept = self._again()
            return self._kept.facts
        finally:
            self._lock.release()

    def _will_do(self, kept: _Kept[Facts], seq: int) -> bool:
        return kept.seq >= seq or (kept.took > LONG_SECONDS and self._clock() - kept.at < STALE_SECONDS)

    def _again(self) -> _Kept[Facts]:
        seq, began = tallies.last_event(self._store), self._clock()  # the number first: what comes meanwhile is asked again
        facts = self._gather(self._store)
        at = self._clock()
        return _Kept(seq=seq, at=at, took=at - began, facts=facts)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept(Generic[Facts]):
    seq: int
    at: float
    took: float
    facts: Facts
