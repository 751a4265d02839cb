"""Live updates: one look at the store for everybody who listens, told as server-sent events.

A listener holds no connection to the database and no thread; the hub looks once a second, only while somebody listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from sayso.errors import StoreError
from sayso.records import plain
from sayso.store import tallies
from sayso.web.counting import Counting

if TYPE_CHECKING:
    from sayso.store.database import Store
    from sayso.store.people import Reviewer

LOOK_EVERY_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
_MOST_WAITING = 32
"""A listener that has fallen so far behind is let go."""
_REST = 4
"""After a look that took long, so many times as long nobody looks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """Somebody who listens, and what waits to be told; None ends it."""

    reviewer: Reviewer
    waiting: asyncio.Queue[str | None]


class Hub:
    """Looks at the store for all listeners."""

    def __init__(self, store: Store, *, every_seconds: float = LOOK_EVERY_SECONDS) -> None:
        self._store = store
        self._counting = Counting(store)
        self._every = every_seconds
        self._listeners: set[Listener] = set()
        self._looking: asyncio.Task[None] | None = None
        self._closed = False
        self.seen: int | None = None
        """The last event that was looked at."""

    async def listen(self, reviewer: Reviewer, last: int | None = None) -> AsyncIterator[str]:
        """Give events as they come, first what came after `last`, and a sign of life when there are none."""
        if self._closed:
            return
        listener = Listener(reviewer=reviewer, waiting=asyncio.Queue(_MOST_WAITING))
        self._listeners.add(listener)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            yield ": here\n\n"
            if last is not None:
                yield await run_in_threadpool(_missed, self._store, last)
            while (told := await _next(listener.waiting)) is not None:
                yield told
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """Let all listeners go."""
        self._closed = True
        for listener in tuple(self._listeners):
            self._let_go(listener)

    async def _look(self) -> None:
        """Look again and again while somebody listens; a database that is away for a moment is asked again."""
        self.seen = None
        while self._listeners and not self._closed:
            began = time.monotonic()
            with contextlib.suppress(StoreError):
                self.seen = await self._look_once(self.seen)
            took = time.monotonic() - began
            await asyncio.sleep(max(self._every, _REST * took))

    async def _look_once(self, seq: int | None) -> int:
        if seq is None:
            return await run_in_threadpool(tallies.last_event, self._store)
        changes = await run_in_threadpool(tallies.changes_since, self._store, seq)
        if changes.seq != seq:
            people = {listener.reviewer.id: listener.reviewer for listener in self._listeners}
            counted = await run_in_threadpool(_counted, self._counting, people)
            changed = _changed(changes)
            for listener in tuple(self._listeners):
                self._tell(listener, changed + counted.get(listener.reviewer.id, ""))
        return changes.seq

    def _tell(self, listener: Listener, told: str) -> None:
        if listener.waiting.full():
            self._let_go(listener)
        else:
            listener.waiting.put_nowait(told)

    def _let_go(self, listener: Listener) -> None:
        """End a listener's stream, whatever it has not heard yet; its browser comes back by itself."""
        self._listeners.discard(listener)
        while not listener.waiting.empty():
            listener.waiting.get_nowait()
        listener.waiting.put_nowait(None)


def event(name: str, data: Any, seq: int | None = None) -> str:
    """Return one event in the form a browser's EventSource reads."""
    number = f"id: {seq}\n" if seq is not None else ""
    return f"{number}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _missed(store: Store, last: int) -> str:
    changes = tallies.changes_since(store, last)
    return _changed(changes) if changes.seq != last else ""


def _changed(changes: tallies.Changes) -> str:
    guideline = any(kind.startswith("guideline.") for kind in changes.kinds)
    return event("changed", {"responses": list(changes.response_ids), "guideline": guideline}, changes.seq)


def _counted(counting: Counting, people: Mapping[str, Reviewer]) -> dict[str, str]:
    """Return the event with the counts of each person by their id."""
    return {key: event("counts", plain(counting.of(person))) for key, person in people.items()}


async def _next(waiting: asyncio.Queue[str | None]) -> str | None:
    try:
        return await asyncio.wait_for(waiting.get(), KEEP_ALIVE_SECONDS)
    except TimeoutError:
        return ": still here\n\n"
