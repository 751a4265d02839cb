"""Counts for the head of the page: what is left to do for one reviewer, what is done, and how many comments there are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sayso.store import queue, tallies
from sayso.store.database import Store
from sayso.store.people import Reviewer

STALE_SECONDS = 2.0
"""For so long the number of comments is kept where counting them takes longer than `LONG_SECONDS`."""
LONG_SECONDS = 0.005


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How many responses are left for a reviewer, how many are done, and the open comments of all."""

    todo: int
    done: int
    comments: int


class Counting:
    """Counts in one store; what all readers share is counted once in a while where it takes long."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._kept: tuple[float, int] | None = None
        """Until when the number of comments is kept, and the number."""

    def of(self, reviewer: Reviewer, todo: int | None = None) -> Counts:
        """Return the counts of one reviewer; `todo` where it was counted already."""
        if todo is None:
            todo = queue.queue(self._store, reviewer=reviewer, limit=1).total
        return Counts(todo=todo, done=tallies.done_by(self._store, reviewer.id), comments=self._comments())

    def _comments(self) -> int:
        began, kept = self._clock(), self._kept
        if kept is not None and began < kept[0]:
            return kept[1]
        found = tallies.open_comments(self._store)
        now = self._clock()
        self._kept = (now + STALE_SECONDS, found) if now - began > LONG_SECONDS else None
        return found
