"""How far a step has come, as a value; nothing here draws."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """`done` of `total` units of one stage; `note` is what a person may want to see beside it."""

    stage: str
    done: int
    total: int
    unit: str = ""
    note: str = ""


def ignore(progress: Progress) -> None:
    """Watch nothing."""
