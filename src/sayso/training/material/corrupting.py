"""Texts that are learnt by putting right what was done to them: what is done is drawn anew for every step.

An objective says what a row becomes under a seed. While learning the seed is the step's, so that it differs from epoch to
epoch and yet does not depend on how a step is cut into batches; what is measured is always corrupted in the same way.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import torch

from sayso.batches import Batch, Row, by_place, collate
from sayso.losses.likelihood import nll

if TYPE_CHECKING:
    from sayso.losses.loss import Loss
    from sayso.methods import Method
    from sayso.models import Policy, Scorer
    from sayso.records import Example
    from sayso.text.tokens import Facts
    from sayso.training.material.mixture import Rows

_MEASURED = 20_260_101
"""The seed of what is measured."""


class Corrupts(Protocol):
    """An objective that learns rows other than those it is given."""

    @property
    def foretold(self) -> float:
        """Which share of a text's bytes is to be foretold, about."""
        ...

    def corrupted(self, row: Row, random: np.random.Generator) -> Row:
        """Return what is learnt of a row."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Correcting:
    """Learn to put right what was done to texts: an objective as a method, whose rows are read from token files."""

    objective: Corrupts
    learning_rate: float = 1e-3

    @property
    def group(self) -> int:
        """One row stands alone."""
        return 1

    @property
    def wants(self) -> frozenset[str]:
        """It reads no examples."""
        return frozenset()

    @property
    def uses_reference(self) -> bool:
        """The frozen model is not asked."""
        return False

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield nothing: its rows are read from token files."""
        return iter(())

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the negative log-likelihood of what is taken out of a batch's rows in this step."""
        seed = torch.initial_seed()  # the step's: drawing from torch would make it depend on what was drawn before
        rows = [self.objective.corrupted(item, _own(item, seed)) for item in batch.rows]
        found = collate(rows, packed=policy.packed, pad_id=policy.pad_id, device=batch.ids.device)
        return nll(policy.token_logprobs(found), found.weights)


def held(method: Method, rows: Rows | None) -> Rows | None:
    """Return the rows to measure on as a method sees them: corrupted at a fixed seed where it corrupts any."""
    if rows is None or not isinstance(method, Correcting):
        return rows
    return cast("Rows", Shown(method.objective, rows))


class Shown(Sequence[Row]):
    """Rows that were corrupted, each always in the same way."""

    def __init__(self, objective: Corrupts, rows: Rows) -> None:
        self._objective, self._rows = objective, rows

    @property
    def facts(self) -> Facts:
        """What the rows hold; the bytes are, about, those of what is to be foretold."""
        facts: Facts = self._rows.facts
        return replace(facts, num_bytes=round(facts.num_bytes * self._objective.foretold))

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""
        return self._rows.tokens

    def digest(self) -> str:
        """Return the hash of all rows, in order."""
        return self._rows.digest()

    def __len__(self) -> int:
        return len(self._rows)

    __getitem__ = by_place

    def made(self, place: int) -> Row:
        """Return the row at a place."""
        item = self._rows[place]
        return self._objective.corrupted(item, _own(item, _MEASURED))


def _own(item: Row, seed: int) -> np.random.Generator:
    """Return a row's own random numbers under a seed."""
    return np.random.default_rng([seed % (1 << 63), zlib.crc32(np.asarray(item.ids, dtype="<i8").tobytes())])
