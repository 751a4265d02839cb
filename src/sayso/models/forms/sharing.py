"""What a row has in common with the row before it, run once: the prompt of a pair, of several answers, a system's words.

A packed line (1, N) is laid out anew: a row keeps only the tokens after its common beginning, their positions go on from
there, and its attention sees the beginning where it stands (`Batch.prefixes`). That is right where attention is all that
passes between the tokens of a causal model, and where a state depends on nothing after it.

Letters: N tokens of a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import torch

from sayso.batches import Batch, Row

LEAST = 16
"""Tokens; a shorter piece of a beginning is not worth a call of its own."""

Range = tuple[int, int]


def shared(batch: Batch) -> Batch:
    """Return a packed batch in which common beginnings stand once; the batch itself where rows have none."""
    if batch.mask is not None or batch.num_rows == 1:
        return batch
    laid = _laid_out(batch.rows)
    if not any(prefix for prefix, _ in laid):
        return batch
    skipped = [sum(end - start for start, end in prefix) for prefix, _ in laid]
    kept = np.concatenate([
        np.arange(start + skip, end) for (start, end), skip in zip(pairwise(batch.bounds), skipped, strict=True)
    ])  # fmt: skip
    moved = np.concatenate([np.arange(start, end) for prefix, own in laid for start, end in (*prefix, own)])
    old, new = (torch.from_numpy(places).to(batch.ids.device) for places in (kept, moved))
    return replace(
        batch,
        ids=batch.ids[:, old],
        positions=batch.positions[:, old],
        bounds=(0, *(end for _, (_, end) in laid)),
        prefixes=tuple(prefix for prefix, _ in laid),
        where=new[batch.where],
    )


def _laid_out(rows: Sequence[Row]) -> list[tuple[tuple[Range, ...], Range]]:
    """Return where in the line each row's beginning stands, piece by piece, and where the rest of it."""
    laid: list[tuple[tuple[Range, ...], Range]] = []
    before, places = np.empty(0, dtype=np.int64), tuple[Range, ...]()
    end = 0
    for item in rows:
        ids = np.asarray(item.ids, dtype=np.int64)
        prefix = _first(places, min(_common(before, ids), len(ids) - 1))  # a row keeps its last token at least
        own = (end, end + len(ids) - sum(stop - start for start, stop in prefix))
        laid.append((prefix, own))
        before, places, end = ids, (*prefix, own), own[1]
    return laid


def _common(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> int:
    """Return how many first ids both have."""
    length = min(len(one), len(other))
    apart = np.flatnonzero(one[:length] != other[:length])
    return int(apart[0]) if len(apart) else length


def _first(places: Sequence[Range], number: int) -> tuple[Range, ...]:
    """Return where the first `number` tokens of a row stand, without a last piece that is too short."""
    before = accumulate((end - start for start, end in places), initial=0)
    cut = [(start, min(end, start + number - done)) for (start, end), done in zip(places, before, strict=False)]
    return tuple((start, end) for start, end in cut if end - start >= LEAST)
