"""Several files' rows as one sequence in which each group has its share of the tokens; no row is held in memory.

An epoch is as long as it takes to see every row once: the group that lasts longest is seen once, the others go round as
often as their shares want. Which row stands at a place is arithmetic, so that a run that is taken up again reads the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Protocol, overload

from sayso.batches import Row, by_place
from sayso.errors import SettingsError
from sayso.text import corpus
from sayso.text.tokens import Facts


class Rows(Protocol):
    """Rows that know what they come to; one is made when it is asked for."""

    @property
    def facts(self) -> Facts:
        """Their counts."""

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""

    def digest(self) -> str:
        """Return the hash of all rows, in order."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, number: int) -> Row: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Row]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A group of files in a mixture, as it was named, and its share of the tokens."""

    name: str
    files: tuple[Path, ...]
    share: float


def parts_of(mixture: Mapping[str, float], files: Sequence[Path]) -> list[Part]:
    """Return the groups that a mixture names; together they are `files`.

    Raises:
        SettingsError: `files` holds another file, or a file stands in two groups.
        NotFoundError: a name is no file or folder.
    """
    whole = sum(mixture.values())
    found = [
        Part(name=name, files=tuple(corpus.files_of([Path(name)])), share=weight / whole) for name, weight in mixture.items()
    ]
    seen: dict[Path, str] = {}
    for part in found:
        for file in (path.resolve() for path in part.files):
            if file in seen:
                raise SettingsError(
                    "data.mixture: {file} stands both in {one!r} and in {other!r}; expected every file in one group",
                    file=str(file), one=seen[file], other=part.name,
                )  # fmt: skip
            seen[file] = part.name
    strange = [str(path) for path in files if path.resolve() not in seen]
    if strange:
        raise SettingsError(
            "data.mixture gives no weight to {file}; name it there, or leave it out of FILES", file=strange[0]
        )
    return found


def counts_of(parts: Sequence[Rows], shares: Sequence[float]) -> list[int]:
    """Return how many rows of each group an epoch holds, so that each has its share of the tokens and every row is seen."""
    longest = max(part.tokens / share for part, share in zip(parts, shares, strict=True))
    return [
        max(len(part), round(longest * share / part.tokens * len(part))) for part, share in zip(parts, shares, strict=True)
    ]


class Mixture(Sequence[Row]):
    """The rows of several groups, spread evenly; a group of which there are fewer than asked for goes round."""

    def __init__(self, parts: Sequence[Rows], counts: Sequence[int]) -> None:
        self._parts, self._counts = list(parts), list(counts)
        self._behind = [*accumulate(reversed(self._counts))][::-1]  # rows of a group and of all after it
        self.facts = _sums(self._parts, self._counts, self.digest())

    @property
    def tokens(self) -> int:
        """Tokens of all rows, those that come again counted again."""
        return self.facts.tokens

    @property
    def passes(self) -> list[float]:
        """How often each group is seen in an epoch."""
        return [count / len(part) for part, count in zip(self._parts, self._counts, strict=True)]

    def digest(self) -> str:
        """Return the hash of all rows, in order."""
        told = [f"{part.digest()} {count}" for part, count in zip(self._parts, self._counts, strict=True)]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()

    def __len__(self) -> int:
        return self._behind[0]

    __getitem__ = by_place

    def made(self, place: int) -> Row:
        """Return the row at a place."""
        group, within = self.place(place)
        return self._parts[group][within % len(self._parts[group])]

    def place(self, number: int) -> tuple[int, int]:
        """Return which group stands at a place, and the how-manieth of that group it is.

        Of the places that are left, the first group takes every so many; the rest are the next groups', in the same way.
        """
        for group, count in enumerate(self._counts):
            before = number * count // self._behind[group]
            if (number + 1) * count // self._behind[group] > before:
                return group, before
            number -= before
        raise AssertionError(number)


def _sums(parts: Sequence[Rows], counts: Sequence[int], digest: str) -> Facts:
    def whole(name: str) -> int:
        pairs = zip(parts, counts, strict=True)
        return sum(round(getattr(part.facts, name) * count / len(part)) for part, count in pairs)

    return Facts(
        key="", digest=digest, rows=sum(counts), tokens=whole("tokens"), targets=whole("targets"),
        num_bytes=whole("num_bytes"), longest=max(part.facts.longest for part in parts), small=parts[0].facts.small,
        left_out=sum(part.facts.left_out for part in parts),
        silent=0 if all(part.facts.silent == 0 for part in parts) else None,
    )  # fmt: skip
