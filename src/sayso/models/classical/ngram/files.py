"""Arrays on disk, read and written in stretches, and a journal of the stages that are done."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sayso.errors import ModelError

Array = np.ndarray[Any, Any]
STRETCH = 1 << 22
"""Entries that are read at once."""


class Column:
    """A file of numbers of one type, appended to and read in stretches: never whole in memory unless it is asked for."""

    def __init__(self, path: Path, kind: Any) -> None:
        self.path, self.kind = path, np.dtype(kind)

    def __len__(self) -> int:
        return self.path.stat().st_size // int(self.kind.itemsize)

    def read(self, first: int = 0, last: int | None = None) -> Array:
        """Return the numbers from one place to before another; all by default."""
        count = (len(self) if last is None else last) - first
        return np.fromfile(self.path, dtype=self.kind, count=count, offset=first * self.kind.itemsize)

    def mapped(self) -> Array:
        """Return the numbers mapped into memory."""
        return np.memmap(self.path, dtype=self.kind, mode="r") if len(self) else np.zeros(0, dtype=self.kind)

    def stretches(self, size: int = STRETCH) -> Iterator[tuple[int, Array]]:
        """Yield where each stretch begins, and its numbers."""
        for first in range(0, len(self), size):
            yield first, self.read(first, min(first + size, len(self)))

    def clear(self) -> Column:
        """Make it empty."""
        self.path.write_bytes(b"")
        return self

    def append(self, values: Array) -> None:
        """Write numbers at the end."""
        with self.path.open("ab") as file:
            np.ascontiguousarray(values, dtype=self.kind).tofile(file)

    def write(self, values: Array) -> None:
        """Put numbers in the place of what is there."""
        self.clear().append(values)

    def drop(self) -> None:
        """Take the file away, where there is one."""
        self.path.unlink(missing_ok=True)


class Journal:
    """Which stages of a piece of work are done; a stage that was broken off is done again from its start."""

    def __init__(self, folder: Path, key: str, told: Callable[[str], None]) -> None:
        self._path, self._key, self._told = folder / "journal.json", key, told
        self._done: list[str] = self._read()

    def do(self, name: str, work: Callable[[], None]) -> None:
        """Do a stage unless it was done before, and note it."""
        if name not in self._done:
            work()
            self._done.append(name)
            _replace(self._path, json.dumps({"key": self._key, "done": self._done}, indent=1) + "\n")
        self._told(name)

    def _read(self) -> list[str]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return list(found["done"]) if found.get("key") == self._key else []


def npy_header(path: Path, kind: Any, count: int) -> Column:
    """Begin an ordinary .npy file of `count` numbers and return it, to append them to."""
    with path.open("wb") as file:
        form = {"descr": np.lib.format.dtype_to_descr(np.dtype(kind)), "fortran_order": False, "shape": (count,)}
        np.lib.format.write_array_header_1_0(file, form)
    return Column(path, kind)


def npy(path: Path, *, kind: Any, count: int) -> Array:
    """Return an .npy file mapped into memory.

    Raises:
        ModelError: it is not there, damaged, or not of this type and size.
    """
    try:
        found: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ModelError("{path}: cannot be opened ({reason})", path=str(path), reason=str(error)) from error
    if found.dtype != np.dtype(kind) or found.shape != (count,):
        raise ModelError(
            "{path}: found {found} of {kind}, but config.json says {expected} of {wanted}; copy the folder again",
            path=str(path), found=found.shape, kind=str(found.dtype), expected=(count,), wanted=str(np.dtype(kind)),
        )  # fmt: skip
    return np.asarray(found)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _replace(path: Path, text: str) -> None:
    writing = path.with_name(path.name + ".writing")
    with writing.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    writing.replace(path)
