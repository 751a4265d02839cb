"""What a bridge gives back: the records it found or the rows it wrote, and what could not cross, counted and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sayso.records import Comment, Prompt, Refinement, Response
from sayso.store.exchange import Entry
from sayso.store.lines import Fault


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """One thing that one side holds and the other cannot: its name there, in how many records, and why."""

    what: str
    count: int
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Records:
    """What is to be written: everything of a store, or a part of it."""

    comments: tuple[Comment, ...] = ()
    refinements: tuple[Refinement, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    responses: tuple[Response, ...] = ()
    verdicts: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """By the id of a response: what reviewers said of it as a whole (`good`, `needs_work`, `bad`)."""
    rejected: frozenset[str] = frozenset()
    """The ids of refinements that reviewers rejected, and nobody accepted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bridged:
    """What a file of another tool holds; with faults, nothing of it is to be kept."""

    entries: tuple[Entry, ...]
    lost: tuple[Lost, ...] = ()

    @property
    def comments(self) -> tuple[Comment, ...]:
        """The comments of the good rows."""
        return tuple(entry.comment for entry in self.entries if entry.comment is not None)

    @property
    def refinements(self) -> tuple[Refinement, ...]:
        """The refinements of the good rows."""
        return tuple(better for entry in self.entries for better in entry.refinements)

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """The prompts that stand alone in the good rows."""
        return tuple(entry.prompt for entry in self.entries if entry.prompt is not None)

    @property
    def responses(self) -> tuple[Response, ...]:
        """The responses that stand alone in the good rows."""
        return tuple(entry.response for entry in self.entries if entry.response is not None)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong in the file, each named `file:line: field`."""
        return tuple(Fault(where=entry.where, error=error) for entry in self.entries for error in entry.problems)


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What was written: how many rows, into which files, and what of the records is not in them."""

    count: int
    lost: tuple[Lost, ...] = ()
    files: tuple[Path, ...] = ()


def tally(found: Iterable[tuple[str, str]]) -> tuple[Lost, ...]:
    """Count equal pairs of a name and a reason, in order of first appearance."""
    return tuple(Lost(what=what, count=count, reason=reason) for (what, reason), count in Counter(found).items())


def added(found: Iterable[Lost]) -> tuple[Lost, ...]:
    """Put the same losses of several files together."""
    counts: Counter[tuple[str, str]] = Counter()
    for item in found:
        counts[item.what, item.reason] += item.count
    return tuple(Lost(what=what, count=count, reason=reason) for (what, reason), count in counts.items())
