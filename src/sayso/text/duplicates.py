"""Texts that stand in the data more than once, kept once: equal ones, nearly equal ones, or passages of them.

First everything is read and signed, then what belongs together is found on disk, then everything is read again and what is
kept is written. Each part is done by several processes and goes on where it was stopped; memory does not grow with the data,
but for a number or two a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from sayso.errors import RecordError
from sayso.text import clusters, journal, opening, passages, signatures, signing, streams
from sayso.text.cleaning import snippet, texts_of, with_texts
from sayso.text.clusters import Found
from sayso.text.journal import Line
from sayso.text.opening import Ending
from sayso.text.passages import Passages
from sayso.text.shards import Shards
from sayso.text.shingles import Array
from sayso.text.signatures import Near
from sayso.text.signing import What
from sayso.text.streams import TEXT, Batch, Reading, Record, Source

Watch = Callable[[str, int, int], None]
"""Called with what is done now, how much of it is done, and of how much."""
_SAMPLES, _MEMBERS = 10, 4
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Duplicates:
    """What is a duplicate, and which of several is kept."""

    by: Literal["near", "equal", "passages"] = "near"
    """Nearly equal texts (and equal ones), equal texts alone, or passages, of which all but the first are cut out."""
    keep: Literal["first", "longest"] = "first"
    """Which text of a cluster stays."""
    near: Near = field(default_factory=Near)
    """With by: near."""
    passages: Passages = field(default_factory=Passages)
    """With by: passages."""
    fields: tuple[str, ...] = (TEXT,)
    """The fields with text; where a record has turns in `messages`, their contents are its text."""
    reading: Reading = field(default_factory=Reading)
    """How the files are read."""

    @property
    def what(self) -> What:
        """What is signed."""
        return What(
            reading=self.reading, fields=self.fields, near=self.near if self.by == "near" else None,
            passages=self.passages if self.by == "passages" else None,
        )  # fmt: skip


class _Job(NamedTuple):
    folder: Path
    number: int
    batches: list[Batch]
    settings: Duplicates
    ending: Ending
    kept: Array
    """Of every text, or of every passage, of these batches: whether it stays."""
    wanted: dict[int, int]
    """The documents of these batches that are samples: their place here, and their number."""


def remove(names: Sequence[str | Path], out: Path, settings: Duplicates, ending: Ending, *, workers: int, watch: Watch) -> Line:
    """Write what the sources hold into a folder, without duplicates, and return the report that is written with it.

    Raises:
        RecordError: a record is wrong or has no text.
        SettingsError: the folder holds something else.
        MissingExtraError: rensa is not installed, and nearly equal texts are looked for.
    """
    found = streams.sources([str(name) for name in names], settings.reading)
    version = signatures.version() if settings.by == "near" else "1"
    key = journal.key_of("dedup", found, settings, ending=str(ending), version=version)
    report = journal.finished(out, key)
    if report is not None:
        return {**report, "again": True}
    working = journal.begin(out, key)
    shards, clustered = cluster(found, settings.what, working, workers=workers, watch=watch)
    report = _report(key, settings, shards)
    chosen: dict[int, int] = {}
    if settings.by == "passages":
        kept = _passages_kept(clustered, report)
    else:
        kept = _texts_kept(clustered, signing.signatures(working / "signed", shards), settings, report)
        chosen = _samples(clustered.roots, report)
    lines = list(_written(found, working, settings, ending, shards, (kept, chosen), workers, watch))
    _finish(report, lines, chosen)
    journal.finish(working, out, report)
    return report


def cluster(
    found: Sequence[Source], what: What, working: Path, *, workers: int, watch: Watch
) -> tuple[list[Line], Found]:
    """Return what sources hold, shard by shard, and which of their texts belong together."""
    total = journal.size_of(found)

    def read(_documents: int, done: int) -> None:
        watch("read", done, max(total, done))

    shards = signing.sign_all(found, what, working / "signed", workers=workers, watch=read)
    kept = signing.signatures(working / "signed", shards)
    return shards, clusters.find(kept, what.near, lambda done, of: watch("compare", done, of))


def _report(key: Line, settings: Duplicates, shards: Sequence[Line]) -> Line:
    return {
        "key": key, "documents_in": sum(shard["documents"] for shard in shards), "documents_out": 0,
        "bytes_read": sum(shard["bytes"] for shard in shards), "by": settings.by,
    }  # fmt: skip


def _texts_kept(found: Found, kept: clusters.Signatures, settings: Duplicates, report: Line) -> Array:
    """Return which texts stay."""
    company = _in_company(found.roots)
    many = np.flatnonzero(company)
    stays = ~company
    stays[_chosen(found.roots, many, kept, settings.keep)] = True
    sizes = np.unique(found.roots[many], return_counts=True)[1]
    equal = int(sum(int((found.equal[at] != at).sum()) for at in _chunks(len(stays))))
    dropped = len(stays) - int(stays.sum())
    report["dropped"] = {"equal to another": equal, "nearly equal to another": dropped - equal}
    report["clusters"] = {
        "count": len(sizes), "largest": int(sizes.max(initial=0)), "compared": found.compared, "unlike": found.unlike,
    }  # fmt: skip
    return stays


def _in_company(roots: Array) -> Array:
    """Return of every text whether its cluster has others."""
    found = np.zeros(len(roots), dtype=bool)
    for at in _chunks(len(roots)):
        others = roots[at] != at
        found[at[others]] = True
        found[roots[at][others]] = True
    return found


def _chosen(roots: Array, many: Array, kept: clusters.Signatures, keep: str) -> Array:
    """Return the text of every cluster that stays."""
    if keep == "first":
        return np.unique(roots[many])
    lengths = kept.lengths()[many].astype(np.int64)
    order = np.lexsort((many, -lengths, roots[many]))
    ordered = many[order]
    first = np.concatenate([[True], roots[ordered][1:] != roots[ordered][:-1]]) if len(ordered) else order.astype(bool)
    return ordered[first]


def _samples(roots: Array, report: Line) -> dict[int, int]:
    """Return a few texts of the biggest clusters, and which cluster each is of."""
    many = np.flatnonzero(_in_company(roots))
    firsts, sizes = np.unique(roots[many], return_counts=True)
    biggest = np.lexsort((firsts, -sizes))[:_SAMPLES]
    report["samples"] = [{"documents": int(sizes[at]), "members": []} for at in biggest]
    found: dict[int, int] = {}
    for number, root in enumerate(firsts[biggest].tolist()):
        found |= dict.fromkeys(many[roots[many] == root][:_MEMBERS].tolist(), number)
    return found


def _passages_kept(found: Found, report: Line) -> Array:
    """Return which passages stay: the first of equal ones."""
    stays = np.concatenate([np.empty(0, bool), *(found.equal[at] == at for at in _chunks(len(found.equal)))])
    report["passages"] = {"count": len(stays), "seen before": int(len(stays) - stays.sum())}
    return stays


def _chunks(count: int) -> Iterator[Array]:
    for begin in range(0, count, _CHUNK):
        yield np.arange(begin, min(begin + _CHUNK, count))


def _written(
    found: Sequence[Source], working: Path, settings: Duplicates, ending: Ending, shards: Sequence[Line],
    decided: tuple[Array, Mapping[int, int]], workers: int, watch: Watch,
) -> Iterator[Line]:  # fmt: skip
    """Write what is kept, a file for each shard."""
    kept, wanted = decided
    begins = np.concatenate([[0], np.cumsum([shard["texts"] for shard in shards])]).astype(np.int64).tolist()

    def jobs(done: Sequence[Line]) -> Iterator[_Job]:
        left = journal.groups(found, settings.reading, start=journal.after(done))
        for number, batches in enumerate(left, start=len(done)):
            begin, end = begins[number], begins[number + 1]
            here = {text - begin: text for text in wanted if begin <= text < end}
            yield _Job(journal.result_in(working), number, batches, settings, ending, kept[begin:end], here)

    total = sum(shard["bytes"] for shard in shards)
    done = 0
    for line in journal.carried_on(working / "written.jsonl", _write, jobs, workers=workers):
        done += line["bytes"]
        watch("write", done, total)
        yield line


def _write(job: _Job) -> Line:
    """Write what is kept of some batches."""
    place, samples, dropped = 0, [], []
    with Shards(job.folder, job.ending, first=job.number) as out:
        for batch in job.batches:
            stay: list[Record] = []
            for record in streams.parse(batch, job.settings.reading):
                if job.settings.by == "passages":
                    place, left = _without(record, place, job)
                    if left is not None:
                        stay.append(left)
                    else:
                        dropped.append({"where": record.where, "snippet": snippet(_text(record, job))})
                else:
                    if place in job.wanted:
                        samples.append((job.wanted[place], record.where, bool(job.kept[place]), snippet(_text(record, job))))
                    if job.kept[place]:
                        stay.append(record)
                    place += 1
            out.write(stay)
        written = out.roll()
    assert place == len(job.kept)
    return {
        "end": job.batches[-1].end, "bytes": sum(batch.size for batch in job.batches), "samples": samples,
        "emptied": len(dropped), "emptied_samples": dropped[:_SAMPLES], "shard": asdict(written) if written else None,
    }  # fmt: skip


def _text(record: Record, job: _Job) -> str:
    return signing.text_of(record, job.settings.fields)


def _without(record: Record, place: int, job: _Job) -> tuple[int, Record | None]:
    """Return a record without the passages that were seen before, None when nothing but they was in it."""
    texts = list(texts_of(record, job.settings.fields))
    left, before = [], "".join(text for _place, text in texts)
    for where, text in texts:
        count = len(passages.forms(text, job.settings.passages))
        seen = [not stays for stays in job.kept[place : place + count].tolist()]
        left.append((where, passages.left(text, job.settings.passages, seen)))
        place += count
    after = "".join(text for _place, text in left)
    if after == before:
        return place, record
    return place, Record(where=record.where, fields=with_texts(record.fields, left)) if after.strip() else None


def _finish(report: Line, lines: Sequence[Line], chosen: Mapping[int, int]) -> None:
    """Complete the report from what was written."""
    shards = [line["shard"] for line in lines if line["shard"]]
    report["documents_out"] = sum(shard["records"] for shard in shards)
    report["bytes_written"] = sum(shard["bytes"] for shard in shards)
    report["files"] = shards
    if report["by"] == "passages":
        report["dropped"] = {"nothing but passages seen before": sum(line["emptied"] for line in lines)}
        report["samples"] = [sample for line in lines for sample in line["emptied_samples"]][:_SAMPLES]
        return
    for line in lines:
        for number, where, stays, said in line["samples"]:
            report["samples"][chosen[number]]["members"].append({"where": where, "kept": stays, "snippet": said})
