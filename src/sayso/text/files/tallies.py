"""What came of texts, counted: how many, how large, which were dropped and why, what changed them; with samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sayso.text.files.sinks import Lost


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What became of one record: its fields, or why it is dropped."""

    fields: dict[str, Any] | None
    refusal: str | None = None
    changed: tuple[str, ...] = ()
    """The steps that changed it."""
    found: Mapping[str, int] | None = None
    """What was found in it, by its kind."""
    snippet: str = ""
    """The beginning of its text, as a sample."""
    bytes_in: int = 0
    """UTF-8 bytes of its text, before."""
    bytes_out: int = 0
    """And after."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A record that was dropped or changed, or in which something was found."""

    where: str
    snippet: str


class Tally:
    """Counts over many records; two tallies add up to one, in the order of what they counted."""

    def __init__(self, samples: int = 5) -> None:
        self._most = samples
        self.documents_in = self.documents_out = self.bytes_in = self.bytes_out = 0
        self.dropped: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self.samples: dict[str, list[Sample]] = {}
        self.lost: dict[str, Lost] = {}

    def add(self, result: Result, where: str) -> None:
        """Count one record."""
        self.documents_in += 1
        self.bytes_in += result.bytes_in
        self.changed.update(result.changed)
        if result.found:
            self.found.update(result.found)
            for kind in result.found:
                self._sample(f"found: {kind}", where, "")
        if result.refusal is None:
            self.documents_out += 1
            self.bytes_out += result.bytes_out
        else:
            self.dropped[result.refusal] += 1
            self._sample(result.refusal, where, result.snippet)

    def refuse(self, reason: str, where: str, snippet: str) -> None:
        """Count a line that could not be read as a document."""
        self.add(Result(fields=None, refusal=reason, snippet=snippet), where)

    def lose(self, losses: Iterable[Lost]) -> None:
        """Count what a format could not hold."""
        for item in losses:
            found = self.lost.setdefault(item.what, Lost(what=item.what, count=0, where=item.where))
            found.count += item.count

    def merge(self, other: Tally) -> None:
        """Count what another counted after this one."""
        self.documents_in += other.documents_in
        self.documents_out += other.documents_out
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out
        for mine, theirs in ((self.dropped, other.dropped), (self.changed, other.changed), (self.found, other.found)):
            mine.update(theirs)
        for key, samples in other.samples.items():
            for sample in samples:
                self._sample(key, sample.where, sample.snippet)
        self.lose(other.lost.values())

    def form(self) -> dict[str, Any]:
        """Return it as JSON values; `of` reads it back."""
        return {
            "documents_in": self.documents_in, "documents_out": self.documents_out, "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out, "dropped": dict(self.dropped.most_common()),
            "changed": dict(self.changed.most_common()), "found": dict(self.found.most_common()),
            "samples": {
                key: [{"where": item.where, "snippet": item.snippet} for item in some] for key, some in self.samples.items()
            },
            "lost": [{"what": item.what, "count": item.count, "where": item.where} for item in self.lost.values()],
        }  # fmt: skip

    @classmethod
    def of(cls, form: Mapping[str, Any], samples: int = 5) -> Tally:
        """Return the tally of what `form` gave."""
        found = cls(samples)
        for name in ("documents_in", "documents_out", "bytes_in", "bytes_out"):
            setattr(found, name, int(form[name]))
        found.dropped, found.changed, found.found = (Counter(form[name]) for name in ("dropped", "changed", "found"))
        found.samples = {key: [Sample(**item) for item in some] for key, some in form["samples"].items()}
        found.lost = {item["what"]: Lost(**item) for item in form["lost"]}
        return found

    def _sample(self, key: str, where: str, snippet: str) -> None:
        some = self.samples.setdefault(key, [])
        if len(some) < self._most:
            some.append(Sample(where=where, snippet=snippet))
