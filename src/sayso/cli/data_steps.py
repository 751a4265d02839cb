"""What `sayso data dedup`, `decontaminate` and `split` share beside what all verbs of `sayso data` do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.cli import console, data_options
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.cli.options import Call
    from sayso.text.overlap.signing import Data
    from sayso.text.settings import Settings


@contextmanager
def data_of(call: Call, files: tuple[str, ...], settings: Settings, workers: int) -> Iterator[Data]:
    """Return what is read and how, for the time of a block; progress is drawn."""
    from sayso.text.files import streams
    from sayso.text.overlap import signing

    found = streams.sources(files, settings.reading)
    with data_options.watching(call) as watch:
        yield signing.Data(found=found, reading=settings.reading, writing=settings.writing, workers=workers, watch=watch)


def with_number(call: Call, key: str, value: float | None) -> Call:
    """Return a call with a number of its own option, which may be 0, before what `--set` says."""
    return call if value is None else replace(call, assignments=(f"{key}={value}", *call.assignments))


def draw_written(report: Mapping[str, Any], out: Path) -> None:
    """Draw what was left out and what was written, from a report."""
    if report["unreadable"]:
        first = report["unreadable_samples"][0]
        console.lines(_("{n} lines cannot be read, such as: {first}").format(n=f"{report['unreadable']:,}", first=first))
    stored = sum(shard["stored"] for shard in report["shards"])
    console.lines(
        _("Wrote {n} shards of {size} MB in all to {out}; the whole report is {report}.").format(
            n=len(report["shards"]), size=f"{stored / 1e6:.1f}", out=out, report=out / "report.json"
        )
    )


def without_seed(call: Call) -> Call:
    """Return a call whose seed was taken as a setting of its verb's own."""
    return replace(call, seed=None)
