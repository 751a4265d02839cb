"""`sayso data convert`."""

from __future__ import annotations

from pathlib import Path

import click

from sayso.cli import console, data_options
from sayso.cli.options import Call, option, verb, with_dry_run, with_json
from sayso.i18n import gettext as _


@verb
@click.argument("files", nargs=-1, required=True, metavar="IN…")
@click.argument("out", type=click.Path(path_type=Path), metavar="OUT")
@option(
    "--to", metavar="FORMAT", help="Make OUT a folder of shards of this format: jsonl, jsonl.zst, csv, tsv, txt, parquet …"
)
@option("--lossy", is_flag=True, help="Let go of what the format cannot hold, and list it.")
@option("--workers", type=click.IntRange(min=1), default=1, metavar="N", help="How many processes work on a folder (1).")
@data_options.with_layers
@with_dry_run
@with_json
def command(call: Call, files: tuple[str, ...], out: Path, to: str | None, lossy: bool, workers: int) -> None:
    """Bring records into another format, nothing of them lost.

    The ending of OUT says the format; with --to it is a folder of shards. What a format cannot hold is an error that names
    the line and the field, unless --lossy: a table has one set of columns, CSV and TSV hold strings alone, .txt the field
    text alone.
    """
    from sayso.text.files import converting, runs, streams

    settings = data_options.settings_of(call, {"writing.to": to})
    found = streams.sources(files, settings.reading)
    if to or call.dry_run:
        writing = runs.Writing(to=settings.writing.to, lossy=lossy, samples=settings.writing.samples)
        plan = runs.Plan(make=converting.keep, found=found, reading=settings.reading, writing=writing, workers=workers)
        data_options.do(call, plan, out, lambda: runs.key_of("convert", plan, settings.reading))
        return
    done = converting.into_file(found, out, reading=settings.reading, lossy=lossy)
    said = _("Wrote {n} records to {path}, {size} bytes.").format(n=f"{done.records:,}", path=out, size=f"{done.stored:,}")

    def draw() -> None:
        console.lines(said)
        data_options.draw_lost(list(done.lost))

    lost = [{"what": item.what, "count": item.count, "where": item.where} for item in done.lost]
    call.give({"out": str(out), "records": done.records, "stored": done.stored, "lost": lost}, draw)
