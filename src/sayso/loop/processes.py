"""Many pieces of work in processes of their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

Piece = TypeVar("Piece")


def in_processes(
    do: Callable[[Piece], None], pieces: Sequence[Piece], count: int, *, begin: Callable[..., None], given: tuple[Any, ...]
) -> Iterator[Piece]:
    """Do every piece in one of `count` processes, each begun with `begin(*given)`, and yield it when it is done.

    When one fails, or the work is broken off, those that have not begun are given up.
    """
    # Started afresh: a process forked from one with torch's threads may stand still for ever.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=begin, initargs=given) as pool:
        waiting = {pool.submit(do, piece): piece for piece in pieces}
        try:
            for future in as_completed(waiting):
                future.result()
                yield waiting[future]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
