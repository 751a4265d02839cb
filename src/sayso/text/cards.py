"""A data card: one page of Markdown that says what files hold, and how they were made."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sayso.errors import RecordError
from sayso.text.cleaning import cleaner, language
from sayso.text.cleaning.language import Languages
from sayso.text.files import streams
from sayso.text.files.journal import REPORT
from sayso.text.files.streams import Reading, Source

_LANGUAGES_OF = 2000
_MOST_HASHES = 1_000_000
_STEPS = 8
"""Lengths are counted in bins of an eighth of a power of two: bounded, and at most 9 % off."""


class Distinct:
    """Counts equal texts in bounded memory: exactly up to a million different ones, then from a share of them.

    Source: adaptive sampling, Wegman; Flajolet 1990, *On adaptive sampling*, Computing 43.
    """

    def __init__(self, most: int = _MOST_HASHES) -> None:
        self._most, self.share = most, 1
        self._times: dict[int, int] = {}

    def add(self, text: str) -> None:
        """Count a text."""
        number = int.from_bytes(hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest())
        if number % self.share:
            return
        self._times[number] = self._times.get(number, 0) + 1
        while len(self._times) > self._most:
            self.share *= 2
            self._times = {number: times for number, times in self._times.items() if number % self.share == 0}

    @property
    def duplicates(self) -> float:
        """Which share of the texts was there before."""
        texts = sum(self._times.values())
        return 1 - len(self._times) / texts if texts else 0.0


class Lengths:
    """Quantiles of lengths in bounded memory."""

    def __init__(self) -> None:
        self._bins: Counter[int] = Counter()
        self.total = self.count = self.longest = 0

    def add(self, length: int) -> None:
        """Count a length."""
        self._bins[round(_STEPS * math.log2(length)) if length else -1] += 1
        self.total, self.count, self.longest = self.total + length, self.count + 1, max(self.longest, length)

    def quantile(self, share: float) -> int:
        """Return the length below which about this share lies."""
        left = share * self.count
        for number, count in sorted(self._bins.items()):
            left -= count
            if left <= 0:
                return 0 if number < 0 else min(self.longest, round(2 ** (number / _STEPS)))
        return self.longest


@dataclass(kw_only=True, slots=True)
class Described:
    """What files hold."""

    files: list[tuple[str, int]] = field(default_factory=list)
    """Names and bytes on disk."""
    records: int = 0
    text_bytes: int = 0
    fields: dict[str, Counter[str]] = field(default_factory=dict)
    """For each field how often it holds which type."""
    characters: Lengths = field(default_factory=Lengths)
    languages: Counter[str] = field(default_factory=Counter)
    """Of the first texts."""
    distinct: Distinct = field(default_factory=Distinct)


def describe(found: Sequence[Source], reading: Reading, *, fields: Sequence[str] = (streams.TEXT,)) -> Described:
    """Read all records and return what they hold.

    Raises:
        RecordError: a line is wrong.
        MissingExtraError: lingua is not installed.
    """
    result = Described(files=[(source.name, source.path.stat().st_size if source.path else 0) for source in found])
    settings = Languages()
    for record in streams.records(found, reading):
        result.records += 1
        for name, value in record.fields.items():
            result.fields.setdefault(str(name), Counter())[type(value).__name__] += 1
        whole = "\n\n".join(_texts(record.fields, fields, record))
        result.text_bytes += len(whole.encode(errors="replace"))
        result.characters.add(len(whole))
        result.distinct.add(whole)
        if result.records <= _LANGUAGES_OF:
            result.languages[language.detect(whole, settings).code] += 1
    return result


def made(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Return the reports that stand beside files: how they were made."""
    folders = dict.fromkeys(folder for path in paths for folder in (path, path.parent))
    return [found for folder in folders if (found := _report(folder / REPORT)) is not None]


def card(
    found: Described, *, title: str, licence: str | None, source: str | None, reports: Sequence[Mapping[str, Any]]
) -> str:
    """Return the page."""
    parts = [
        f"# {title}",
        _table(("", ""), _facts(found, licence, source)),
        "## Fields",
        _table(("field", "holds", "in records"), _of_fields(found)),
        "## Lengths",
        _table(("quantile", "characters"), _of_lengths(found)),
        "## Languages",
        f"Of the first {min(found.records, _LANGUAGES_OF):,} texts, by lingua.",
        _table(("language", "texts"), [(code, f"{count:,}") for code, count in found.languages.most_common()]),
        "## Files",
        _table(("file", "bytes"), [(Path(name).name, f"{size:,}") for name, size in found.files]),
        "## How it was made",
        *(
            [part for report in reports for part in _of_report(report)]
            or ["Not by `sayso data`, or its report is not here."]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _facts(found: Described, licence: str | None, source: str | None) -> list[tuple[str, str]]:
    sure = "exactly equal to one before" + (
        "" if found.distinct.share == 1 else f", estimated from 1/{found.distinct.share}"
    )
    return [
        ("licence", licence or "not stated"),
        ("source", source or "not stated"),
        ("records", f"{found.records:,}"),
        ("text", f"{found.text_bytes:,} bytes of UTF-8, {found.characters.total:,} characters"),
        ("on disk", f"{sum(size for _name, size in found.files):,} bytes in {len(found.files):,} files"),
        ("duplicates", f"{found.distinct.duplicates:.2%} of the texts are {sure}"),
    ]


def _of_fields(found: Described) -> list[tuple[str, str, str]]:
    return [
        (f"`{name}`", ", ".join(f"{kind} ({count:,})" if len(kinds) > 1 else kind for kind, count in kinds.most_common()),
         f"{sum(kinds.values()) / max(1, found.records):.1%}")
        for name, kinds in found.fields.items()
    ]  # fmt: skip


def _of_lengths(found: Described) -> list[tuple[str, str]]:
    rows = [(f"{share:.0%}", f"about {found.characters.quantile(share):,}") for share in (0.01, 0.1, 0.5, 0.9, 0.99)]
    mean = found.characters.total / max(1, found.characters.count)
    return [*rows, ("longest", f"{found.characters.longest:,}"), ("mean", f"{mean:,.1f}")]


def _of_report(report: Mapping[str, Any]) -> list[str]:
    import yaml

    key, tally = report["key"], report.get("tally")
    inputs = ", ".join(f"`{Path(name).name}`" for name, _print in key.get("sources", []))
    asked = {name: value for name, value in key.items() if name not in ("verb", "sources")}
    parts = [f"By `sayso data {key['verb']}`, from {inputs}, with these settings:"]
    parts.append("```yaml\n" + yaml.safe_dump(asked, allow_unicode=True, sort_keys=False).rstrip() + "\n```")
    if isinstance(tally, Mapping) and "documents_in" in tally:
        rows = [
            ("in", f"{tally['documents_in']:,}", f"{tally['bytes_in']:,}"),
            ("out", f"{tally['documents_out']:,}", f"{tally['bytes_out']:,}"),
        ]
        parts.append(_table(("", "documents", "bytes"), rows))
        for heading, name in (("dropped because", "dropped"), ("changed by", "changed"), ("personal data found", "found")):
            if tally[name]:
                parts.append(_table((heading, "count"), [(what, f"{count:,}") for what, count in tally[name].items()]))
    return parts


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines
    )


def _texts(found: Mapping[str, Any], fields: Sequence[str], record: streams.Record) -> list[str]:
    try:
        return [text for _place, text in cleaner.texts_of(record, fields)]
    except RecordError:  # other records than texts have a card too
        return [value for value in found.values() if isinstance(value, str)]


def _report(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("key"), dict) and "verb" in found["key"] else None
