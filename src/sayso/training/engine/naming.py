"""How rows and examples are named in messages: the first few of them, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sayso.batches import Row
    from sayso.records import Example

_NAMED = 3


def name_rows(rows: Sequence[Row], *, most: int = _NAMED) -> str:
    """Return the labels of the first few rows with their lengths, and how many more there are."""
    return named([f"{item.label or '?'} ({len(item.ids)} tokens)" for item in rows], most=most)


def name_examples(examples: Sequence[Example]) -> str:
    """Return the ids of the prompts of the first few examples with those of their comments."""
    return named([" ".join((item.prompt.id, *(comment.id for comment in item.comments))) for item in examples])


def named(names: Sequence[str], *, most: int = _NAMED) -> str:
    """Return the first few names, and how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown}, + {len(names) - most}" if len(names) > most else shown
