"""What a task asks once: named inputs, the right answers, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One thing to be answered."""

    inputs: Mapping[str, str] = field(hash=False)
    """What is given, by name: `text`; `text` and `pair`; `question` and `passage` …"""
    answers: tuple[str, ...] = ()
    """The right answers, the one to be learnt first; none where nobody knows."""
    where: str = ""
    """`file:line`, or a data set's name and number, for messages."""
    family: str = ""
    """Items of one family are about one thing, and are resampled together."""


def families(items: Sequence[Item]) -> tuple[str, ...]:
    """Return the family of each item, an item without one being its own; nothing where none has one."""
    if not any(item.family for item in items):
        return ()
    return tuple(item.family or f"item {number}" for number, item in enumerate(items))
