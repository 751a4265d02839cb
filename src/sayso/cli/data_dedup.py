"""`sayso data dedup`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sayso.cli import console, data_options, data_steps
from sayso.cli.options import Call, option, verb, with_json
from sayso.i18n import gettext as _

_SHOWN = 5


@verb
@data_options.with_files
@option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER",
    help="Where the shards and the report are written.")  # fmt: skip
@option("--by", type=click.Choice(("near", "equal", "passages")),
    help="Nearly equal texts and equal ones (near), equal texts alone, or passages that several texts hold.")  # fmt: skip
@option("--keep", type=click.Choice(("first", "longest")), help="Which of several stays (first).")
@option("--threshold", type=click.FloatRange(0, 1), metavar="SHARE",
    help="Nearly equal is what shares so much of its shingles (0.7); 0 believes the signatures.")  # fmt: skip
@option("--unit", type=click.Choice(("line", "paragraph", "sentences")),
    help="With --by passages: what a passage is (three sentences in a row).")  # fmt: skip
@data_options.with_fields
@data_options.with_writing
@data_options.with_layers
@with_json
def command(call: Call, files: tuple[str, ...], out: Path, by: str | None, keep: str | None, threshold: float | None,
    unit: str | None, fields: tuple[str, ...], to: str | None, workers: int, skip_bad: bool) -> None:  # fmt: skip
    """Keep once what stands in the data several times: equal texts, nearly equal ones, or passages.

    FILES are .jsonl, .txt, .csv, .tsv, .html, these with .gz or .zst, .parquet, folders of them, or Hugging Face names of
    data sets. Nearly equal texts are found by MinHash and then compared. The same command goes on where it was stopped.
    """
    from sayso.text.overlap import duplicates

    call = data_steps.with_number(call, "dedup.near.threshold", threshold)
    settings = data_options.settings_of(call, {
        "dedup.by": by, "dedup.keep": keep, "dedup.passages.unit": unit, "dedup.fields": fields, "writing.to": to,
        "writing.skip_bad": skip_bad,
    })  # fmt: skip
    with data_steps.data_of(call, files, settings, workers) as data:
        report = duplicates.remove(data, out, settings.dedup)
    found = {"out": str(out), "again": False, **{name: value for name, value in report.items() if name != "key"}}
    call.give(found, lambda: _draw(report, out))


def _draw(report: dict[str, Any], out: Path) -> None:
    if report.get("again"):
        console.lines(_("This was done before; nothing was done again."))
    rows = [(_("in"), f"{report['documents_in']:,}")]
    rows += [(_(reason), f"{count:,}") for reason, count in report["dropped"].items()]
    rows += [(_("out"), f"{report['documents_out']:,}")]
    console.table(("", _("documents")), rows, right=(1,))
    if report["by"] == "passages":
        found = report["passages"]
        console.lines(_("{seen} of {n} passages stood there before, and were cut out.").format(
            seen=f"{found['seen before']:,}", n=f"{found['count']:,}"))  # fmt: skip
    else:
        _draw_clusters(report)
    data_steps.draw_written(report, out)


def _draw_clusters(report: dict[str, Any]) -> None:
    found = report["clusters"]
    if not found["count"]:
        return
    console.lines(_("{n} texts stood there several times, one of them {most} times.").format(
        n=f"{found['count']:,}", most=f"{found['largest']:,}"))  # fmt: skip
    rows = [
        (f"{cluster['documents']:,}", member["where"], _("kept") if member["kept"] else _("dropped"), member["snippet"][:70])
        for cluster in report["samples"][:_SHOWN]
        for member in cluster["members"][:2]
    ]
    console.table((_("together"), _("where"), "", _("text")), rows, right=(0,))
