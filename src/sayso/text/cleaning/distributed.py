"""The same cleaning on many machines: a function over batches of columns, as Ray Data hands them out.

    ray.data.read_json("texts/").map_batches(stage(Cleaning(quality=("gopher",)))).write_json("clean/")

Nothing here needs Ray: a batch is a mapping of names to columns of equal length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from sayso.text.cleaning.cleaner import Cleaner, Cleaning
from sayso.text.files.streams import Record

Columns = Mapping[str, Any]


def stage(settings: Cleaning | None = None) -> Callable[[Columns], dict[str, np.ndarray]]:
    """Return what `map_batches` takes: it cleans the texts of a batch and leaves out the rows that are dropped."""
    return partial(clean_batch, settings or Cleaning())


def clean_batch(settings: Cleaning, batch: Columns) -> dict[str, np.ndarray]:
    """Return a batch of columns with clean texts; rows that are dropped are gone from every column.

    Raises:
        RecordError: a row has none of the fields with text.
    """
    clean = Cleaner(settings)
    names = list(batch)
    columns = {name: _column(batch[name]) for name in names}
    size = len(columns[names[0]]) if names else 0
    kept: list[int] = []
    texts: dict[str, list[Any]] = {name: [] for name in (*settings.fields, "messages") if name in columns}
    for row in range(size):
        fields = {name: _plain(columns[name][row]) for name in texts}
        done = clean(Record(where=f"row {row + 1} of a batch", fields=fields))
        if done.fields is not None:
            kept.append(row)
            for name, column in texts.items():
                column.append(done.fields[name])
    return {name: _objects(texts[name]) if name in texts else columns[name][kept] for name in names}


def _column(values: Any) -> np.ndarray:
    return values if isinstance(values, np.ndarray) else _objects(list(values))


def _objects(values: list[Any]) -> np.ndarray:
    """Return a column of Python objects; numpy would make lists of equal length a table."""
    column = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        column[row] = value
    return column


def _plain(value: Any) -> Any:
    """Return a cell as records have it: numpy's strings and lists as Python's own."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
