"""Texts that stand in the data more than once, kept once: equal ones, nearly equal ones, or passages of them.

First everything is read and signed, then what belongs together is found on disk, then everything is read again and what is
kept is written. Each part is done by several processes and goes on where it was stopped; memory does not grow with the data,
but for a number or two a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from sayso.i18n import gettext as _
from sayso.text.cleaning.cleaner import snippet, texts_of, with_texts
from sayso.text.files import journal
from sayso.text.files.journal import Line
from sayso.text.files.runs import Writing
from sayso.text.files.shards import Shards
from sayso.text.files.streams import TEXT, Batch, Reading, Record
from sayso.text.overlap import clusters, passages, signatures, signing
from sayso.text.overlap.clusters import Found
from sayso.text.overlap.passages import Passages
from sayso.text.overlap.shingles import Array
from sayso.text.overlap.signatures import Near
from sayso.text.overlap.signing import MEGABYTE, SAMPLES, Data, What

_MEMBERS = 4
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

    @property
    def what(self) -> What:
        """What is signed."""
        return What(
            fields=self.fields, near=self.near if self.by == "near" else None,
            passages=self.passages if self.by == "passages" else None,
        )  # fmt: skip


class _Job(NamedTuple):
    folder: Path
    number: int
    batches: list[Batch]
    settings: Duplicates
    reading: Reading
    writing: Writing
    kept: Array
    """Of every text, or of every passage, of these batches: whether it stays."""
    wanted: dict[int, int]
    """The documents of these batches that are samples: their place here, and their number."""


def remove(data: Data, out: Path, settings: Duplicates) -> Line:
    """Write what sources hold into a folder, without duplicates, and return the report that is written with it.

    Raises:
        RecordError: a record is wrong or has no text.
        SettingsError: the folder holds something else.
        MissingExtraError: rensa is not installed, and nearly equal texts are looked for.
    """
    key = key_of("dedup", data, settings, settings.what)
    report = journal.finished(out, key)
    if report is not None:
        return {**report, "again": True}
    working = journal.begin(out, key)
    shards, found = cluster(data, settings.what, working)
    report = _report(key, settings, shards)
    chosen: dict[int, int] = {}
    if settings.by == "passages":
        kept = _passages_kept(found, report)
    else:
        kept = _texts_kept(found, signing.signatures(working / "signed", shards), settings, report)
        chosen = _samples(found.roots, report)
    _finish(report, list(_written(data, working, settings, shards, (kept, chosen))), chosen)
    journal.finish(working, out, report)
    return report


def key_of(verb: str, data: Data, settings: Any, what: What) -> Line:
    """Return what names a run; signatures of another version of the library are other ones."""
    version = signatures.version() if what.near else "equal"
    return journal.key_of(
        verb, data.found, settings, reading=asdict(data.reading), writing=asdict(data.writing), version=version
    )


def cluster(data: Data, what: What, working: Path) -> tuple[list[Line], Found]:
    """Return what sources hold, shard by shard, and which of their texts belong together."""
    shards = signing.sign_all(data, what, working / "signed")
    kept = signing.signatures(working / "signed", shards)
    return shards, clusters.find(kept, what.near, lambda done, of: data.tell(_("comparing"), done, of, _("bands")))


def _report(key: Line, settings: Duplicates, shards: Sequence[Line]) -> Line:
    return {
        "key": key, "documents_in": sum(shard["documents"] for shard in shards), "documents_out": 0,
        "bytes_read": sum(shard["bytes"] for shard in shards), "by": settings.by,
        "unreadable": sum(shard["unreadable"] for shard in shards),
        "unreadable_samples": [said for shard in shards for said in shard["unreadable_samples"]][:SAMPLES],
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
    found: Array = ordered[first]
    return found


def _samples(roots: Array, report: Line) -> dict[int, int]:
    """Return a few texts of the biggest clusters, and which cluster each is of."""
    many = np.flatnonzero(_in_company(roots))
    firsts, sizes = np.unique(roots[many], return_counts=True)
    biggest = np.lexsort((firsts, -sizes))[:SAMPLES]
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
    data: Data, working: Path, settings: Duplicates, shards: Sequence[Line], decided: tuple[Array, Mapping[int, int]]
) -> Iterator[Line]:
    """Write what is kept, a file for each shard."""
    kept, wanted = decided
    begins = np.concatenate([[0], np.cumsum([shard["texts"] for shard in shards])]).astype(np.int64).tolist()

    def jobs(done: Sequence[Line]) -> Iterator[_Job]:
        left = journal.groups(data.found, data.reading, start=journal.after(done))
        for number, batches in enumerate(left, start=len(done)):
            begin, end = begins[number], begins[number + 1]
            here = {text - begin: text for text in wanted if begin <= text < end}
            yield _Job(
                journal.result_in(working), number, batches, settings, data.reading, data.writing, kept[begin:end], here
            )

    total, done = sum(shard["bytes"] for shard in shards), 0
    for line in journal.carried_on(working / "written.jsonl", _write, jobs, workers=data.workers):
        done += line["bytes"]
        data.tell(_("writing"), done // MEGABYTE, total // MEGABYTE, "MB")
        yield line


def _write(job: _Job) -> Line:
    """Write what is kept of some batches."""
    place = 0
    samples: list[tuple[int, str, bool, str]] = []
    emptied: list[Line] = []
    bad: list[str] | None = [] if job.writing.skip_bad else None
    with Shards(job.folder, job.writing.ending, lossy=job.writing.lossy, first=job.number) as out:
        for batch in job.batches:
            stay: list[Record] = []
            for record in signing.parsed(batch, job.reading, bad):
                if job.settings.by == "passages":
                    place, left = _without(record, place, job)
                    if left is None:
                        emptied.append({"where": record.where, "snippet": snippet(_text(record, job))})
                else:
                    left = record if job.kept[place] else None
                    if place in job.wanted:
                        samples.append((job.wanted[place], record.where, left is not None, snippet(_text(record, job))))
                    place += 1
                stay += [left] if left is not None else []
            out.write(stay)
        written = out.roll()
        lost = [asdict(one) for one in out.losses()]
    assert place == len(job.kept)
    return {
        "end": job.batches[-1].end, "bytes": sum(batch.size for batch in job.batches), "samples": samples,
        "emptied": len(emptied), "emptied_samples": emptied[:SAMPLES], "shard": asdict(written) if written else None,
        "lost": lost,
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
    report["shards"] = shards
    report["lost"] = [lost for line in lines for lost in line["lost"]][:SAMPLES]
    if report["by"] == "passages":
        report["dropped"] = {"nothing but passages seen before": sum(line["emptied"] for line in lines)}
        report["samples"] = [sample for line in lines for sample in line["emptied_samples"]][:SAMPLES]
        return
    for line in lines:
        for number, where, stays, said in line["samples"]:
            report["samples"][chosen[number]]["members"].append({"where": where, "kept": stays, "snippet": said})
