"""A split written: train, validation and test as folders of shards; and a split read back, to see that nothing leaks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from sayso import config
from sayso.errors import NotFoundError
from sayso.i18n import gettext as _
from sayso.text.files import journal, streams
from sayso.text.files.journal import Line
from sayso.text.files.runs import Writing
from sayso.text.files.shards import Shards
from sayso.text.files.streams import Batch, Reading
from sayso.text.overlap import duplicates, signing, splitting
from sayso.text.overlap.shingles import Array
from sayso.text.overlap.signing import MEGABYTE, SAMPLES, Data, What
from sayso.text.overlap.splitting import PARTS, Checked, Leak, Split

_EXACT = 0


class _Job(NamedTuple):
    folder: Path
    number: int
    batches: list[Batch]
    parts: Array
    reading: Reading
    writing: Writing


def split(data: Data, out: Path, settings: Split) -> Line:
    """Write what sources hold into three folders, and return the report that is written with them.

    Raises:
        RecordError: a record is wrong, or has no text or no family.
        SettingsError: the folder holds something else, or there are too few documents.
    """
    key = duplicates.key_of("split", data, settings, _what(settings))
    report = journal.finished(out, key)
    if report is not None:
        return {**report, "again": True}
    working = journal.begin(out, key)
    shards, families = _families(data, settings, working)
    drawn = splitting.numbers(families, settings.seed)
    bounds = splitting.bounds(settings, drawn)
    parts = bounds.parts(drawn).astype(np.uint8)
    lines = list(_written(data, working, shards, parts))
    report = {
        "key": key, "documents_in": len(parts), "bytes_read": sum(shard["bytes"] for shard in shards),
        "shares": bounds.shares(),
        "parts": {name: _part(name, parts == at, families, lines) for at, name in enumerate(PARTS)},
        "shards": [shard for line in lines for shard in line["shards"]],
        "unreadable": sum(shard["unreadable"] for shard in shards),
        "unreadable_samples": [said for shard in shards for said in shard["unreadable_samples"]][:SAMPLES],
        "lost": [lost for line in lines for lost in line["lost"]][:SAMPLES],
    }  # fmt: skip
    journal.finish(working, out, report)
    return report


def check(folder: Path, data: Data, settings: Split | None = None) -> Checked:
    """Read a split back, and say which documents of different parts belong together: by family, equal, or nearly equal.

    Without `settings` those are taken with which it was made. Of `data`, the sources are not looked at.

    Raises:
        NotFoundError: the folder has no folders of parts.
    """
    settings = settings or _made_with(folder)
    names = [name for name in PARTS if (folder / name).is_dir()]
    if len(names) < 2:
        raise NotFoundError("the folder {folder!r} has not two of the folders {parts}; name the folder of a split",
            folder=str(folder), parts=", ".join(PARTS))  # fmt: skip
    owners = {source.name: at for at, name in enumerate(names) for source in streams.sources([folder / name], data.reading)}
    data = replace(data, found=streams.sources([folder / name for name in names], data.reading))
    with TemporaryDirectory() as temporary:
        looked = dict(_looked_for(data, settings, Path(temporary), owners))
    parts = next(iter(looked.values()))[1]
    crossing = {why: splitting.crossing(groups, of) for why, (groups, of) in looked.items()}
    return Checked(
        documents={name: int((parts == at).sum()) for at, name in enumerate(names)}, looked_for=tuple(looked),
        leaks={why: len(found) for why, found in crossing.items()},
        samples=tuple(_samples(data, crossing, looked, names)),
    )  # fmt: skip


def _what(settings: Split) -> What:
    near = settings.near if settings.by == "near" else None
    return What(fields=settings.fields, near=near, family=settings.family)


def _families(data: Data, settings: Split, working: Path) -> tuple[list[Line], Array]:
    """Return what was read, and of every document the hash that names its family: of its field, or of its first text."""
    shards, found = duplicates.cluster(data, _what(settings), working)
    exact = signing.signatures(working / "signed", shards).column(_EXACT)
    return shards, exact[found.roots]


def _written(data: Data, working: Path, shards: Sequence[Line], parts: Array) -> Iterator[Line]:
    begins = np.concatenate([[0], np.cumsum([shard["texts"] for shard in shards])]).astype(np.int64).tolist()

    def jobs(done: Sequence[Line]) -> Iterator[_Job]:
        left = journal.groups(data.found, data.reading, start=journal.after(done))
        for number, batches in enumerate(left, start=len(done)):
            here = parts[begins[number] : begins[number + 1]]
            yield _Job(journal.result_in(working), number, batches, here, data.reading, data.writing)

    total, done = sum(shard["bytes"] for shard in shards), 0
    for line in journal.carried_on(working / "written.jsonl", _write, jobs, workers=data.workers):
        done += line["bytes"]
        data.tell(_("writing"), done // MEGABYTE, total // MEGABYTE, "MB")
        yield line


def _write(job: _Job) -> Line:
    """Write the records of some batches, each into its part."""
    place = 0
    bad: list[str] | None = [] if job.writing.skip_bad else None
    written: list[Line] = []
    with ExitStack() as open_now:
        outs = [
            open_now.enter_context(Shards(job.folder / name, job.writing.ending, lossy=job.writing.lossy, first=job.number))
            for name in PARTS
        ]
        for batch in job.batches:
            records = list(signing.parsed(batch, job.reading, bad))
            parts = job.parts[place : place + len(records)].tolist()
            place += len(records)
            for at, out in enumerate(outs):
                out.write([record for record, part in zip(records, parts, strict=True) if part == at])
        for name, out in zip(PARTS, outs, strict=True):
            shard = out.roll()
            written += [{**asdict(shard), "name": f"{name}/{shard.name}"}] if shard else []
        lost = [asdict(one) for out in outs for one in out.losses()]
    return {"end": job.batches[-1].end, "bytes": sum(batch.size for batch in job.batches), "shards": written, "lost": lost}


def _part(name: str, here: Array, families: Array, lines: Sequence[Line]) -> Line:
    stored = sum(shard["records"] for line in lines for shard in line["shards"] if shard["name"].startswith(f"{name}/"))
    assert stored == int(here.sum())
    return {"documents": stored, "families": len(np.unique(families[here]))}


def _made_with(folder: Path) -> Split:
    """Return the settings of the report beside the parts, or the usual ones."""
    try:
        found = json.loads((folder / journal.REPORT).read_text(encoding="utf-8"))["key"]["settings"]
    except (OSError, ValueError, KeyError, TypeError):
        return Split()
    return config.build(Split, found, where=str(folder / journal.REPORT))


def _looked_for(
    data: Data, settings: Split, folder: Path, owners: dict[str, int]
) -> Iterator[tuple[str, tuple[Array, Array]]]:
    """Yield why documents may belong together, with the group and the part of each."""
    if settings.by == "field":
        shards, found = duplicates.cluster(data, _what(settings), folder / "family")
        yield "family", (found.roots, _owned(shards, owners))
    near = settings.near if settings.by == "near" else None
    shards, found = duplicates.cluster(data, What(fields=settings.fields, near=near), folder / "text")
    parts = _owned(shards, owners)
    yield "text", (np.array(found.equal), parts)
    if near is not None:
        yield "near", (np.array(found.roots), parts)


def _owned(shards: Sequence[Line], owners: dict[str, int]) -> Array:
    """Return of every document the part it was read from."""
    runs = list(chain.from_iterable(shard["sources"] for shard in shards))
    return np.repeat([owners[name] for name, _count in runs], [count for _name, count in runs]).astype(np.int64)


def _samples(
    data: Data, crossing: dict[str, Array], looked: dict[str, tuple[Array, Array]], names: Sequence[str]
) -> Iterator[Leak]:
    """Yield a few leaks; their documents are read again to know where they stand."""
    pairs = [
        (why, int(looked[why][0][at]), int(at)) for why, found in crossing.items() for at in found[: SAMPLES // 2].tolist()
    ]
    wanted = {number for _why, one, other in pairs for number in (one, other)}
    where = dict(_standing(data, wanted))
    for why, one, other in pairs:
        parts = looked[why][1]
        yield Leak(why=why, one=where[one], other=where[other], parts=(names[parts[one]], names[parts[other]]))


def _standing(data: Data, wanted: set[int]) -> Iterator[tuple[int, str]]:
    last = max(wanted, default=-1)
    skipped = (lambda _error: None) if data.writing.skip_bad else None
    for number, record in enumerate(streams.records(data.found, data.reading, skipped=skipped)):
        if number > last:
            return
        if number in wanted:
            yield number, record.where
