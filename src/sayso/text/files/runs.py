"""Records go through work into shards: in bounded memory, by several processes if wanted, and after a stop on from there.

About `journal.SHARD_BYTES` of input become one shard, whoever works on it, so that the same input gives the same bytes,
stopped or not, with one process or many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from sayso.errors import RecordError, SettingsError
from sayso.i18n import gettext as _
from sayso.text.files import journal, streams
from sayso.text.files.journal import Line
from sayso.text.files.opening import Ending, ending_of
from sayso.text.files.shards import Shards
from sayso.text.files.streams import Batch, Reading, Record, Source
from sayso.text.files.tallies import Result, Tally

Work = Callable[[Record], Result]
Make = Callable[[], Work]
"""Makes the work, in whichever process it is done; it can be pickled."""
UNREADABLE = "cannot be read"
_JOURNAL = "shards.jsonl"
_MEGABYTE = 1_000_000
_PACKED = 4
"""How many bytes one byte of a packed file is, roughly; only for the progress that is shown."""


class Watch(Protocol):
    """Is told how far a stage has come."""

    def __call__(self, *, stage: str, done: int, total: int, unit: str, note: str) -> None:
        """Take note of it."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """How a run writes, and what it does with lines that are wrong."""

    to: str = "jsonl.zst"
    """The format: jsonl, txt, csv, tsv, with .gz or .zst behind or not, or parquet."""
    lossy: bool = True
    """Whether what the format cannot hold is let go and counted, or is an error."""
    skip_bad: bool = False
    """Whether a line that is wrong is dropped and counted, or is an error."""
    samples: int = 5
    """How many samples are shown of what was dropped, for each reason."""

    def __post_init__(self) -> None:
        found = ending_of(f"x.{self.to}")
        if found is None or found.format == "html":
            raise SettingsError(
                "unknown format {name!r}; expected jsonl, txt, csv or tsv, each also with .gz or .zst behind, or parquet",
                name=self.to,
            )

    @property
    def ending(self) -> Ending:
        """What `to` means."""
        found = ending_of(f"x.{self.to}")
        assert found is not None
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What goes through which work."""

    make: Make
    found: Sequence[Source]
    reading: Reading
    writing: Writing
    workers: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a run came to."""

    tally: Tally
    shards: tuple[dict[str, Any], ...]
    """Every shard: its name, records, bytes, stored bytes, sha256."""
    again: bool = False
    """Whether it was done before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    number: int
    batches: list[Batch]


def run(plan: Plan, out: Path, *, key: Line, watch: Watch | None = None) -> Report:
    """Send all records through work into a folder of shards, with a report beside them.

    Raises:
        SettingsError: the folder holds something else.
        RecordError: a line is wrong, and it is not to be skipped; what is done stays, and the run goes on from there.
        StoreError: the disk refused.
    """
    before = journal.finished(out, key)
    if before is not None:
        return Report(tally=Tally.of(before["tally"]), shards=tuple(before["shards"]), again=True)
    working = journal.begin(out, key)
    tally = Tally(plan.writing.samples)
    shards: list[dict[str, Any]] = []
    one = partial(_shard, plan.make, journal.result_in(working), plan.reading, plan.writing)
    jobs = partial(_jobs, plan.found, plan.reading)
    for line in journal.carried_on(working / _JOURNAL, one, jobs, workers=plan.workers):
        tally.merge(Tally.of(line["tally"], plan.writing.samples))
        shards += [line["shard"]] if line["shard"] else []
        if watch:
            _tell(watch, plan.found, line["end"], tally)
    journal.finish(working, out, {"key": key, "tally": tally.form(), "shards": shards})
    return Report(tally=tally, shards=tuple(shards))


def key_of(verb: str, plan: Plan, settings: Any) -> Line:
    """Return what names a run: another key is another run, and not gone on with."""
    return journal.key_of(verb, plan.found, settings, reading=asdict(plan.reading), writing=asdict(plan.writing))


def counted(plan: Plan, *, most: int | None = None) -> Tally:
    """Send all records through work, or the first ones, write nothing, and return what came of them."""
    work, tally = plan.make(), Tally(plan.writing.samples)
    skipped = partial(_refuse, tally) if plan.writing.skip_bad else None
    for record in islice(streams.records(plan.found, plan.reading, skipped=skipped), most):
        _worked(work, record, tally, skip_bad=plan.writing.skip_bad)
    return tally


def _worked(work: Work, record: Record, tally: Tally, *, skip_bad: bool) -> dict[str, Any] | None:
    """Return what is left of a record, counted; a record without the fields that work needs is as bad as a line."""
    try:
        result = work(record)
    except RecordError as error:
        if not skip_bad:
            raise
        _refuse(tally, error)
        return None
    tally.add(result, record.where)
    return result.fields


def _refuse(tally: Tally, error: RecordError) -> None:
    tally.refuse(
        UNREADABLE, str(error.fields.get("where") or f"{error.fields.get('path')}:{error.fields.get('line')}"), str(error)
    )


def _jobs(found: Sequence[Source], reading: Reading, done: Sequence[Line]) -> Iterator[_Job]:
    for number, batches in enumerate(journal.groups(found, reading, start=journal.after(done)), start=len(done)):
        yield _Job(number=number, batches=batches)


def _shard(make: Make, folder: Path, reading: Reading, writing: Writing, job: _Job) -> Line:
    """Work on what becomes one shard, and write it; nothing is written when nothing is left."""
    work, tally = make(), Tally(writing.samples)
    skipped = partial(_refuse, tally) if writing.skip_bad else None
    with Shards(folder, writing.ending, lossy=writing.lossy, first=job.number) as shards:
        for batch in job.batches:
            kept: list[Record] = []
            for record in streams.parse(batch, reading, skipped=skipped):
                fields = _worked(work, record, tally, skip_bad=writing.skip_bad)
                if fields is not None:
                    kept.append(Record(where=record.where, fields=fields))
            shards.write(kept)
        shard = shards.roll()
        tally.lose(shards.losses())
    return {"shard": asdict(shard) if shard else None, "end": list(job.batches[-1].end), "tally": tally.form()}


def _tell(watch: Watch, found: Sequence[Source], end: Sequence[int], tally: Tally) -> None:
    sizes = [source.path.stat().st_size if source.path else 0 for source in found]
    index, offset, _number = end
    here = 0
    if index < len(found):
        packed = found[index].name.endswith((".gz", ".zst"))
        here = min(sizes[index], offset // _PACKED if packed else offset)
    watch(
        stage=_("reading"), done=(sum(sizes[:index]) + here) // _MEGABYTE, total=max(1, sum(sizes) // _MEGABYTE), unit="MB",
        note=_("{n} documents kept").format(n=f"{tally.documents_out:,}"),
    )  # fmt: skip
