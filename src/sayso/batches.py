"""Rows of token ids become batches of tensors: the only collator.

A row is one sequence with a weight for every token: weight 0 is context, any other weight is a target to learn from (the
token itself, foretold from those before it, or the label that stands at it). Rows
that belong together (a pair; a student and its teacher) are consecutive and stay in one batch. A batch is *packed* (all rows
in one long row, positions restart, attention stays inside a row) or *padded* (one line a row, right-padded). Both give the
same log-probabilities in the same order, so nothing above this file knows which it is.

Letters: B lines, T tokens of a line, M targets, R rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, overload

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Token ids to learn from, a weight for each (0: context only), and a label that names the row in messages."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]
    label: str = ""
    kind: str = ""
    """The part it plays in its group, where the method's loss has to tell rows apart."""
    labels: tuple[int, ...] = ()
    """What is foretold *at* each token of weight other than 0 (the class of a text, a word that was masked), as long as
    `ids`; empty: such a token is itself foretold, at the token before it."""
    beside: tuple[int, ...] = ()
    """Places of words that the answer must not rest on, for a loss that reads them."""
    read_only: bool = False
    """Whether its log-probabilities are asked for without a gradient: it then takes little of what `max_tokens` bounds."""

    @property
    def num_targets(self) -> int:
        """How many tokens, or labels, it learns."""
        return sum(weight != 0 for weight in (self.weights if self.labels else self.weights[1:]))


def row(context: Sequence[int], target: Sequence[int], *, weight: float = 1.0, label: str = "", kind: str = "") -> Row:
    """Return the row that reads `context` and learns `target`."""
    weights = (0.0,) * len(context) + (weight,) * len(target)
    return Row(ids=(*context, *target), weights=weights, label=label, kind=kind)


def sharing(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the same rows, in which equal token ids are one object: a number of its own takes three times its place."""
    known: dict[int, int] = {}
    for item in rows:
        yield replace(item, ids=tuple([known.setdefault(token, token) for token in item.ids]))


class Made(Protocol):
    """Rows that are made one at a time, when they are asked for."""

    def __len__(self) -> int: ...

    def made(self, place: int) -> Row:
        """Return the row at a place, counted from 0."""


@overload
def by_place(rows: Made, number: int) -> Row: ...
@overload
def by_place(rows: Made, number: slice) -> Sequence[Row]: ...
def by_place(rows: Made, number: int | slice) -> Row | Sequence[Row]:
    """Return what rows give under an index, as their `__getitem__`: one, counted from the end if it is negative, or some."""
    if isinstance(number, slice):
        return [rows.made(place) for place in range(*number.indices(len(rows)))]
    place = number + len(rows) if number < 0 else number
    if not 0 <= place < len(rows):
        raise IndexError(number)
    return rows.made(place)


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """What a method drew from the policy for one step: the rows to learn from, and what there was in all."""

    rows: tuple[Row, ...]
    """Answers that would teach nothing (as good as the others of their group) may be left out; there may be none left."""
    answers: int
    """How many answers were drawn."""
    reward: float | None = None
    """Their mean reward; None where nothing judges them."""
    count: float | None = None
    """What the step's loss is divided by, where answers were left out of the rows; None: by what the loss counts."""
    sums: Mapping[str, float] = field(default_factory=dict, hash=False)
    """What else is to be reported of the step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Rows as tensors. Target m is foretold by the state at flat index `where[m]` of the (B, T) lines."""

    ids: Int[Tensor, "B T"]
    positions: Int[Tensor, "B T"]
    mask: Bool[Tensor, "B T"] | None
    """True where there is a token; None when packed."""
    bounds: tuple[int, ...]
    """Packed: where each row starts, and the end of the last; empty when padded."""
    where: Int[Tensor, " M"]
    targets: Int[Tensor, " M"]
    weights: Float[Tensor, " M"]
    row_of: Int[Tensor, " M"]
    """The number of the row a target belongs to."""
    rows: tuple[Row, ...]
    group: int
    pad_id: int
    prefixes: tuple[tuple[tuple[int, int], ...], ...] = ()
    """Packed, for each row: where in the line its beginning stands, piece by piece, if not before its own tokens."""

    @property
    def num_rows(self) -> int:
        """Rows in the batch, each pair counting two."""
        return len(self.rows)

    def row_sums(self, values: Float[Tensor, " M"]) -> Float[Tensor, " R"]:
        """Sum one value per target over each row."""
        return torch.zeros(self.num_rows, dtype=values.dtype, device=values.device).index_add(0, self.row_of, values)

    def member(self, *numbers: int) -> Batch:
        """Return the batch of every group's rows of these numbers alone, in their order and in the same form."""
        return self._alone([item for place, item in enumerate(self.rows) if place % self.group in numbers])

    def of_kind(self, *kinds: str) -> Batch:
        """Return the batch of the rows of these kinds alone, in their order and in the same form."""
        return self._alone([item for item in self.rows if item.kind in kinds])

    def _alone(self, rows: Sequence[Row]) -> Batch:
        return collate(rows, packed=self.mask is None, pad_id=self.pad_id, device=self.ids.device)


def collate(
    rows: Sequence[Row], *, group: int = 1, packed: bool, pad_id: int = 0, device: torch.device | str = "cpu"
) -> Batch:
    """Make one batch of `rows`; they must be whole groups and none may be empty."""
    assert rows, "an empty batch"
    assert len(rows) % group == 0, "whole groups only"
    lengths = np.array([len(item.ids) for item in rows])
    ids = np.concatenate([np.asarray(item.ids, dtype=np.int64) for item in rows])
    weights = np.concatenate([np.asarray(item.weights, dtype=np.float32) for item in rows])
    first = np.cumsum(lengths) - lengths  # where each row begins when all stand end to end
    row_of = np.repeat(np.arange(len(rows)), lengths)
    within = np.arange(len(ids)) - first[row_of]
    width = len(ids) if packed else int(lengths.max())
    place = np.arange(len(ids)) if packed else row_of * width + within
    shape = (1 if packed else len(rows), width)
    at = np.repeat(np.array([bool(item.labels) for item in rows]), lengths)  # foretold at its own place
    labels = np.concatenate([np.asarray(item.labels or item.ids, dtype=np.int64) for item in rows])
    target = np.flatnonzero(((within > 0) | at) & (weights != 0.0))

    def tensor(values: np.ndarray[Any, Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)

    return Batch(
        ids=tensor(_laid(ids, place, shape, pad_id)), positions=tensor(_laid(within, place, shape, 0)),
        mask=None if packed else tensor(_laid(np.ones(len(ids), dtype=bool), place, shape, 0)),
        bounds=(*first.tolist(), width) if packed else (),
        where=tensor(np.where(at, place, place - 1)[target]), targets=tensor(labels[target]),
        weights=tensor(weights[target]), row_of=tensor(row_of[target]), rows=tuple(rows), group=group, pad_id=pad_id,
    )  # fmt: skip


def _laid(
    values: np.ndarray[Any, Any], place: np.ndarray[Any, Any], shape: tuple[int, int], empty: int
) -> np.ndarray[Any, Any]:
    """Put values at their flat places in lines that are otherwise empty."""
    lines = np.full(shape[0] * shape[1], empty, dtype=values.dtype)
    lines[place] = values
    return lines.reshape(shape)


def micro_batches(rows: Sequence[Row], *, group: int, max_tokens: int) -> Iterator[list[Row]]:
    """Cut rows into runs of whole groups of at most `max_tokens` tokens; a larger group goes alone.

    Of rows that are only read a quarter counts: what a layer computes of them is not kept.
    """
    run: list[Row] = []
    size = 0.0
    for first in range(0, len(rows), group):
        members = list(rows[first : first + group])
        tokens = sum(len(item.ids) * (0.25 if item.read_only else 1.0) for item in members)
        if run and size + tokens > max_tokens:
            yield run
            run, size = [], 0.0
        run += members
        size += tokens
    if run:
        yield run
