"""A training that is told to stop writes a checkpoint first: Ctrl-C (SIGINT), or SIGTERM, as `kill` sends it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

HEARD = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Says whether a signal came, and which."""

    def __init__(self) -> None:
        self.number = 0
        """The signal; 0: none came."""

    def __call__(self) -> bool:
        """Whether to stop."""
        return bool(self.number)

    def leave(self) -> None:
        """Pass silently unless a signal came.

        Raises:
            KeyboardInterrupt: one did; its argument is the signal's number, from which the exit code is made.
        """
        if self.number:
            raise KeyboardInterrupt(self.number)


@contextmanager
def signals() -> Iterator[Stop]:
    """Hold back the first signal until the step is done, and yield what says that it came; a second one breaks off.

    Outside the main thread, where Python hears no signal, nothing is held back.
    """
    stop = Stop()
    if current_thread() is not main_thread():
        yield stop
        return
    found = {number: signal.getsignal(number) for number in HEARD}
    before = {number: handler for number, handler in found.items() if handler is not signal.SIG_IGN}  # as nohup wants it

    def restore() -> None:
        for number, handler in before.items():
            # None: set by somebody who is not Python, and cannot be put back from here
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def hear(number: int, _frame: FrameType | None) -> None:
        stop.number = number
        restore()

    for number in before:
        signal.signal(number, hear)
    try:
        yield stop
    finally:
        restore()
