"""Taking turns: of the threads that want to write, the one that has waited longest is next."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """A lock that is given in the order in which it was asked for, so that nobody waits for ever."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def turn(self, patience: float) -> Iterator[None]:
        """Have one's turn until the block ends; TimeoutError when it does not come within so many seconds."""
        mine = self._ask()
        try:
            if not mine.wait(patience):
                raise TimeoutError
            yield
        finally:
            self._leave(mine)

    def _ask(self) -> threading.Event:
        mine = threading.Event()
        with self._guard:
            if self._taken:
                self._waiting.append(mine)
            else:
                self._taken = True
                mine.set()
        return mine

    def _leave(self, mine: threading.Event) -> None:
        with self._guard:
            if not mine.is_set():  # it gave up before its turn came
                self._waiting.remove(mine)
            elif self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False
