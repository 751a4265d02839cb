"""Records of labelled texts: tables and lines of JSON as everywhere, and the shapes that data sets of classes come in.

Besides what `sayso.text.files.streams` reads there are lines that begin with their label (`lines`), tables without quotes
whose columns have no names (`cells`), and folders by class, also in a .tar or .tar.gz (`classes`).
"""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sayso.errors import NotFoundError, RecordError
from sayso.text.files import opening, streams
from sayso.text.files.streams import Reading, Record

Shape = Literal["table", "lines", "cells", "classes"]
_ARCHIVES = (".tar", ".tar.gz", ".tgz")


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How the records of a file lie in it."""

    shape: Shape = "table"
    """`table`: JSONL, CSV or TSV with a header, Parquet; see the head of this file for the others."""
    columns: tuple[str, ...] = ()
    """`cells`: what the columns are called; an empty name is skipped."""
    headed: str = ""
    """`cells`: a first line that begins with this cell names the columns, and is passed over."""
    short: bool = False
    """`cells`: a line with too few cells is passed over, not refused."""
    encoding: str = "utf-8"
    member: str = ""
    """`classes`: a pattern of the names of the files that count; empty: all."""


def records(path: Path, layout: Layout) -> Iterator[Record]:
    """Yield the records of a file or a folder, with `label` and `text` where the shape has no names of its own.

    Raises:
        NotFoundError: there is no such file.
        RecordError: a line is not of this shape; it is named, with what is expected.
    """
    if layout.shape == "classes" or _by_class(path):
        yield from _archive(path, layout) if path.is_file() else _folder(path, layout)
    elif layout.shape == "lines":
        yield from _labelled(path, layout)
    elif layout.shape == "cells":
        yield from _cells(path, layout)
    else:
        yield from streams.records(streams.sources([path]), Reading(encoding=layout.encoding))


def _by_class(path: Path) -> bool:
    """Whether a path holds a folder for each class: an archive, or folders with files but no table among them."""
    if path.name.endswith(_ARCHIVES):
        return True
    if not path.is_dir():
        return False
    inside = [folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith((".", "_"))]
    files = [file for file in path.iterdir() if file.is_file() and opening.ending_of(file.name)]
    return bool(inside) and not files


def _lines(path: Path, layout: Layout) -> Iterator[tuple[str, str]]:
    if not path.is_file():
        raise NotFoundError("there is no file {path!r}; check the path", path=str(path))
    with opening.opened(path) as file:
        for number, line in enumerate(opening.bounded(path, file), start=1):
            where = f"{path}:{number}"
            text = _decoded(line, layout.encoding, where)
            yield where, (text.removeprefix("\ufeff") if number == 1 else text).rstrip("\r\n")


def _decoded(line: bytes, encoding: str, where: str) -> str:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as error:
        raise RecordError("{where}: is not {encoding} text; save it so", where=where, encoding=encoding) from error


def _labelled(path: Path, layout: Layout) -> Iterator[Record]:
    for where, line in _lines(path, layout):
        label, _space, text = line.partition(" ")
        if not text.strip():
            if not line.strip():
                continue
            raise RecordError(
                "{where}: found {found!r}; expected a label, a space and a text on each line", where=where, found=line[:80]
            )
        yield Record(where=where, fields={"label": label, "text": text.strip()})


def _cells(path: Path, layout: Layout) -> Iterator[Record]:
    wanted = len(layout.columns)
    for number, (where, line) in enumerate(_lines(path, layout)):
        cells = line.split("\t")
        if not line.strip() or (layout.headed and not number and cells[0] == layout.headed):
            continue
        if len(cells) < wanted:
            if layout.short:
                continue
            raise RecordError(
                "{where}: found {found} cells; expected {wanted}, separated by tabs: {names}",
                where=where, found=len(cells), wanted=wanted, names=", ".join(name or "…" for name in layout.columns),
            )  # fmt: skip
        named = zip(layout.columns, cells, strict=False)  # what stands behind the last named column is no business of ours
        yield Record(where=where, fields={name: cell for name, cell in named if name})


def _folder(path: Path, layout: Layout) -> Iterator[Record]:
    if not path.is_dir():
        raise NotFoundError("there is no folder {path!r}; check the path", path=str(path))
    count = 0
    for file in sorted(path.glob("*/*")):
        if file.is_file() and _counts(file.name, layout):
            with opening.opened(file) as opened:
                yield _whole(str(file), file.parent.name, opened.read(opening.LONGEST_LINE), layout)
            count += 1
    if not count:
        raise NotFoundError("the folder {path!r} holds no class; expected a folder for each with its texts", path=str(path))


def _archive(path: Path, layout: Layout) -> Iterator[Record]:
    """Yield the texts of an archive in its order; nothing is unpacked to disk."""
    if not path.is_file():
        raise NotFoundError("there is no file {path!r}; check the path", path=str(path))
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                parts = Path(member.name).parts
                if member.isfile() and len(parts) > 1 and _counts(parts[-1], layout):
                    opened = archive.extractfile(member)
                    assert opened is not None, "a file can be read"
                    yield _whole(f"{path}:{member.name}", parts[-2], opened.read(opening.LONGEST_LINE), layout)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise RecordError(
            "{path}: is no whole archive of folders by class ({reason})", path=str(path), reason=str(error)
        ) from error


def _counts(name: str, layout: Layout) -> bool:
    return not name.startswith((".", "_")) and (not layout.member or bool(re.fullmatch(layout.member, name)))


def _whole(where: str, label: str, text: bytes, layout: Layout) -> Record:
    return Record(where=where, fields={"label": label, "text": _decoded(text, layout.encoding, where)})


def flat(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested fields under names with points: {"target": {"word": …}} is `target.word`."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        inner = f"{prefix}{name}"
        found.update(flat(value, f"{inner}.") if isinstance(value, Mapping) else {inner: value})
    return found
