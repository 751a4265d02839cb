"""Files of other tools become numbered JSON objects: JSON, JSONL or CSV, plain or gzip; a list may stand inside an object.

Nothing is ever unpacked onto the disk: what an archive says its members are called is only looked at.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sayso.errors import NotFoundError, RecordError
from sayso.i18n import gettext as _
from sayso.store.lines import Line, decoder, read_lines, refuse_surrogates, writing
from sayso.store.rules import wrong

MAX_BYTES = 2_000_000_000
_SPACE = re.compile(r"[ \t\r\n]*")
_TABLES = {".csv": ",", ".tsv": "\t"}


def read_objects(path: Path, *, under: Sequence[str] = ()) -> list[Line]:
    """Return the objects of a file with the lines they begin on; a list under one of the names `under` counts as the file.

    Raises:
        NotFoundError: there is no such file.
        RecordError: it is a folder, cannot be read, is not text in UTF-8, or holds nothing.
    """
    name = path.name.removesuffix(".gz")
    if Path(name).suffix.lower() in _TABLES:
        return list(_table(path, read_text(path), _TABLES[Path(name).suffix.lower()]))
    text = read_text(path)
    start = _space(text, 0)
    if start == len(text):
        raise RecordError("{where}: the file holds nothing; expected JSON or JSONL", where=path.name)
    if text[start] == "[":
        return list(_elements(text, start))
    if _is_one_document(text, start):
        return list(_document(text, start, under))
    return list(read_lines(path))


def read_text(path: Path) -> str:
    """Return the text of a file, plain or gzip, in UTF-8; RecordError or NotFoundError where that cannot be."""
    return decoded(read_bytes(path), path.name)


def read_bytes(path: Path) -> bytes:
    """Return what a file holds, unpacked where it is gzip."""
    if path.is_dir():
        raise RecordError("{where}: found a folder; expected a file", where=str(path))
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(raw)) as source:
                raw = source.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError("{where}: there is no such file", where=str(path)) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RecordError(
            "{where}: the gzip file is cut off or damaged ({reason}); pack it again", where=path.name, reason=str(error)
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise RecordError("{where}: cannot be read ({reason})", where=str(path), reason=reason) from error
    if len(raw) > MAX_BYTES:
        raise RecordError("{where}: found more than {most} bytes; divide the file", where=path.name, most=MAX_BYTES)
    return raw


def decoded(raw: bytes, where: str) -> str:
    """Return bytes as text; RecordError where they are not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecordError(
            "{where}: byte {number} is not UTF-8; save the file as UTF-8", where=where, number=error.start + 1
        ) from error


def write_json(path: Path, value: Any) -> None:
    """Write one JSON document, laid out for reading; a path that ends in `.gz` is packed."""
    with writing(path) as target:
        target.write(json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n")


def write_text(path: Path, text: str) -> None:
    """Write a text."""
    with writing(path) as target:
        target.write(text.encode())


def make_folder(path: Path) -> Path:
    """Make a folder to write into, and return it; RecordError where a file stands in its place."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise RecordError("{where}: found a file; expected a folder to write into", where=str(path)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise RecordError("{where}: the folder cannot be made ({reason})", where=str(path), reason=reason) from error
    return path


def _is_one_document(text: str, start: int) -> bool:
    """Say whether the first value reaches to the end of the file; the first of many lines does not."""
    try:
        _value, end = decoder().raw_decode(text, start)
    except RecordError:
        return "\n" not in text[start:].strip()
    except (json.JSONDecodeError, RecursionError):
        first = text[start:].split("\n", 1)[0]
        return not first.rstrip().endswith("}")
    return _space(text, end) == len(text)


def _document(text: str, start: int, under: Sequence[str]) -> Iterator[Line]:
    try:
        value, _end = decoder().raw_decode(text, start)
        _whole(value)
        place = _member(text, start, under)
    except (RecordError, json.JSONDecodeError, RecursionError) as error:
        yield _broken(text, start, error)
        return
    if place is None:
        yield Line(number=_number(text, start), text=text[start:], value=value)
    else:
        yield from _elements(text, place)


def _member(text: str, start: int, under: Sequence[str]) -> int | None:
    """Return where the list under one of the names begins, in the object that begins at `start`."""
    read = decoder().raw_decode
    place = _space(text, start + 1)
    while text[place] != "}":
        name, place = read(text, place)
        place = _space(text, _space(text, place) + 1)  # past the colon
        if name in under and text[place] == "[":
            return place
        _value, place = read(text, place)
        place = _space(text, place)
        if text[place] == ",":
            place = _space(text, place + 1)
    return None


def _elements(text: str, start: int) -> Iterator[Line]:
    """Give the elements of the list that begins at `start`, up to its end or to the first that is not JSON."""
    read, place = decoder().raw_decode, _space(text, start + 1)
    number, counted = _number(text, place), place
    while text[place : place + 1] != "]":
        number, counted = number + text.count("\n", counted, place), place
        try:
            value, end = read(text, place)
            _whole(value)
        except (RecordError, json.JSONDecodeError, RecursionError) as error:
            yield _broken(text, place, error)
            return
        yield Line(number=number, text=text[place:end], value=value)
        place = _space(text, end)
        if text[place : place + 1] == ",":
            place = _space(text, place + 1)
        elif text[place : place + 1] != "]":
            reason = RecordError("{field}: the list ends too early; expected `,` or `]`", field=_("list"))
            yield Line(number=_number(text, place), text=text[place : place + 60], problem=reason)
            return


def _whole(value: Any) -> None:
    if not isinstance(value, dict):
        raise wrong(_("row"), value, _("a JSON object"))
    refuse_surrogates(value, "")


def _broken(text: str, place: int, error: Exception) -> Line:
    if isinstance(error, json.JSONDecodeError):
        place = error.pos
        column = _("column {number}").format(number=place - text.rfind("\n", 0, place))
        problem = RecordError(
            "{field}: not JSON ({reason}); expected one object in each row", field=column, reason=error.msg
        )
    elif isinstance(error, RecordError):
        problem = error if "field" in error.fields else RecordError("{field}: {reason}", field=_("row"), reason=str(error))
    else:
        problem = RecordError("{field}: nested too deeply; expected a few levels", field=_("row"))
    return Line(number=_number(text, place), text=text[place : place + 200], problem=problem)


def _table(path: Path, text: str, comma: str) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=comma, strict=True)
    last = 0
    try:
        names = next(reader, [])
        for last, cells in enumerate(reader, start=2):  # noqa: B007 - the number of the last row, for the message
            yield _row(names, cells, reader.line_num)
    except csv.Error as error:
        problem = RecordError("{field}: not a table ({reason})", field=_("row"), reason=str(error))
        yield Line(number=reader.line_num or last, text="", problem=problem)
    if not last:
        raise RecordError("{where}: the table holds no row", where=path.name)


def _row(names: Sequence[str], cells: Sequence[str], number: int) -> Line:
    text = json.dumps(list(cells), ensure_ascii=False)
    if len(cells) != len(names):
        problem = wrong(_("row"), len(cells), _("{n} cells, as many as the heading has").format(n=len(names)))
        return Line(number=number, text=text, problem=problem)
    return Line(number=number, text=text, value={name: cell for name, cell in zip(names, cells, strict=True) if cell})


def _space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    assert found is not None  # the pattern matches nothing, too
    return found.end()


def _number(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
