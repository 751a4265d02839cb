"""Counts for the head of the page: what is left to do for one reviewer, what is done, and how many comments there are."""

from __future__ import annotations

from dataclasses import dataclass

from sayso.store import queue, tallies
from sayso.store.database import Store
from sayso.store.people import Reviewer


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How many responses are left for a reviewer, how many are done, and the open comments of all."""

    todo: int
    done: int
    comments: int


def counts(store: Store, reviewer: Reviewer, comments: int | None = None) -> Counts:
    """Return the counts of one reviewer; `comments` where they were counted already."""
    todo, done = (queue.queue(store, reviewer=reviewer, state=state, limit=1).total for state in ("todo", "done"))
    return Counts(todo=todo, done=done, comments=tallies.counts(store).comments if comments is None else comments)
