"""Records from one format into another, nothing of them lost unless that is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sayso.errors import SettingsError, StoreError
from sayso.text.files import opening, streams
from sayso.text.files.opening import ending_of
from sayso.text.files.runs import Work
from sayso.text.files.shards import Shards
from sayso.text.files.sinks import Lost
from sayso.text.files.streams import Reading, Record, Source
from sayso.text.files.tallies import Result


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """What was written into a file, and what the format could not hold."""

    records: int
    stored: int
    """Bytes on disk."""
    lost: tuple[Lost, ...]


def unchanged(record: Record) -> Result:
    """Let a record through as it is."""
    size = sum(len(value.encode(errors="replace")) for value in record.fields.values() if isinstance(value, str))
    return Result(fields=record.fields, bytes_in=size, bytes_out=size)


def keep() -> Work:
    """Return the work that lets every record through."""
    return unchanged


def into_file(found: Sequence[Source], out: Path, *, reading: Reading, lossy: bool = False) -> Converted:
    """Write all records into one file, whose ending says the format.

    Raises:
        SettingsError: the file is there already, or its ending is none that is written.
        RecordError: a line is wrong, or the format cannot hold a record and `lossy` is not given.
    """
    ending = ending_of(out.name)
    if ending is None or ending.format == "html":
        raise SettingsError("{path!r}: cannot be written; expected a file of {endings}, or a folder and --to FORMAT",
            path=str(out), endings=opening.expected())  # fmt: skip
    if out.exists():
        raise SettingsError(
            "{out!r} is there already; nothing was changed. Name another file, or move it away", out=str(out)
        )
    with Shards(out.parent, ending, lossy=lossy, stem=f".{out.name}") as shards:
        records = 0
        for some in _some(found, reading):
            shards.write(some)
            records += len(some)
        shard = shards.roll()
        lost = tuple(shards.losses())
    try:
        if shard is None:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.touch()
        else:
            (out.parent / shard.name).replace(out)
    except OSError as error:
        raise StoreError("{path!r} cannot be written: {reason}", path=str(out), reason=error.strerror) from error
    return Converted(records=records, stored=out.stat().st_size, lost=lost)


def _some(found: Sequence[Source], reading: Reading) -> Iterator[list[Record]]:
    for batch in streams.batches(found, reading):
        yield list(streams.parse(batch, reading))
