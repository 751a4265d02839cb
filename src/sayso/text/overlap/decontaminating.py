"""Training data without what evaluation sets hold; every source is read once, and a stopped run goes on where it was."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from sayso.errors import SettingsError
from sayso.i18n import gettext as _
from sayso.text.cleaning.cleaner import Place, snippet, texts_of, with_texts
from sayso.text.files import journal, opening, streams
from sayso.text.files.journal import Line
from sayso.text.files.runs import Writing
from sayso.text.files.shards import Shards
from sayso.text.files.streams import Batch, Reading, Record, Source
from sayso.text.overlap import contamination, signing
from sayso.text.overlap.contamination import Hit, Index, Item, Overlap
from sayso.text.overlap.signing import MEGABYTE, SAMPLES, Data

HITS = "_hits"
"""The files that name every document that was hit; a name that begins so is not read as data."""


class Evaluation(NamedTuple):
    """A named evaluation set."""

    name: str
    found: list[Source]


class _Job(NamedTuple):
    folder: Path
    number: int
    batches: list[Batch]
    wanted: Index
    reading: Reading
    writing: Writing


class _Text(NamedTuple):
    record: int
    place: Place
    text: str


def evaluations(named: Sequence[str], reading: Reading, overlap: Overlap) -> list[Evaluation]:
    """Return evaluation sets from `NAME=FILES` or `FILES`; without a name, a set is called as its file or data set is.

    Raises:
        NotFoundError: a file is not there.
        SettingsError: two sets have the same name, or none was named.
    """
    found: dict[str, Evaluation] = {}
    for given in named:
        name, equals, where = given.partition("=")
        where = where if equals else given
        name = name if equals else Path(where.removeprefix("hf:")).name.split(".")[0]
        if name in found:
            raise SettingsError("two evaluation sets are called {name!r}; write one of them as NAME=FILES", name=name)
        found[name] = Evaluation(name, streams.sources([where], _evaluated(reading, overlap)))
    if not found:
        raise SettingsError("no evaluation set was named; expected at least one FILES or NAME=FILES")
    return list(found.values())


def decontaminate(data: Data, out: Path, sets: Sequence[Evaluation], overlap: Overlap) -> Line:
    """Write what sources hold into a folder, without what evaluation sets hold, and return the report written with it.

    Raises:
        RecordError: a record is wrong or has no text.
        SettingsError: the folder holds something else, or the sets hold nothing to look for.
    """
    prints = [[one.name, [_print(source) for source in one.found]] for one in sets]
    key = journal.key_of(
        "decontaminate", data.found, overlap, reading=asdict(data.reading), writing=asdict(data.writing), sets=prints
    )
    report = journal.finished(out, key)
    if report is not None:
        return {**report, "again": True}
    index = contamination.index(_items(sets, data.reading, overlap), overlap)
    working = journal.begin(out, key)

    def jobs(done: Sequence[Line]) -> Iterator[_Job]:
        left = journal.groups(data.found, data.reading, start=journal.after(done))
        for number, batches in enumerate(left, start=len(done)):
            yield _Job(journal.result_in(working), number, batches, index, data.reading, data.writing)

    lines, total, read = [], signing.size_of(data.found), 0
    for line in journal.carried_on(working / "written.jsonl", _write, jobs, workers=data.workers):
        lines.append(line)
        read += line["bytes"]
        data.tell(_("reading"), read // MEGABYTE, total // MEGABYTE, "MB")
    report = _report(key, index, sets, lines)
    journal.finish(working, out, report)
    return report


def _print(source: Source) -> str:
    return opening.print_of(source.path) if source.path else source.name


def _evaluated(reading: Reading, overlap: Overlap) -> Reading:
    return replace(reading, split=overlap.split, configuration=None)


def _items(sets: Sequence[Evaluation], reading: Reading, overlap: Overlap) -> Iterator[Item]:
    for one in sets:
        for record in streams.records(one.found, _evaluated(reading, overlap)):
            yield Item(one.name, record.where, list(contamination.strings_in(record.fields)))


def _write(job: _Job) -> Line:
    """Write what is left of some batches, and beside it what was hit."""
    told: list[Line] = []
    counts: Counter[str] = Counter()
    bad: list[str] | None = [] if job.writing.skip_bad else None
    with Shards(job.folder, job.writing.ending, lossy=job.writing.lossy, first=job.number) as out:
        for batch in job.batches:
            records = list(signing.parsed(batch, job.reading, bad))
            counts["documents"] += len(records)
            out.write(list(_left(records, job.wanted, told, counts)))
        written = out.roll()
        lost = [asdict(one) for one in out.losses()]
    if told:
        said = "".join(json.dumps(hit, ensure_ascii=False) + "\n" for hit in told)
        (job.folder / f"{HITS}-{job.number:05}.jsonl").write_text(said, encoding="utf-8")
    items = Counter((hit["set"], hit["item"]) for hit in told)
    return {
        "end": job.batches[-1].end, "bytes": sum(batch.size for batch in job.batches), **counts,
        "hits": [[*item, count] for item, count in items.items()], "samples": told[:SAMPLES], "lost": lost,
        "unreadable": len(bad or ()), "unreadable_samples": (bad or [])[:SAMPLES],
        "shard": asdict(written) if written else None,
    }  # fmt: skip


def _left(records: Sequence[Record], index: Index, told: list[Line], counts: Counter[str]) -> Iterator[Record]:
    """Yield what is left of records, and tell of what was hit."""
    texts = [
        _Text(number, place, text)
        for number, record in enumerate(records)
        for place, text in texts_of(record, index.overlap.fields)
    ]
    hits = {text: list(some) for text, some in groupby(index.hits([one.text for one in texts]), lambda hit: hit.text)}
    hit_records = {texts[text].record for text in hits}
    by_record = {number: list(some) for number, some in groupby(range(len(texts)), lambda at: texts[at].record)}
    for number, record in enumerate(records):
        if number not in hit_records:
            yield record
            continue
        here = by_record[number]
        told.append(_told(record, texts, [hit for text in here for hit in hits.get(text, ())], index))
        left = list(_cut(record, [texts[at] for at in here], [hits.get(at, []) for at in here], index.overlap))
        counts["dropped" if not left else "cut"] += 1
        yield from left


def _cut(record: Record, texts: Sequence[_Text], hits: Sequence[Sequence[Hit]], overlap: Overlap) -> Iterator[Record]:
    """Yield the pieces of a record; with several texts in it, only those that were not hit are worth keeping together."""
    if overlap.action == "drop" or len(texts) != 1:
        return
    for piece in contamination.pieces(texts[0].text, hits[0], overlap):
        yield Record(where=record.where, fields=with_texts(record.fields, [(texts[0].place, piece)]))


def _told(record: Record, texts: Sequence[_Text], hits: Sequence[Hit], index: Index) -> Line:
    """Return which item a record was hit by first, and with what words."""
    first = hits[0]
    name, where = index.names[first.item]
    return {
        "where": record.where, "set": name, "item": where, "words": snippet(texts[first.text].text[first.start : first.end]),
        "runs": len(hits), "others": sorted({index.names[hit.item][0] for hit in hits} - {name}),
    }  # fmt: skip


def _report(key: Line, index: Index, sets: Sequence[Evaluation], lines: Sequence[Line]) -> Line:
    """Return what was found and written."""
    items: dict[str, Counter[str]] = {one.name: Counter() for one in sets}
    for line in lines:
        for name, where, count in line["hits"]:
            items[name][where] += count
    sizes = Counter(name for name, _where in index.names)
    shards = [line["shard"] for line in lines if line["shard"]]
    return {
        "key": key, "documents_in": sum(line["documents"] for line in lines),
        "documents_out": sum(shard["records"] for shard in shards),
        "dropped": sum(line.get("dropped", 0) for line in lines), "cut": sum(line.get("cut", 0) for line in lines),
        "sets": {name: _set(name, found, sizes, index.short) for name, found in items.items()},
        "samples": [sample for line in lines for sample in line["samples"]][:SAMPLES],
        "unreadable": sum(line["unreadable"] for line in lines),
        "unreadable_samples": [said for line in lines for said in line["unreadable_samples"]][:SAMPLES],
        "bytes_read": sum(line["bytes"] for line in lines), "shards": shards,
        "lost": [lost for line in lines for lost in line["lost"]][:SAMPLES],
    }  # fmt: skip


def _set(name: str, hit: Counter[str], sizes: Mapping[str, int], short: Mapping[str, int]) -> dict[str, Any]:
    return {"items": sizes[name], "too short": short.get(name, 0), "items hit": len(hit), "documents": hit.total(),
        "most hit": hit.most_common(3)}  # fmt: skip
