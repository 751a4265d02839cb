"""Where the items of tasks are read: files of any usual form, a few data sets by a short name, others by their own.

A source is a file, a folder, a short name of the task (`dialogsum`), or a Hugging Face name (`hf:owner/name`, with
`:configuration` behind it where there are several).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sayso.errors import NotFoundError, RecordError
from sayso.text.files import opening, streams
from sayso.text.files.streams import Reading, Record

PACKED = ("", ".gz", ".zst")


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """A data set of Hugging Face that a task knows by a short name."""

    hub: str
    configuration: str | None = None
    split: str = "test"
    """The split that is read when none is asked for."""


def records(source: str, *, split: str = "", known: Mapping[str, Named] | None = None) -> Iterator[Record]:
    """Yield the records of a file, a folder or a data set; a text file's records are its lines.

    Raises:
        NotFoundError: there is no such file and no such data set.
        RecordError: a line is wrong; it is named.
    """
    if Path(source).exists():
        yield from streams.records(streams.sources([source]), Reading(txt="line"))
        return
    named = (known or {}).get(source) or _named(source, known or {})
    reading = Reading(split=split or named.split, configuration=named.configuration)
    yield from streams.records(streams.sources([f"hf:{named.hub}"], reading), reading)


def _named(source: str, known: Mapping[str, Named]) -> Named:
    if not source.startswith("hf:"):
        raise NotFoundError(
            "{source!r}: there is no such file or folder; expected a path, hf:owner/name of a data set, or one of {known}",
            source=source, known=", ".join(known) or "none by a short name",
        )  # fmt: skip
    hub, _colon, configuration = source.removeprefix("hf:").partition(":")
    return Named(hub=hub, configuration=configuration or None)


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (`file:line`, words) of a text file, empty lines too.

    Raises:
        RecordError: it is not UTF-8 text, or cannot be read.
    """
    with opening.opened(path) as file:
        for number, line in enumerate(opening.bounded(path, file), start=1):
            try:
                yield f"{path}:{number}", line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise RecordError(
                    "{path}:{line}: is not UTF-8 text; save it as UTF-8", path=str(path), line=number
                ) from error


def document(path: Path) -> Any:
    """Return what a JSON file holds, as one value.

    Raises:
        RecordError: it is not JSON; the line is named.
    """
    with opening.opened(path) as file:
        try:
            return json.loads(file.read().decode("utf-8-sig"))
        except json.JSONDecodeError as error:
            raise RecordError(
                "{path}:{line}: is not valid JSON ({reason})", path=str(path), line=error.lineno, reason=error.msg
            ) from error


def ends(source: str, *endings: str) -> bool:
    """Whether a file's name ends so, packed or not."""
    return source.endswith(tuple(f"{end}{packed}" for end in endings for packed in PACKED))


def beside(path: Path, one: str, other: str) -> Path:
    """Return the file that goes with a file: the same name with `other` in the place of the ending `one`, packed or not.

    Raises:
        NotFoundError: there is none.
    """
    name = path.name
    for packed in PACKED[1:]:
        name = name.removesuffix(packed)
    stem = name.removesuffix(one)
    for packed in PACKED:
        if (found := path.with_name(f"{stem}{other}{packed}")).is_file():
            return found
    raise NotFoundError("{path!r} has no partner; expected a file {name!r} beside it", path=str(path), name=stem + other)


def side_by_side(left: Path, right: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (`file:line`, left, right) of two text files whose lines belong together.

    Raises:
        RecordError: one has more lines than the other.
    """
    ours, theirs = lines(left), lines(right)
    number = 0
    for number, (where, text) in enumerate(ours, start=1):
        other = next(theirs, None)
        if other is None:
            raise RecordError(
                "{path}: ends after line {line}, {other} goes on; expected as many lines in both",
                path=str(right), line=number - 1, other=str(left),
            )  # fmt: skip
        yield where, text, other[1]
    if next(theirs, None) is not None:
        raise RecordError(
            "{path}: ends after line {line}, {other} goes on; expected as many lines in both",
            path=str(left), line=number, other=str(right),
        )  # fmt: skip


def given(record: Record, names: Sequence[str], *, meaning: str) -> str:
    """Return the first of several fields that a record has, as words.

    Raises:
        RecordError: it has none of them, or it is not text.
    """
    for name in names:
        if record.fields.get(name) is not None:
            return words(record.fields[name], f"{record.where}: {name}")
    raise RecordError(
        "{where}: found the keys {keys}; expected {meaning} under one of {wanted}",
        where=record.where, keys=", ".join(map(str, record.fields)) or "none", meaning=meaning, wanted=", ".join(names),
    )  # fmt: skip


def all_given(record: Record, names: Sequence[str], *, meaning: str) -> tuple[str, ...]:
    """Return the texts of every one of several fields that a record has: a text, a list of texts, or numbered fields.

    Raises:
        RecordError: it has none of them, or one is not text.
    """
    found: list[str] = []
    for name in names:
        value = record.fields.get(name)
        if value is not None:
            where = f"{record.where}: {name}"
            found += [words(one, where) for one in value] if isinstance(value, list) else [words(value, where)]
            break
    if not found:
        raise RecordError(
            "{where}: found the keys {keys}; expected {meaning} under one of {wanted}",
            where=record.where, keys=", ".join(map(str, record.fields)) or "none", meaning=meaning, wanted=", ".join(names),
        )  # fmt: skip
    return tuple(found)


def words(value: Any, where: str) -> str:
    """Return a value that is text and not empty.

    Raises:
        RecordError: it is something else.
    """
    if not isinstance(value, str) or not value.strip():
        raise RecordError("{where}: found {found!r}, expected text", where=where, found=value)
    return value.strip()
