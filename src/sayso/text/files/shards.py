"""Shards: a folder of files of bounded size, each written under another name and put in its place when it is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sayso.errors import StoreError
from sayso.text.files.opening import Ending
from sayso.text.files.sinks import Losses, Lost, Sink, open_sink
from sayso.text.files.streams import Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """A shard that is whole: its name, what it holds, and a hash of its bytes."""

    name: str
    records: int
    bytes: int
    """Before packing."""
    stored: int
    """Bytes on disk."""
    sha256: str


class Shards:
    """Writes records into a folder, file after file; `roll` ends a file. A file without records is not written."""

    def __init__(self, folder: Path, ending: Ending, *, lossy: bool = False, first: int = 0, stem: str = "part") -> None:
        self._folder, self._ending, self._stem = folder, ending, stem
        self._losses = Losses(str(ending), allowed=lossy)
        self._number, self._records = first, 0
        self._sink: Sink | None = None

    def __enter__(self) -> Shards:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._sink is not None:
            self._sink.close()
            self._writing.unlink(missing_ok=True)
            self._sink = None

    @property
    def size(self) -> int:
        """Bytes in the file that is being written, before packing."""
        return self._sink.size if self._sink else 0

    def write(self, records: Sequence[Record]) -> None:
        """Append records to the file that is being written.

        Raises:
            RecordError: the format cannot hold one of them.
            StoreError: the disk refused.
        """
        if not records:
            return
        try:
            if self._sink is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._sink = open_sink(self._writing, self._ending, self._losses)
            self._sink.write(records)
        except OSError as error:
            raise self._refused(error) from error
        self._records += len(records)

    def roll(self) -> Shard | None:
        """Put the file that is being written in its place; None when nothing was written."""
        if self._sink is None:
            return None
        try:
            sink, self._sink = self._sink, None
            sink.close()
            name = f"{self._stem}-{self._number:05}.{self._ending}"
            with self._writing.open("rb") as file:
                sha = hashlib.file_digest(file, "sha256").hexdigest()
            found = Shard(name=name, records=self._records, bytes=sink.size, stored=self._writing.stat().st_size, sha256=sha)
            self._writing.replace(self._folder / name)
        except OSError as error:
            raise self._refused(error) from error
        self._number, self._records = self._number + 1, 0
        return found

    def losses(self) -> list[Lost]:
        """Return what the format could not hold since this was asked last."""
        return self._losses.take()

    @property
    def _writing(self) -> Path:
        return self._folder / f".{self._stem}-{self._number:05}.writing"

    def _refused(self, error: OSError) -> StoreError:
        return StoreError(
            "{path!r} cannot be written: {reason}", path=str(self._folder), reason=error.strerror or str(error)
        )
