"""Records written as JSONL, plain text, CSV, TSV or Parquet; what a format cannot hold is said before it is lost.

JSONL holds every record. A table holds the columns of its first records; CSV and TSV hold strings alone, Parquet one type a
column. A .txt file holds one field, a document a line.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol

from sayso.errors import RecordError
from sayso.text.files import opening
from sayso.text.files.opening import Ending
from sayso.text.files.streams import TEXT, Record

_GROUP_BYTES = 8 << 20
_GZIP_LEVEL = 6


class Sink(Protocol):
    """An open file that takes records."""

    size: int
    """Bytes taken so far, before packing."""

    def write(self, records: Sequence[Record]) -> None:
        """Append records."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


@dataclass(kw_only=True, slots=True)
class Lost:
    """Something that a format could not hold: what, how often, and where first."""

    what: str
    count: int
    where: str


class Losses:
    """What formats cannot hold. Unless losing is allowed, the first loss is an error."""

    def __init__(self, format_name: str, *, allowed: bool) -> None:
        self.format_name, self.allowed = format_name, allowed
        self._found: dict[str, Lost] = {}

    def note(self, record: Record, what: str) -> None:
        """Take down a loss.

        Raises:
            RecordError: it is not allowed.
        """
        if not self.allowed:
            raise RecordError(
                "{where}: {what}: {format} cannot hold it; write JSONL, or give --lossy to let it go",
                where=record.where, what=what, format=self.format_name,
            )  # fmt: skip
        found = self._found.setdefault(what, Lost(what=what, count=0, where=record.where))
        found.count += 1

    def take(self) -> list[Lost]:
        """Return what was lost since this was asked last."""
        found, self._found = list(self._found.values()), {}
        return found


def open_sink(path: Path, ending: Ending, losses: Losses) -> Sink:
    """Return a new file that takes records.

    Raises:
        RecordError: this format cannot be written.
        MissingExtraError: the package that writes it is not installed.
    """
    if ending.format == "parquet":
        return _Parquet(path, losses)
    if ending.format == "html":
        raise RecordError("{path}: HTML is read, not written; expected another ending", path=str(path))
    file = _packed(path, ending.packed)
    said = {"jsonl": _object, "txt": _words}.get(ending.format)
    if said is not None:
        return _Lines(file, partial(said, losses=losses))
    return _Table(file, losses, "\t" if ending.format == "tsv" else ",")


def line(fields: Mapping[str, Any]) -> str:
    """Return a record as its line of JSONL."""
    return json.dumps(fields, ensure_ascii=False, separators=(", ", ": "), allow_nan=False) + "\n"


def _packed(path: Path, packed: str) -> IO[bytes]:
    """Open a file for writing; the same bytes come out whatever its name and the time are."""
    if packed == ".gz":
        return _Gzip(path)  # type: ignore[return-value]
    if packed == ".zst":
        return opening.zstd().open(path, "wb")  # type: ignore[no-any-return]
    return path.open("wb")


class _Gzip(gzip.GzipFile):
    """A gzip file without name and time in its header."""

    def __init__(self, path: Path) -> None:
        self._under = path.open("wb")
        super().__init__(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=self._under, mtime=0)

    def close(self) -> None:
        super().close()
        self._under.close()


class _Lines:
    """JSONL or plain text: a line a record, as `said` says it."""

    def __init__(self, file: IO[bytes], said: Callable[[Record], str]) -> None:
        self._file, self._said, self.size = file, said, 0

    def write(self, records: Sequence[Record]) -> None:
        found = "".join(map(self._said, records)).encode()
        self.size += len(found)
        self._file.write(found)

    def close(self) -> None:
        self._file.close()


def _object(record: Record, losses: Losses) -> str:
    try:
        return line(record.fields)
    except (TypeError, ValueError):
        return line({name: _plain(value, record, name, losses) for name, value in record.fields.items()})


def _plain(value: Any, record: Record, name: str, losses: Losses) -> Any:
    """Return a value as JSON can say it: bytes as base64, times and numbers of other kinds as their text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item, record, f"{name}.{key}", losses) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, record, name, losses) for item in value]
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and value - value == 0):
        return value
    losses.note(record, f"the {type(value).__name__} in {name!r}")
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _words(record: Record, losses: Losses) -> str:
    """Return a record's text as one line."""
    for name in record.fields:
        if name != TEXT:
            losses.note(record, f"the field {name!r}")
    text = record.fields.get(TEXT)
    if not isinstance(text, str) or not text.strip():
        losses.note(record, f"a record without words in {TEXT!r}")
        return ""
    text = text.rstrip("\r\n")
    if "\n" in text or "\r" in text:
        losses.note(record, "line breaks within a document")
    return " ".join(text.split("\n")).replace("\r", " ") + "\n"


class _Table:
    """CSV or TSV: the columns of the first records, strings only."""

    def __init__(self, file: IO[bytes], losses: Losses, delimiter: str) -> None:
        self._file, self._losses, self.size = file, losses, 0
        self._buffer = io.StringIO(newline="")
        self._writer = csv.writer(self._buffer, delimiter=delimiter)
        self._columns: list[str] = []

    def write(self, records: Sequence[Record]) -> None:
        if not self._columns:
            self._columns = list(dict.fromkeys(name for record in records for name in record.fields))
            delimiter = self._writer.dialect.delimiter
            csv.writer(self._buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerow(self._columns)
        for record in records:
            self._row(record)
        found = self._buffer.getvalue().encode()
        self._buffer.seek(0)
        self._buffer.truncate()
        self.size += len(found)
        self._file.write(found)

    def close(self) -> None:
        self._file.close()

    def _row(self, record: Record) -> None:
        for name in record.fields:
            if name not in self._columns:
                self._losses.note(record, f"the field {name!r}, which the first records have not")
        self._writer.writerow([self._cell(record, name) for name in self._columns])

    def _cell(self, record: Record, name: str) -> str:
        if name not in record.fields:
            self._losses.note(record, f"that {name!r} is not there")
            return ""
        value = record.fields[name]
        if isinstance(value, str):
            return value
        self._losses.note(record, f"the {type(value).__name__} in {name!r}")
        return "" if value is None else json.dumps(_plain(value, record, name, self._losses), ensure_ascii=False)


class _Parquet:
    """Parquet: the columns and types of the first records; a later record that does not fit is an error."""

    def __init__(self, path: Path, losses: Losses) -> None:
        self._library = opening.arrow()
        self._path, self._losses, self.size = path, losses, 0
        self._waiting: list[Record] = []
        self._waiting_bytes = 0
        self._columns: list[str] = []
        self._writer: Any = None

    def write(self, records: Sequence[Record]) -> None:
        for record in records:
            size = len(str(record.fields))  # near enough, and quick
            self._waiting.append(record)
            self._waiting_bytes += size
            self.size += size
            if self._waiting_bytes >= _GROUP_BYTES:
                self._group()

    def close(self) -> None:
        if self._waiting or self._writer is None:
            self._group()
        self._writer.close()

    def _group(self) -> None:
        if self._writer is None:
            self._columns = list(dict.fromkeys(name for record in self._waiting for name in record.fields))
        rows = [self._row(record) for record in self._waiting]
        library = self._library
        try:
            schema = None if self._writer is None else self._writer.schema
            table = library.Table.from_pylist(rows, schema=schema or self._schema(rows))
        except (library.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise self._unfit(error) from error
        if self._writer is None:
            self._writer = self._library.parquet.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table)
        self._waiting, self._waiting_bytes = [], 0

    def _schema(self, rows: list[dict[str, Any]]) -> Any:
        """Return the types; a column of which nothing is known yet holds strings."""
        library = self._library
        arrays = {name: library.array([row[name] for row in rows]) for name in self._columns}
        types = {name: library.string() if array.type == library.null() else array.type for name, array in arrays.items()}
        return library.schema(list(types.items()))

    def _row(self, record: Record) -> dict[str, Any]:
        for name in self._columns:
            if name not in record.fields:
                self._losses.note(record, f"that {name!r} is not there")
        for name in record.fields:
            if name not in self._columns:
                self._losses.note(record, f"the field {name!r}, which the first records have not")
        return {name: record.fields.get(name) for name in self._columns}

    def _unfit(self, error: Exception) -> RecordError:
        first, last = self._waiting[0].where, self._waiting[-1].where
        return RecordError(
            "{first} to {last}: a field holds values of several types, Parquet only one a column ({reason}); write JSONL",
            first=first, last=last, reason=" ".join(str(error).split())[:300],
        )  # fmt: skip
