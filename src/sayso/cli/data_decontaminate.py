"""`sayso data decontaminate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sayso.cli import console, data_options, data_steps
from sayso.cli.options import Call, option, verb, with_json
from sayso.i18n import gettext as _


@verb
@data_options.with_files
@option("--against", multiple=True, required=True, metavar="[NAME=]FILES",
    help="An evaluation set: files, a folder, or a Hugging Face name; may be given again.")  # fmt: skip
@option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER",
    help="Where the shards and the report are written.")  # fmt: skip
@option("--action", type=click.Choice(("drop", "cut")), help="Drop a document that was hit, or cut out what was hit (drop).")
@option("--words", type=click.IntRange(min=1), metavar="N", help="So many words in a row are no chance (13).")
@option("--characters", type=click.IntRange(min=1), metavar="N", help="The same for Chinese, in characters (20).")
@data_options.with_fields
@data_options.with_writing
@data_options.with_layers
@with_json
def command(call: Call, files: tuple[str, ...], against: tuple[str, ...], out: Path, action: str | None, words: int | None,
    characters: int | None, fields: tuple[str, ...], to: str | None, workers: int, skip_bad: bool) -> None:  # fmt: skip
    """Take out of training data what evaluation sets hold: documents that share a run of words with one of their items.

    FILES are .jsonl, .txt, .csv, .tsv, .html, these with .gz or .zst, .parquet, folders of them, or Hugging Face names of
    data sets. Every string of an item is looked for. Which document was hit by which item of which set is written beside.
    """
    from sayso.text.overlap import decontaminating

    settings = data_options.settings_of(call, {
        "decontaminate.action": action, "decontaminate.grams.words": words, "decontaminate.grams.characters": characters,
        "decontaminate.fields": fields, "writing.to": to, "writing.skip_bad": skip_bad,
    })  # fmt: skip
    sets = decontaminating.evaluations(against, settings.reading, settings.decontaminate)
    with data_steps.data_of(call, files, settings, workers) as data:
        report = decontaminating.decontaminate(data, out, sets, settings.decontaminate)
    found = {"out": str(out), "again": False, **{name: value for name, value in report.items() if name != "key"}}
    call.give(found, lambda: _draw(report, out))


def _draw(report: dict[str, Any], out: Path) -> None:
    if report.get("again"):
        console.lines(_("This was done before; nothing was done again."))
    console.lines(
        _("{n} documents: {dropped} dropped, {cut} cut, {out} written.").format(
            n=f"{report['documents_in']:,}", dropped=f"{report['dropped']:,}", cut=f"{report['cut']:,}",
            out=f"{report['documents_out']:,}",
        )
    )  # fmt: skip
    rows = [
        (name, f"{found['items']:,}", f"{found['items hit']:,}", f"{found['documents']:,}", f"{found['too short']:,}")
        for name, found in report["sets"].items()
    ]
    columns = (_("evaluation set"), _("items"), _("found"), _("in documents"), _("too short to look for"))
    console.table(columns, rows, right=(1, 2, 3, 4))
    if report["samples"]:
        hits = [(hit["where"], hit["item"], hit["words"][:70]) for hit in report["samples"][:5]]
        console.table((_("where"), _("item"), _("words")), hits)
    data_steps.draw_written(report, out)
