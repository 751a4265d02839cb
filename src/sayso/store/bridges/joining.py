"""Exports of tracing tools: what was asked and answered stands in one row, what was said of it in another; joined by ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sayso.errors import RecordError
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.results import Bridged, added
from sayso.store.lines import Line

_KINDS = (".json", ".jsonl", ".csv", ".tsv", ".gz")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One file of an export, with its rows."""

    name: str
    lines: tuple[Line, ...]


def sources(path: Path, *, under: Sequence[str]) -> list[Source]:
    """Return the rows of a file, or of every file of a folder.

    Raises:
        NotFoundError, RecordError: as `read_objects`; a folder without such files.
    """
    if not path.is_dir():
        return [Source(name=path.name, lines=tuple(read_objects(path, under=under)))]
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.suffix.lower() in _KINDS)
    if not files:
        expected = ", ".join(_KINDS)
        raise RecordError("{where}: found no file that ends in {expected}", where=str(path), expected=expected)
    return [Source(name=file.relative_to(path).as_posix(), lines=tuple(read_objects(file, under=under))) for file in files]


def rows(found: Sequence[Source]) -> Iterator[dict[str, object]]:
    """Give the good rows of all the files."""
    for source in found:
        yield from (line.value for line in source.lines if line.value is not None)


def unit_scales(values: Iterable[tuple[str, object]]) -> set[str]:
    """Return the names whose values all lie from 0 to 1; a name with nothing but ones may be on any scale."""
    found: dict[str, set[float]] = {}
    for name, value in values:
        try:
            found.setdefault(name, set()).add(float(value))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            found.setdefault(name, set())
    return {name for name, numbers in found.items() if numbers - {1.0} and all(0 <= number <= 1 for number in numbers)}


def together(parts: Sequence[Bridged]) -> Bridged:
    """Return what several files hold as one."""
    return Bridged(
        entries=tuple(entry for part in parts for entry in part.entries),
        lost=added(item for part in parts for item in part.lost),
    )
