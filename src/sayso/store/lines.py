"""A JSONL file becomes numbered JSON objects, with every fault of encoding and of JSON named where it stands."""

from __future__ import annotations

import gzip
import json
import math
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sayso.errors import NotFoundError, RecordError, StoreError
from sayso.i18n import gettext as _
from sayso.i18n import say
from sayso.store.rules import shown, wrong

MAX_LINE_BYTES = 10_000_000
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_GZIP = b"\x1f\x8b"
_MAX_NUMBER_CHARACTERS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing wrong in a file: `where` is `file:line`; the error says which field, what was found, what was expected."""

    where: str
    error: RecordError

    @property
    def field(self) -> str:
        """The field that is wrong, or the place in the line."""
        return str(self.error.fields["field"])

    @property
    def message(self) -> str:
        """The whole line in the user's language: `file:line: field: what was found, what was expected`."""
        return f"{self.where}: {say(self.error)}"

    def __str__(self) -> str:
        return f"{self.where}: {self.error}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line that is not blank: its number, its text, and its object, or what is wrong with it."""

    number: int
    text: str
    value: dict[str, Any] | None = None
    problem: RecordError | None = None


def read_lines(path: Path) -> Iterator[Line]:
    """Give the lines of a JSONL file, plain or gzip, in UTF-8; blank lines are passed over.

    Raises:
        NotFoundError: there is no such file.
        RecordError: it is a folder, cannot be read, is not text in UTF-8, is one JSON list, or holds nothing.
    """
    empty = True
    for number, raw in _raw_lines(path):
        if not raw.strip():
            continue
        if empty:
            _look_at_first(path, raw)
        empty = False
        yield _line(number, raw)
    if empty:
        raise RecordError("{where}: the file holds no line; expected one JSON object a line", where=path.name)


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> int:
    """Write JSONL and return the number of lines; a path that ends in `.gz` is packed. As `writing` does."""
    count = 0
    with writing(path) as target:
        for count, line in enumerate(lines, start=1):  # noqa: B007 - the last number is the count
            target.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    return count


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write under a temporary name, and rename it at the end: a crash leaves the old file whole.

    Raises:
        StoreError: the disk refused.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as raw:
            with gzip.open(raw, "wb") if path.suffix == ".gz" else raw as target:
                yield target  # type: ignore[misc]
                target.flush()
            if not raw.closed:
                raw.flush()
                os.fsync(raw.fileno())
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            "{where}: cannot be written ({reason}); the old file, if any, is whole", where=str(path), reason=reason
        ) from error
    finally:
        if temporary.exists():
            temporary.unlink()


def decoder() -> json.JSONDecoder:
    """Return a decoder that refuses what `read_lines` refuses: a key twice in an object, NaN, endless numbers."""
    return json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=_integer)


def _raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    if path.is_dir():
        raise RecordError("{where}: found a folder; expected a JSONL file", where=str(path))
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == _GZIP
            plain.seek(0)
            with gzip.open(plain) if packed else plain as source:
                yield from _bounded_lines(source)  # type: ignore[arg-type]
    except FileNotFoundError as error:
        raise NotFoundError("{where}: there is no such file; expected a JSONL file", where=str(path)) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RecordError(
            "{where}: the gzip file is cut off or damaged ({reason}); pack it again", where=path.name, reason=str(error)
        ) from error
    except OSError as error:
        raise RecordError(
            "{where}: cannot be read ({reason}); expected a JSONL file", where=str(path), reason=error.strerror or str(error)
        ) from error


def _bounded_lines(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Give numbered lines without their ends; of a line that is too long, one byte more than the limit."""
    number = 0
    while raw := source.readline(MAX_LINE_BYTES + 1):
        number += 1
        if number == 1:
            raw = raw.removeprefix(_BOM)
        if len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n"):
            _skip_rest(source)
        yield number, raw.rstrip(b"\r\n")


def _skip_rest(source: BinaryIO) -> None:
    while rest := source.readline(MAX_LINE_BYTES):
        if rest.endswith(b"\n"):
            return


def _look_at_first(path: Path, raw: bytes) -> None:
    if raw.startswith(_WIDE_BOMS) or b"\x00" in raw[:4096]:
        raise RecordError(
            "{where}: this is not text in UTF-8 (UTF-16, or no text at all); expected JSONL in UTF-8: "
            "convert it with `iconv -f UTF-16 -t UTF-8`",
            where=path.name,
        )  # fmt: skip
    if raw.lstrip().startswith(b"["):
        raise RecordError(
            "{where}: found one JSON list; expected JSONL, one object a line: convert it with `jq -c '.[]'`", where=path.name
        )


def _line(number: int, raw: bytes) -> Line:
    text = raw.decode("utf-8", "backslashreplace")
    try:
        if len(raw) > MAX_LINE_BYTES:
            raise wrong("length", shown(text), _("at most {most} bytes on a line").format(most=MAX_LINE_BYTES))
        return Line(number=number, text=text, value=_object(_unicode(raw)))
    except RecordError as error:
        return Line(number=number, text=text if len(raw) <= MAX_LINE_BYTES else text[:200], problem=error)


def _unicode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(
            "{field}: found {found}, expected UTF-8; save the file as UTF-8",
            field=_("byte {number}").format(number=error.start + 1), found=repr(raw[error.start : error.start + 1])[1:],
        ) from error  # fmt: skip


def _object(text: str) -> dict[str, Any]:
    try:
        value = decoder().decode(text)
    except json.JSONDecodeError as error:
        raise _not_json(text, error) from error
    except RecursionError as error:
        raise RecordError("{field}: nested too deeply; expected a few levels", field=_("line")) from error
    if not isinstance(value, dict):
        raise wrong(_("line"), value, _("a JSON object"))
    if "\\u" in text:
        refuse_surrogates(value, "")
    return value


def _not_json(text: str, error: json.JSONDecodeError) -> RecordError:
    place = _("column {number}").format(number=error.pos + 1)
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
        return RecordError("{field}: the line ends inside the JSON; expected one whole object on each line", field=place)
    return RecordError("{field}: not JSON ({reason}); expected one object on each line", field=place, reason=error.msg)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RecordError("{field}: found twice in one object, expected once", field=shown(twice).strip('"'))
    return found


def _constant(name: str) -> float:
    raise RecordError("{field}: found {found}, expected a number that JSON knows, or null", field=_("number"), found=name)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise wrong(_("number"), text, _("a number that fits 64 bits"))
    return value


def _integer(text: str) -> int:
    if len(text) > _MAX_NUMBER_CHARACTERS:
        raise wrong(_("number"), text, _("a number of at most {most} digits").format(most=_MAX_NUMBER_CHARACTERS))
    return int(text)


def refuse_surrogates(value: Any, field: str) -> None:
    """Raise RecordError where a text within `value` holds half of a surrogate pair; `field` is where `value` stands."""
    if isinstance(value, str):
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise wrong(field, value, _("whole Unicode characters, not half of a surrogate pair"))
    elif isinstance(value, dict):
        for name, part in value.items():
            refuse_surrogates(name, ascii(name)[1:-1])
            refuse_surrogates(part, f"{field}.{name}" if field else name)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            refuse_surrogates(part, f"{field}[{number}]")
