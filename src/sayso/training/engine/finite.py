"""A loss or a gradient that is no finite number ends a run, and the rows that it comes from are found and named."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from sayso.batches import Row
from sayso.errors import ModelError
from sayso.training.engine.naming import name_rows

_NAMED = 8


def not_finite(value: float, rows: Sequence[Row], step: int) -> ModelError:
    """Return the error that a step (from 0) ended in, with the rows it came from."""
    return ModelError(
        "the loss or its gradient became {value} at step {step}, on {rows}; no update was made from them, and the "
        "checkpoints before are kept. Lower train.learning_rate, or look at these rows",
        value=value, step=step + 1, rows=name_rows(rows, most=_NAMED),
    )  # fmt: skip


def culprits(rows: Sequence[Row], group: int, alone: Callable[[Sequence[Row]], float]) -> list[Row]:
    """Return the groups of rows whose value is not finite when they go through the model alone; if none is, all rows."""
    found = [
        item
        for first in range(0, len(rows), group)
        if not math.isfinite(alone(rows[first : first + group]))
        for item in rows[first : first + group]
    ]
    return found or list(rows)
