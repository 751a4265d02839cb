"""Records from files and from Hugging Face, one after another: whatever their size, little of them is in memory at once.

A *record* is what stands in a line of JSONL, a row of CSV, TSV or Parquet, or a document of plain text or HTML (its one
field is `text`). `records` is the simple way in. `batches` and `parse` are the same in two halves, so that one process reads
and others work: a batch says where it ends (`Position`), and reading can begin again there.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from sayso.errors import RecordError
from sayso.text.files import opening
from sayso.text.files.opening import Format

BATCH_BYTES = 1 << 20
BATCH_ROWS = 1000
_NAME = re.compile(r"(?:hf:)?[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*|hf:[A-Za-z0-9][\w.-]*")
TEXT = "text"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How files are read."""

    encoding: str = "utf-8"
    """Of text files, lines and tables: utf-8, gb18030, latin-1 …"""
    txt: Literal["file", "line"] = "file"
    """What one document of a .txt file is: the file (a large one comes in pieces), or each line that is not empty."""
    split: str = "train"
    """Which split of a Hugging Face data set."""
    configuration: str | None = None
    """Which configuration of a Hugging Face data set."""


class Position(NamedTuple):
    """Where reading stands: before this byte (or row) of this source, after so many lines (or rows) of it."""

    source: int = 0
    offset: int = 0
    number: int = 0


BEGIN = Position()


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One file, or one data set of Hugging Face."""

    name: str
    path: Path | None
    format: Format | Literal["hub"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A line, a row or a document: where it stands, and its fields, of which none is touched."""

    where: str
    fields: dict[str, Any]
    starts: bool = field(default=True)
    """False: it is a piece of a large text, and goes on where the piece before it broke off."""
    ends: bool = field(default=True)
    """False: the next piece goes on with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Some records of one source, not yet parsed, and where reading goes on after them."""

    source: Source
    number: int
    """Lines or rows before it in its source."""
    rows: Any
    """Lines of bytes, rows of a table, or what the library read."""
    size: int
    """Bytes read for it."""
    end: Position
    header: tuple[str, ...] = ()
    starts: bool = True
    ends: bool = True


Skipped = Callable[[RecordError], None]


def sources(names: Sequence[str | Path], reading: Reading | None = None) -> list[Source]:
    """Return what is meant: files, the files of folders, and Hugging Face names where no file is called so.

    Raises:
        NotFoundError: a path is not there.
        RecordError: a file has an ending that cannot be read, or an encoding is not known.
    """
    _check_encoding(reading or Reading())
    if not names:
        opening.files_of([])
    return [source for name in names for source in _sources(str(name))]


def records(
    found: Sequence[Source], reading: Reading | None = None, *, start: Position = BEGIN, skipped: Skipped | None = None
) -> Iterator[Record]:
    """Yield the records of sources in their order, from `start` on, which is some batch's `end`.

    What is wrong with a line or a row is given to `skipped`, and it is left out; without `skipped` it is raised.

    Raises:
        RecordError: a line or a row is wrong, or a file cannot be read; it is named.
    """
    reading = reading or Reading()
    for batch in batches(found, reading, start=start):
        yield from parse(batch, reading, skipped=skipped)


def batches(found: Sequence[Source], reading: Reading, *, start: Position = BEGIN) -> Iterator[Batch]:
    """Yield the sources in batches of about a megabyte; the same ones from any batch's end on."""
    for index in range(start.source, len(found)):
        source = found[index]
        begin = start if index == start.source else Position(index)
        yield from _READERS[source.format](source, reading, begin)


def parse(batch: Batch, reading: Reading, *, skipped: Skipped | None = None) -> Iterator[Record]:
    """Yield the records of a batch."""
    if batch.source.format in ("txt", "html"):
        yield from _documents(batch, reading)
    elif batch.source.format in ("parquet", "hub"):
        yield from _of_table(batch)
    else:
        one = _json if batch.source.format == "jsonl" else _cells
        for number, row in enumerate(batch.rows, start=batch.number + 1):
            try:
                record = one(batch, row, number, reading)
            except RecordError as error:
                if skipped is None:
                    raise
                skipped(error)
                continue
            if record is not None:
                yield record


def _sources(name: str) -> Iterator[Source]:
    path = Path(name)
    if not name.startswith("hf:") and (path.exists() or not _NAME.fullmatch(name) or opening.ending_of(name)):
        for file in opening.files_of([path]):
            yield Source(name=str(file), path=file, format=opening.known_ending(file).format)
    else:
        yield Source(name=name, path=None, format="hub")


def _check_encoding(reading: Reading) -> None:
    try:
        whole = "\n".encode(reading.encoding) == b"\n"
    except LookupError as error:
        raise RecordError("reading.encoding: found {found!r}; expected a name such as utf-8, gb18030, latin-1",
            found=reading.encoding) from error  # fmt: skip
    if not whole:
        raise RecordError(
            "reading.encoding: {found!r} cannot be read line by line; save the file as UTF-8", found=reading.encoding
        )


def _line_batches(source: Source, reading: Reading, begin: Position) -> Iterator[Batch]:
    """Yield lines as they are; a .txt file that is one document comes in pieces, the last known when nothing follows."""
    path = _path(source)
    waiting: list[bytes] = []
    at, number, size, starts = begin.offset, begin.number, 0, begin.offset == 0
    with opening.opened(path) as file:
        file.seek(at)
        for line in opening.bounded(path, file, first=number + 1):
            if size >= BATCH_BYTES:
                end = Position(begin.source, at + size, number + len(waiting))
                yield Batch(source=source, number=number, rows=waiting, size=size, end=end, starts=starts, ends=False)
                at, number, waiting, size, starts = end.offset, end.number, [], 0, False
            waiting.append(line)
            size += len(line)
    if waiting:
        end = Position(begin.source + 1)
        yield Batch(source=source, number=number, rows=waiting, size=size, end=end, starts=starts, ends=True)


def _whole(source: Source, _reading: Reading, begin: Position) -> Iterator[Batch]:
    """Yield a file as one document."""
    path = _path(source)
    with opening.opened(path) as file:
        found = file.read(opening.LONGEST_LINE)
    if len(found) == opening.LONGEST_LINE:
        raise RecordError("{path}: is longer than {limit} bytes; cut it into several documents",
            path=str(path), limit=opening.LONGEST_LINE)  # fmt: skip
    yield Batch(source=source, number=0, rows=[found], size=len(found), end=Position(begin.source + 1))


class _Counted:
    """Decodes lines and counts what was taken: csv takes a line only when it needs it."""

    def __init__(self, path: Path, file: IO[bytes], encoding: str) -> None:
        self.path, self.encoding, self.size, self.number = path, encoding, 0, 0
        self._lines = opening.bounded(path, file)

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.size += len(line)
        self.number += 1
        return _decoded(line, self.encoding, str(self.path), self.number)


def _row_batches(source: Source, reading: Reading, begin: Position) -> Iterator[Batch]:
    """Yield rows of cells; the rows before `begin` are read again, since only so a quoted line break is known."""
    path = _path(source)
    csv.field_size_limit(opening.LONGEST_LINE)  # the library's own limit is 128 KB, for the whole process
    with opening.opened(path) as file:
        lines = _Counted(path, file, reading.encoding)
        rows = _rows(lines, "\t" if source.format == "tsv" else ",")
        header = _header(next(rows, None), path)
        if begin.offset:
            file.seek(begin.offset)
            lines.size, lines.number = begin.offset, begin.number
        waiting: list[tuple[int, list[str]]] = []
        at, number = (begin.offset, begin.number) if begin.offset else (0, 0)
        for row in rows:
            waiting.append(row)
            if lines.size - at >= BATCH_BYTES:
                end = Position(begin.source, lines.size, lines.number)
                yield Batch(source=source, number=number, rows=waiting, size=lines.size - at, end=end, header=header)
                at, number, waiting = lines.size, lines.number, []
    if waiting:
        end = Position(begin.source + 1)
        yield Batch(source=source, number=number, rows=waiting, size=lines.size - at, end=end, header=header)


def _rows(lines: _Counted, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with the number of its first line."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    first = 1
    try:
        for row in reader:
            if row:
                yield first, row
            first = lines.number + 1
    except csv.Error as error:
        raise RecordError(
            "{path}:{line}: is no row of a table ({reason}); put a cell with quotes or line breaks in double quotes, "
            "and double the quotes in it",
            path=str(lines.path), line=max(first, 1), reason=str(error),
        ) from error  # fmt: skip


def _header(row: tuple[int, list[str]] | None, path: Path) -> tuple[str, ...]:
    names = tuple(row[1]) if row else ()
    if not names or "" in names or len(set(names)) < len(names):
        raise RecordError(
            "{path}:1: found the columns {found}; expected a first line that names every column, none twice",
            path=str(path), found=", ".join(map(repr, names)) or "none",
        )  # fmt: skip
    return names


def _parquet_batches(source: Source, _reading: Reading, begin: Position) -> Iterator[Batch]:
    path = _path(source)
    library = opening.arrow()
    row = 0
    try:
        with opening.told(path), library.parquet.ParquetFile(path, pre_buffer=False) as file:
            groups = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
            for group, rows in enumerate(groups):
                if row + rows > begin.offset:
                    yield from _group(source, file, group, begin, row)
                row += rows
    except library.ArrowException as error:
        raise RecordError("{path}: row {row}: is no whole Parquet file ({reason})", path=str(path), row=row + 1,
            reason=str(error)) from error  # fmt: skip


def _group(source: Source, file: Any, group: int, begin: Position, row: int) -> Iterator[Batch]:
    for rows in file.iter_batches(batch_size=BATCH_ROWS, row_groups=[group], use_threads=False):
        if row >= begin.offset:
            end = Position(begin.source, row + rows.num_rows, row + rows.num_rows)
            yield Batch(source=source, number=row, rows=rows, size=rows.nbytes, end=end)
        row += rows.num_rows


def _hub_batches(source: Source, reading: Reading, begin: Position) -> Iterator[Batch]:
    from sayso.text.files import hub

    rows = hub.rows(source.name, reading.configuration, reading.split, skip=begin.offset)
    number = begin.offset
    while some := list(islice(rows, BATCH_ROWS)):
        end = Position(begin.source, number + len(some), number + len(some))
        yield Batch(source=source, number=number, rows=some, size=_size(some), end=end)
        number = end.number


def _size(rows: Iterable[dict[str, Any]]) -> int:
    return sum(len(value.encode(errors="replace")) for row in rows for value in row.values() if isinstance(value, str))


def _path(source: Source) -> Path:
    assert source.path is not None
    return source.path


def _documents(batch: Batch, reading: Reading) -> Iterator[Record]:
    """Yield the documents of plain text: the file, a piece of it, or its lines."""
    name = batch.source.name
    if batch.source.format == "html":
        text = _decoded(batch.rows[0], reading.encoding, name, 1)
        yield Record(where=name, fields={TEXT: text})
        return
    lines = [
        _decoded(line, reading.encoding, name, number) for number, line in enumerate(batch.rows, start=batch.number + 1)
    ]
    if reading.txt == "line":
        for number, line in enumerate(lines, start=batch.number + 1):
            if line.strip():
                yield Record(where=f"{name}:{number}", fields={TEXT: line.rstrip("\r\n")})
        return
    text = "".join(lines)
    if text.strip() or not batch.starts:
        where = name if batch.starts and batch.ends else f"{name}:{batch.number + 1}"
        yield Record(where=where, fields={TEXT: text}, starts=batch.starts, ends=batch.ends)


def _decoded(line: bytes, encoding: str, name: str, number: int) -> str:
    try:
        return line.decode("utf-8-sig" if number == 1 and encoding.lower() in ("utf-8", "utf8") else encoding)
    except UnicodeDecodeError as error:
        if encoding.lower() in ("utf-8", "utf8"):
            raise RecordError("{path}:{line}: is not UTF-8 text; save it as UTF-8", path=name, line=number) from error
        raise RecordError("{path}:{line}: is not text in {encoding}; expected what reading.encoding says",
            path=name, line=number, encoding=encoding) from error  # fmt: skip


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _json(batch: Batch, line: bytes, number: int, reading: Reading) -> Record | None:
    where = f"{batch.source.name}:{number}"
    text = _decoded(line, reading.encoding, batch.source.name, number)
    if not text.strip():
        return None
    try:
        found = _DECODER.decode(text)
    except ValueError as error:
        raise RecordError("{where}: is not valid JSON ({reason})", where=where, reason=str(error)) from error
    except RecursionError as error:
        raise RecordError("{where}: is nested too deeply", where=where) from error
    if not isinstance(found, dict):
        raise RecordError("{where}: found {kind}, expected a JSON object", where=where, kind=type(found).__name__)
    if "\\ud" in text or "\\uD" in text:
        _refuse_half(found, where)
    return Record(where=where, fields=found)


def _refuse_half(found: dict[str, Any], where: str) -> None:
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise RecordError("{where}: holds half of a surrogate pair; write the whole character", where=where) from error


def _cells(batch: Batch, row: tuple[int, list[str]], _number: int, _reading: Reading) -> Record:
    line, cells = row
    where = f"{batch.source.name}:{line}"
    if len(cells) != len(batch.header):
        raise RecordError("{where}: found {found} cells, expected {expected}, as many as the first line names",
            where=where, found=len(cells), expected=len(batch.header))  # fmt: skip
    return Record(where=where, fields=dict(zip(batch.header, cells, strict=True)))


def _of_table(batch: Batch) -> Iterator[Record]:
    rows = batch.rows if isinstance(batch.rows, list) else batch.rows.to_pylist()
    for number, fields in enumerate(rows, start=batch.number + 1):
        yield Record(where=f"{batch.source.name}: row {number}", fields=fields)


_READERS: dict[str, Callable[[Source, Reading, Position], Iterator[Batch]]] = {
    "jsonl": _line_batches, "txt": _line_batches, "html": _whole, "csv": _row_batches, "tsv": _row_batches,
    "parquet": _parquet_batches, "hub": _hub_batches,
}  # fmt: skip
