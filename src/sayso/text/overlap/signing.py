"""The signatures of everything that some sources hold, on disk, made by several processes and kept when they are stopped.

A shard is what some megabytes of the sources hold. Its line in `shards.jsonl` says where reading goes on after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.text.cleaning.cleaner import texts_of
from sayso.text.files import journal, streams
from sayso.text.files.journal import Line
from sayso.text.files.runs import Watch, Writing
from sayso.text.files.streams import TEXT, Batch, Reading, Record, Source
from sayso.text.overlap import clusters, passages
from sayso.text.overlap.clusters import Signatures
from sayso.text.overlap.passages import Passages
from sayso.text.overlap.signatures import Near, sign

SAMPLES = 10
"""So many samples are kept of what a report tells of."""
MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """Sources, how they are read and how what becomes of them is written."""

    found: Sequence[Source]
    reading: Reading
    writing: Writing
    workers: int = 1
    watch: Watch | None = None

    def tell(self, stage: str, done: int, total: int, unit: str) -> None:
        """Say how far a stage has come."""
        if self.watch is not None:
            self.watch(stage=stage, done=done, total=max(done, total), unit=unit, note="")


@dataclass(frozen=True, kw_only=True, slots=True)
class What:
    """What is signed."""

    fields: tuple[str, ...] = (TEXT,)
    """Where a record's text stands; where it has turns in `messages`, their contents are its text too."""
    near: Near | None = None
    """Only equal texts are looked for without it."""
    passages: Passages | None = None
    """Sign passages of texts, not texts."""
    family: str = ""
    """Sign the value of this field, not the text."""


class _Job(NamedTuple):
    folder: Path
    number: int
    batches: list[Batch]
    what: What
    reading: Reading
    skip_bad: bool


def sign_all(data: Data, what: What, folder: Path) -> list[Line]:
    """Sign everything, or what is left of it; return of every shard what it holds.

    Raises:
        RecordError: a record is wrong or has no text.
    """

    def jobs(done: Sequence[Line]) -> Iterator[_Job]:
        left = journal.groups(data.found, data.reading, start=journal.after(done))
        for number, batches in enumerate(left, start=len(done)):
            yield _Job(folder, number, batches, what, data.reading, data.writing.skip_bad)

    folder.mkdir(parents=True, exist_ok=True)
    shards: list[Line] = []
    total, done = size_of(data.found), 0
    for shard in journal.carried_on(folder / "shards.jsonl", _sign, jobs, workers=data.workers):
        shards.append(shard)
        done += shard["bytes"]
        data.tell(_("reading"), done // MEGABYTE, total // MEGABYTE, "MB")
    return shards


def signatures(folder: Path, shards: Sequence[Line]) -> Signatures:
    """Open the signatures of shards."""
    return Signatures(folder, [shard["texts"] for shard in shards])


def size_of(found: Sequence[Source]) -> int:
    """Return how many bytes the files of sources have, as they lie on disk."""
    return sum(source.path.stat().st_size for source in found if source.path)


def parsed(batch: Batch, reading: Reading, bad: list[str] | None) -> Iterator[Record]:
    """Yield the records of a batch; what is wrong with a line is added to `bad`, or raised without it."""
    return streams.parse(batch, reading, skipped=None if bad is None else lambda error: bad.append(str(error)))


def text_of(record: Record, fields: Sequence[str]) -> str:
    """Return the text of a record: that of its fields, or of its turns.

    Raises:
        RecordError: it has none.
    """
    return "\n\n".join(text for _place, text in texts_of(record, fields))


def family_of(record: Record, name: str) -> str:
    """Return the value of a field as one string; a dotted name reaches into objects.

    Raises:
        RecordError: the record has no such field.
    """
    found: Any = record.fields
    for key in [name] if name in record.fields else name.split("."):
        if not isinstance(found, dict) or found.get(key) is None:
            raise RecordError(
                "{where}: found the fields {found}; expected {name!r}, which says to what family a record belongs",
                where=record.where, found=", ".join(map(str, record.fields)) or "none", name=name,
            )  # fmt: skip
        found = found[key]
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, sort_keys=True, default=str)


def _sign(job: _Job) -> Line:
    parts, documents = [], 0
    bad: list[str] = []
    counts: list[list[str | int]] = []
    for batch in job.batches:
        records = list(parsed(batch, job.reading, bad if job.skip_bad else None))
        documents += len(records)
        parts.append(sign(list(_texts(records, job.what)), job.what.near))
        counts.append([batch.source.name, len(parts[-1].exact)])
    clusters.write(job.folder, job.number, parts)
    return {
        "documents": documents, "sources": counts, "texts": sum(len(part.exact) for part in parts),
        "bytes": sum(batch.size for batch in job.batches),
        "end": job.batches[-1].end, "unreadable": len(bad), "unreadable_samples": bad[:SAMPLES],
    }  # fmt: skip


def _texts(records: Sequence[Record], what: What) -> Iterator[str]:
    """Yield what is signed of records: their texts, or the passages of each."""
    for record in records:
        if what.family:
            yield family_of(record, what.family)
        elif what.passages is None:
            yield text_of(record, what.fields)
        else:
            for _place, text in texts_of(record, what.fields):
                yield from passages.forms(text, what.passages)
