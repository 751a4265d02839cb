"""Work in parts: done here one after another, or by several processes that share them; who evaluates says how."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

P = TypeVar("P")
T = TypeVar("T")


class Each(Protocol):
    """Does something with each part, and returns what came of them in their order."""

    def __call__(self, do: Callable[[P], T], parts: Iterable[P]) -> list[T]:
        """Do it, here or anywhere."""
        ...


def alone(do: Callable[[P], T], parts: Iterable[P]) -> list[T]:
    """Do it here, one part after another."""
    return [do(part) for part in parts]
