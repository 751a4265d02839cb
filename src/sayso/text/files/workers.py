"""Work done by several processes at once, its results in order, a few jobs ahead and no more."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import wait
from threading import Thread
from typing import TypeVar

from sayso.errors import StoreError

Job = TypeVar("Job")
Result = TypeVar("Result")
_AHEAD = 1
"""Jobs that wait ready for each process."""


def ordered(function: Callable[[Job], Result], jobs: Iterable[Job], *, workers: int) -> Iterator[Result]:
    """Yield what `function` makes of each job, in the jobs' order. With one worker all is done in this process.

    Raises:
        StoreError: a process was ended from outside, most often because memory ran out.
    """
    waiting = iter(jobs)
    first = list(islice(waiting, 2))
    if workers <= 1 or len(first) < 2:
        yield from map(function, first)
        yield from map(function, waiting)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin) as pool:
        running: deque[Future[Result]] = deque(pool.submit(function, job) for job in first)
        try:
            for job in waiting:
                if len(running) >= workers * (1 + _AHEAD):
                    yield running.popleft().result()
                running.append(pool.submit(function, job))
            while running:
                yield running.popleft().result()
        except BrokenProcessPool as error:
            raise StoreError(
                "a process that worked for this one was ended from outside, perhaps for want of memory; run the same "
                "command again with fewer --workers to go on"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _begin() -> None:
    """Leave Ctrl-C to the first process, and end when it ends, however it ends. Each process works alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(RAYON_NUM_THREADS="1", OMP_NUM_THREADS="1")
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
