"""The signatures of everything that some sources hold, on disk, made by several processes and kept when they are stopped.

A shard is what some megabytes of the sources hold. Its line in `shards.jsonl` says where reading goes on after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sayso.text import clusters, journal, passages, streams
from sayso.text.cleaning import texts_of
from sayso.text.clusters import Signatures
from sayso.text.journal import Line
from sayso.text.passages import Passages
from sayso.text.signatures import Near, sign
from sayso.text.streams import TEXT, Batch, Reading, Record, Source


@dataclass(frozen=True, kw_only=True, slots=True)
class What:
    """What is signed."""

    reading: Reading
    fields: tuple[str, ...] = (TEXT,)
    """Where a record's text stands; where it has turns in `messages`, their contents are its text too."""
    near: Near | None = None
    passages: Passages | None = None
    """Sign passages of texts, not texts."""


class _Job(NamedTuple):
    folder: Path
    number: int
    batches: list[Batch]
    what: What


Watch = Callable[[int, int], None]
"""Called with how many documents were read, and how many bytes of the sources."""


def sign_all(found: Sequence[Source], what: What, folder: Path, *, workers: int, watch: Watch) -> list[Line]:
    """Sign everything, or what is left of it; return of every shard what it holds.

    Raises:
        RecordError: a record is wrong or has no text.
    """

    def jobs(done: Sequence[Line]) -> Iterator[_Job]:
        left = journal.groups(found, what.reading, start=journal.after(done))
        return (_Job(folder, number, batches, what) for number, batches in enumerate(left, start=len(done)))

    folder.mkdir(parents=True, exist_ok=True)
    shards: list[Line] = []
    for shard in journal.carried_on(folder / "shards.jsonl", _sign, jobs, workers=workers):
        shards.append(shard)
        watch(sum(shard["documents"] for shard in shards), sum(shard["bytes"] for shard in shards))
    return shards


def signatures(folder: Path, shards: Sequence[Line]) -> Signatures:
    """Open the signatures of shards."""
    return Signatures(folder, [shard["texts"] for shard in shards])


def text_of(record: Record, fields: Sequence[str]) -> str:
    """Return the text of a record: that of its fields, or of its turns.

    Raises:
        RecordError: it has none.
    """
    return "\n\n".join(text for _place, text in texts_of(record, fields))


def _sign(job: _Job) -> Line:
    parts, documents = [], 0
    for batch in job.batches:
        records = list(streams.parse(batch, job.what.reading))
        documents += len(records)
        parts.append(sign(list(_texts(records, job.what)), job.what.near))
    clusters.write(job.folder, job.number, parts)
    return {
        "documents": documents, "texts": sum(len(part.exact) for part in parts), "bytes": sum(b.size for b in job.batches),
        "end": job.batches[-1].end,
    }  # fmt: skip


def _texts(records: Sequence[Record], what: What) -> Iterator[str]:
    """Yield what is signed of records: their texts, or the passages of each."""
    for record in records:
        if what.passages is None:
            yield text_of(record, what.fields)
        else:
            for _place, text in texts_of(record, what.fields):
                yield from passages.forms(text, what.passages)
