"""The lines of JSONL files by their number, each read when it is asked for: of a large file only their places are kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from sayso.errors import RecordError
from sayso.text.files import opening, streams
from sayso.text.files.streams import Batch, Position, Reading, Record, Source

_CHUNK = 1 << 22
_END, _OPEN = ord("\n"), ord("{")
Told = Callable[[int], None]


class Lines:
    """All lines that are not blank, of all files, in order; eight bytes each are held in memory."""

    def __init__(self, files: Sequence[Path], told: Told = lambda _bytes: None) -> None:
        self._files = [_File(path) for path in files]
        done = 0
        for file in self._files:
            file.find(lambda size, before=done: told(before + size))  # type: ignore[misc]
            done += file.size
        self._ends = np.cumsum([len(file.starts) for file in self._files])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def record(self, number: int) -> Record:
        """Return a line, parsed; its record names the file and the line.

        Raises:
            RecordError: it is wrong, or its file was changed since its lines were found.
        """
        index = int(np.searchsorted(self._ends, number, side="right"))
        file = self._files[index]
        place = number - (int(self._ends[index - 1]) if index else 0)
        (found,) = file.records(place, file.read(place, place + 1))
        return found

    def records(self, size: int) -> Iterator[list[Record]]:
        """Yield all lines, parsed, so many at a time.

        Raises:
            RecordError: one is wrong; it is named.
        """
        for file in self._files:
            for first in range(0, len(file.starts), size):
                yield list(file.records(first, file.read(first, min(first + size, len(file.starts)))))


class _File:
    """One file, and where its lines begin."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = Source(name=str(path), path=path, format="jsonl")
        with opening.told(path):
            self._print = _print(path.stat())
        self.size = self._print[0]
        self.starts: np.ndarray[Any, Any] = np.zeros(0, dtype=np.uint64)
        self._blank: np.ndarray[Any, Any] = self.starts  # where the blank lines begin, in order

    def find(self, told: Told) -> None:
        """Find where the lines begin, and which of them are blank."""
        starts, suspects, at, fresh = list[np.ndarray[Any, Any]](), list[int](), 0, True
        with opening.opened(self.path) as file:
            while chunk := file.read(_CHUNK):
                held = np.frombuffer(chunk, dtype=np.uint8)
                begins = np.flatnonzero(held == _END) + 1
                within = np.concatenate([np.zeros(int(fresh), dtype=np.int64), begins[begins < len(held)]])
                starts.append((within + at).astype(np.uint64))
                suspects += (within[held[within] != _OPEN] + at).tolist()
                fresh, at = chunk.endswith(b"\n"), at + len(chunk)
                told(at)
            self._blank = np.array([place for place in suspects if _is_blank(file, place)], dtype=np.uint64)
        found = np.concatenate(starts) if starts else self.starts
        self.starts = found[~np.isin(found, self._blank)] if len(self._blank) else found

    def read(self, first: int, last: int) -> bytes:
        """Return the bytes from one line to before another, blank ones between them included."""
        begin = int(self.starts[first])
        end = int(self.starts[last]) if last < len(self.starts) else self.size
        with opening.opened(self.path) as file:
            if _print(os.fstat(file.fileno())) != self._print:
                raise RecordError(
                    "{path}: was changed since its lines were counted; run the same command again", path=str(self.path)
                )
            file.seek(begin)
            return file.read(end - begin)

    def records(self, first: int, found: bytes) -> Iterator[Record]:
        """Yield what stands in the lines that `read` gave, from that of number `first` on."""
        before = first + int(np.searchsorted(self._blank, self.starts[first]))
        rows = found.split(b"\n")
        yield from streams.parse(
            Batch(source=self.source, number=before, rows=rows, size=len(found), end=Position()), Reading()
        )


def _is_blank(file: IO[bytes], place: int) -> bool:
    file.seek(place)
    return not file.readline(opening.LONGEST_LINE).decode("utf-8-sig", errors="replace").strip()


def _print(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns
