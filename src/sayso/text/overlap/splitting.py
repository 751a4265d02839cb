"""Which part of a split a family of texts belongs to: train, validation or test, never two of them.

A family has a number, drawn from its name and the seed by a hash, and a part takes a stretch of the numbers. So a family
stays where it is when others are added. Shares say how long the stretches are. Counts say how many documents a part is to
have: its stretch is then made so long that the families in it have that many, and the shares it came to are given, with
which the split stays as it is when documents are added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from sayso.errors import SettingsError
from sayso.text.files.streams import TEXT
from sayso.text.overlap.shingles import Array, mixed
from sayso.text.overlap.signatures import Near

PARTS = ("train", "validation", "test")
_WHOLE = 1 << 64
_STEP = 1 << 11
"""Stretches end at multiples of it, so that a share says their end exactly."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """How documents are split."""

    by: Literal["text", "near", "field"] = "near"
    """What makes a family: equal texts, nearly equal texts, or the same value of the field `family`."""
    family: str = ""
    """With by: field, the name of the field; a dotted name reaches into objects."""
    validation: float = 0.05
    """A share of the families, or from 1 on a number of documents."""
    test: float = 0.05
    """A share of the families, or from 1 on a number of documents."""
    seed: int = 0
    """Another seed draws another split."""
    near: Near = field(default_factory=Near)
    """When texts are nearly equal."""
    fields: tuple[str, ...] = (TEXT,)
    """The fields with text; where a record has turns in `messages`, their contents are its text."""

    def __post_init__(self) -> None:
        """Refuse what cannot be split."""
        for name in ("validation", "test"):
            found = getattr(self, name)
            if found < 0 or (found > 1 and found != int(found)):
                raise SettingsError(
                    "{name}: found {found!r}; expected a share between 0 and 1, or a whole number of documents",
                    name=name, found=found,
                )  # fmt: skip
        if all(getattr(self, name) < 1 for name in ("validation", "test")) and self.validation + self.test >= 1:
            raise SettingsError("validation and test together are {share}; expected less than 1, so that something is left "
                "to train on", share=self.validation + self.test)  # fmt: skip
        if (self.by == "field") != bool(self.family):
            raise SettingsError("by: {by}, family: {family!r}; name a field with by: field, and only then",
                by=self.by, family=self.family)  # fmt: skip

    @property
    def counts(self) -> bool:
        """Whether a part is given by a number of documents."""
        return self.validation >= 1 or self.test >= 1


class Bounds(NamedTuple):
    """Families below the first go to test, from there to below the second to validation, the rest to train."""

    test: int
    validation: int

    def parts(self, numbers: Array) -> Array:
        """Return of every family its part, as its place in `PARTS`."""
        low, high = np.uint64(min(self.test, _WHOLE - 1)), np.uint64(min(self.validation, _WHOLE - 1))
        found: Array = np.where(numbers < low, 2, np.where(numbers < high, 1, 0))
        return found

    def shares(self) -> Mapping[str, float]:
        """Return how long the stretches are."""
        test, validation = self.test / _WHOLE, (self.validation - self.test) / _WHOLE
        return {"train": 1 - test - validation, "validation": validation, "test": test}


@dataclass(frozen=True, kw_only=True, slots=True)
class Leak:
    """Two documents of different parts that belong together."""

    why: str
    """family, text (equal) or near (nearly equal)."""
    one: str
    """Where the first stands."""
    other: str
    parts: tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What reading a split back found."""

    documents: Mapping[str, int]
    looked_for: tuple[str, ...]
    leaks: Mapping[str, int]
    """How many documents outside train belong together with one in another part, by why."""
    samples: tuple[Leak, ...] = field(default=())

    @property
    def clean(self) -> bool:
        """Whether nothing leaks."""
        return not any(self.leaks.values())


def numbers(families: Array, seed: int) -> Array:
    """Return the numbers of families, which are named by hashes."""
    digest = hashlib.blake2b(str(seed).encode(), digest_size=8).digest()
    found: Array = mixed(families ^ np.uint64(int.from_bytes(digest, "little")))
    return found


def bounds(split: Split, drawn: Array) -> Bounds:
    """Return where the stretches end. `drawn` are the numbers of all documents, for a split by counts.

    Raises:
        SettingsError: there are not that many documents.
    """
    if not split.counts:
        test = round(split.test * _WHOLE)
        return Bounds(test, test + round(split.validation * _WHOLE))
    ordered = np.sort(drawn)
    test = _reach(split.test, ordered, 0)
    bound = Bounds(test, _reach(split.validation, ordered, test))
    if len(ordered) and bound.validation > int(ordered[-1]):
        raise SettingsError(
            "validation: {validation}, test: {test} of {total} documents leave none to train on; ask for fewer, or make "
            "families smaller",
            validation=split.validation, test=split.test, total=len(ordered),
        )  # fmt: skip
    return bound


def _reach(wanted: float, ordered: Array, begin: int) -> int:
    """Return where a stretch from `begin` ends that holds so many documents, or the share of all numbers."""
    if not wanted:
        return begin
    if wanted < 1:
        return min(begin + round(wanted * _WHOLE), _WHOLE)
    first = int(np.searchsorted(ordered, np.uint64(begin)))
    last = first + int(wanted) - 1
    return min(-(-(int(ordered[last]) + 1) // _STEP) * _STEP, _WHOLE) if last < len(ordered) else _WHOLE


def crossing(groups: Array, parts: Array) -> Array:
    """Return the places of documents whose group lies in more than one part, without those of the group's first part.

    The first part is that of the group's first document.
    """
    order = np.lexsort((np.arange(len(groups)), groups))
    ordered = groups[order]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(groups) else order
    first = np.repeat(parts[order][begins], np.diff(np.concatenate([begins, [len(groups)]])))
    return np.sort(order[parts[order] != first])
