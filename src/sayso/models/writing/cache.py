"""Keys and values of what was read and written, in memory that is not copied anew for every token.

transformers' own layer joins the whole past and one token at every step, into fresh memory each time. Here a layer writes
into room that grows by half; lines that are done give their place to lines from the end; and the room serves batch after
batch. `keys` and `values` are views of what is filled, so that whatever else changes them keeps working.

Letters: B lines, H heads, S columns that are filled, D the size of a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

ROOM = 64
"""Columns more than are asked for, at least."""


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer's keys and values, each (B, H, S, D), in room for more columns."""

    keys: Any
    values: Any

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._rooms: list[Tensor] = []  # (B, H, columns, D) of keys, and of values
        self._seen: tuple[Tensor | None, Tensor | None] = (None, None)
        self._first = self._end = 0
        self._memory: list[Tensor] = []  # flat; what the rooms are views of

    def update(self, key_states: Tensor, value_states: Tensor, *_args: Any, **_kwargs: Any) -> tuple[Tensor, Tensor]:
        """Add columns and return all."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self._rooms = []
        end = self._end + key_states.shape[2]
        if not self._own() or end > self._rooms[0].shape[2]:
            self._make_room(key_states, value_states)
            end = self._end + key_states.shape[2]
        for room, new in zip(self._rooms, (key_states, value_states), strict=True):
            room[: len(new), :, self._end : end] = new
        self._end = end
        self._show(len(key_states))
        return self.keys, self.values

    def reset(self) -> None:
        """Forget what was read; the room stays."""
        self._rooms, self._seen, self._first, self._end = [], (None, None), 0, 0
        super().reset()

    def begin(self, keys: Tensor, values: Tensor) -> None:
        """Go on from these keys and values, which may be one line expanded; they are not written to."""
        self.reset()
        self.lazy_initialization(keys, values)
        self.keys, self.values = keys, values

    def leave(self, order: Sequence[int]) -> None:
        """Keep only lines `order`, in which a line stands at its own place or comes from behind the last place."""
        moved = [(place, line) for place, line in enumerate(order) if place != line]
        if not self._own():
            self.batch_select_indices(torch.tensor(order, device=self.keys.device))
            return
        if moved:
            to, source = (torch.tensor(numbers, device=self.keys.device) for numbers in zip(*moved, strict=True))
            for view in (self.keys, self.values):
                view[to] = view[source]
        self._show(len(order))

    def drop(self, count: int) -> None:
        """Forget the first `count` columns."""
        if self._own():
            self._first += count
            self._show(len(self.keys))
        else:
            self.keys, self.values = self.keys[:, :, count:], self.values[:, :, count:]

    def _own(self) -> bool:
        """Whether `keys` and `values` are still the views that were shown last."""
        return bool(self._rooms) and self.keys is self._seen[0] and self.values is self._seen[1]

    def _show(self, lines: int) -> None:
        self.keys, self.values = (room[:lines, :, self._first : self._end] for room in self._rooms)
        self._seen = (self.keys, self.values)

    def _make_room(self, key_states: Tensor, value_states: Tensor) -> None:
        """Lay out room for what there is, what is new and half as much again, and copy what there is."""
        past = self.get_seq_length()
        wanted = past + key_states.shape[2]
        columns = wanted + max(ROOM, wanted // 2)
        shapes = [(*new.shape[:2], columns, new.shape[3]) for new in (key_states, value_states)]
        free = self._memory if not self._rooms else []  # never laid over what is still to be copied
        memory = [
            _memory(free[number] if free else None, shape, new)
            for number, (shape, new) in enumerate(zip(shapes, (key_states, value_states), strict=True))
        ]
        rooms = [flat[: _size(shape)].view(shape) for flat, shape in zip(memory, shapes, strict=True)]
        if past:
            for room, old in zip(rooms, (self.keys, self.values), strict=True):
                room[:, :, :past] = old
        self._memory, self._rooms, self._first, self._end = memory, rooms, 0, past


def _size(shape: Sequence[int]) -> int:
    lines, heads, columns, size = shape
    return lines * heads * columns * size


def _memory(free: Tensor | None, shape: Sequence[int], like: Tensor) -> Tensor:
    """Return flat memory for a shape: what is free where it is enough, else fresh."""
    if free is not None and free.numel() >= _size(shape) and free.dtype == like.dtype and free.device == like.device:
        return free
    return torch.empty(_size(shape), dtype=like.dtype, device=like.device)


def growing(config: Any) -> Any:
    """Return a cache for a model; its layers that only grow have room for it, other kinds are transformers' own."""
    cache: Any = DynamicCache(config=config)
    cache.layers = [GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def only_grows(cache: Any) -> bool:
    """Whether all layers of a cache are `GrowingLayer`."""
    return bool(cache.layers) and all(type(layer) is GrowingLayer for layer in cache.layers)
