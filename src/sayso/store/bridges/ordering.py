"""Comments come in after those they supersede, refinements after the comments they address, whatever the file's order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sayso.store.exchange import Entry


def in_order(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return entries so that what one leans on stands before it, and in the order of the file otherwise.

    Where comments supersede each other in a circle, the order of the file stays, and taking them in names the fault.
    """
    home = {entry.comment.id: number for number, entry in enumerate(entries) if entry.comment is not None}
    done: set[int] = set()
    order: list[Entry] = []
    for first in range(len(entries)):
        waiting = [first]
        while waiting:
            number = waiting[-1]
            needed = [home[name] for name in _leans_on(entries[number]) if name in home and home[name] not in done]
            needed = [place for place in needed if place not in waiting]
            if number in done or not needed:
                waiting.pop()
                if number not in done:
                    done.add(number)
                    order.append(entries[number])
            else:
                waiting.append(needed[0])
    return tuple(order)


def _leans_on(entry: Entry) -> Iterator[str]:
    if entry.comment is not None:
        yield from entry.comment.supersedes
    for refinement in entry.refinements:
        yield from (name for name in refinement.addresses if entry.comment is None or name != entry.comment.id)
