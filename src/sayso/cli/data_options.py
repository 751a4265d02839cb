"""What the verbs of `sayso data` share: their options, their settings, and how what came of texts is drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sayso.cli import console
from sayso.cli.options import Command, option
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.cli.options import Call
    from sayso.text.files.runs import Plan, Report, Watch
    from sayso.text.files.sinks import Lost
    from sayso.text.files.tallies import Tally
    from sayso.text.settings import Settings

_LOOKED_AT = 1000
_SHOWN = 70


def with_files(function: Command) -> Command:
    """Add the files that are read."""
    return click.argument("files", nargs=-1, required=True, metavar="FILES…")(function)


def with_layers(function: Command) -> Command:
    """Add `--config` and `--set`."""
    config = option("--config", type=click.Path(path_type=Path), metavar="FILE",
        help="A YAML file of settings: reading, clean, writing.")  # fmt: skip
    assign = option("--set", "assignments", multiple=True, metavar="KEY=VALUE",
        help="One setting, such as clean.spaces=false or reading.encoding=gb18030; may be given again.")  # fmt: skip
    return config(assign(function))


def with_fields(function: Command) -> Command:
    """Add `--field`."""
    return option(
        "--field", "fields", multiple=True, metavar="NAME", help="The field with the text (text); may be given again."
    )(function)


def with_writing(function: Command) -> Command:
    """Add `--to`, `--workers` and `--skip-bad`."""
    to = option(
        "--to", metavar="FORMAT", help="What is written: jsonl.zst (the usual one), jsonl, jsonl.gz, csv, txt, parquet …"
    )
    workers = option("--workers", type=click.IntRange(min=1), default=1, metavar="N", help="How many processes work (1).")
    skip = option("--skip-bad", is_flag=True, help="Leave out lines that cannot be read, and count them.")
    return to(workers(skip(function)))


def settings_of(call: Call, given: Mapping[str, Any]) -> Settings:
    """Return the settings of `--config`, of options that were given, and of `--set`, each over the one before."""
    from sayso import config
    from sayso.text import settings

    layers = [config.read(call.config)] if call.config else []
    first = [f"{key}={json.dumps(value)}" for key, value in given.items() if value not in (None, (), False)]
    return settings.settings_of(layers, [*first, *call.laid_over])


def do(call: Call, plan: Plan, out: Path | None, key: Callable[[], Any]) -> None:
    """Send texts through work into a folder; with `--dry-run` the first thousand, into nothing."""
    from sayso.text.files import runs

    if call.dry_run:
        tally = runs.counted(plan, most=_LOOKED_AT)
        call.give({"dry_run": True, **tally.form()}, lambda: draw_tally(tally, dry_run=True))
        return
    if out is None:
        raise click.UsageError(_("--out FOLDER is missing; --dry-run writes nothing"), click.get_current_context())
    with watching(call) as watch:
        report = runs.run(plan, out, key=key(), watch=watch)
    form = {"out": str(out), "again": report.again, **report.tally.form(), "shards": list(report.shards)}
    call.give(form, lambda: _draw(report, out))


@contextmanager
def watching(call: Call) -> Iterator[Watch]:
    """Draw progress for the time of a block."""
    from sayso.loop.progress import Progress

    with call.watching() as draw:

        def watch(**seen: Any) -> None:
            draw(Progress(**seen))

        yield watch


def _draw(report: Report, out: Path) -> None:
    if report.again:
        console.lines(_("This was done before; nothing was done again."))
    draw_tally(report.tally)
    stored = sum(shard["stored"] for shard in report.shards)
    console.lines(
        _("Wrote {n} shards of {size} MB in all to {out}; the whole report is {report}.").format(
            n=len(report.shards), size=f"{stored / 1e6:.1f}", out=out, report=out / "report.json"
        )
    )


def draw_tally(tally: Tally, *, dry_run: bool = False) -> None:
    """Draw what came of texts: how many, what was dropped and why, what was changed and found."""
    if dry_run:
        console.lines(_("The first {n} documents, looked at; nothing was written.").format(n=f"{tally.documents_in:,}"))
    console.table(
        ("", _("documents"), _("bytes")),
        [
            (_("in"), f"{tally.documents_in:,}", f"{tally.bytes_in:,}"),
            (_("out"), f"{tally.documents_out:,}", f"{tally.bytes_out:,}"),
        ],
        right=(1, 2),
    )
    if tally.dropped:
        rows = [(reason, f"{count:,}", _sample(tally, reason)) for reason, count in tally.dropped.most_common()]
        console.table((_("dropped because"), _("documents"), _("such as")), rows, right=(1,))
    if tally.changed:
        console.table((_("changed by"), _("documents")), [(n, f"{c:,}") for n, c in tally.changed.most_common()], right=(1,))
    if tally.found:
        rows = [(kind, f"{count:,}", _sample(tally, f"found: {kind}")) for kind, count in tally.found.most_common()]
        console.table((_("personal data"), _("times"), _("such as")), rows, right=(1,))
    draw_lost(list(tally.lost.values()))


def draw_lost(lost: list[Lost]) -> None:
    """Draw what a format could not hold."""
    if lost:
        rows = [(item.what, f"{item.count:,}", item.where) for item in lost]
        console.table((_("the format cannot hold"), _("times"), _("first in")), rows, right=(1,))


def _sample(tally: Tally, key: str) -> str:
    some = tally.samples.get(key)
    if not some:
        return ""
    short = some[0].snippet if len(some[0].snippet) <= _SHOWN else some[0].snippet[:_SHOWN] + "…"
    return f"{some[0].where}: {short}" if short else some[0].where
