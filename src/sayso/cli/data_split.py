"""`sayso data split`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sayso.cli import console, data_options, data_steps
from sayso.cli.options import Call, option, verb, with_json
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.text.overlap.splitting import Checked
    from sayso.text.settings import Settings

_LEAKS = 1


@verb
@data_options.with_files
@option("--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Where train, validation and test are written.")
@option("--check", is_flag=True, help="Read a split back instead: FILES is its folder; exit code 1 when something leaks.")
@option("--by", type=click.Choice(("near", "text")), help="A family is nearly equal texts (near), or equal ones.")
@option("--family", metavar="FIELD", help="A family is what has the same value in this field, such as author.")
@option("--validation", type=click.FloatRange(min=0), metavar="N",
    help="A share of the families (0.05), or a number of texts.")  # fmt: skip
@option("--test", type=click.FloatRange(min=0), metavar="N", help="A share of the families (0.05), or a number of texts.")
@option("--seed", type=click.IntRange(min=0), metavar="N", help="Another seed draws another split (0).")
@data_options.with_fields
@data_options.with_writing
@data_options.with_layers
@with_json
def command(call: Call, files: tuple[str, ...], out: Path | None, check: bool, by: str | None, family: str | None,
    validation: float | None, test: float | None, fields: tuple[str, ...], to: str | None, workers: int,
    skip_bad: bool) -> int:  # fmt: skip
    """Split into train, validation and test by families: what is nearly equal is never in two parts.

    FILES are .jsonl, .txt, .csv, .tsv, .html, these with .gz or .zst, .parquet, folders of them, or Hugging Face names of
    data sets. Who is where is drawn by a hash: documents that are added later move no other.
    """
    for key, number in (("split.seed", call.seed), ("split.test", test), ("split.validation", validation)):
        call = data_steps.with_number(call, key, number)
    call = data_steps.without_seed(call)
    given = {"split.by": "field" if family else by, "split.family": family, "split.fields": fields, "writing.to": to,
        "writing.skip_bad": skip_bad}  # fmt: skip
    settings = data_options.settings_of(call, given)
    if check:
        own = any(given.values()) or call.assignments or call.config
        return _check(call, files, settings, workers, own=bool(own))
    if out is None:
        raise click.UsageError(_("--out FOLDER is missing"), click.get_current_context())
    from sayso.text.overlap import parting

    with data_steps.data_of(call, files, settings, workers) as data:
        report = parting.split(data, out, settings.split)
    found = {"out": str(out), "again": False, **{name: value for name, value in report.items() if name != "key"}}
    call.give(found, lambda: _draw(report, out))
    return 0


def _draw(report: dict[str, Any], out: Path) -> None:
    if report.get("again"):
        console.lines(_("This was done before; nothing was done again."))
    rows = [
        (name, f"{part['documents']:,}", f"{part['families']:,}", f"{report['shares'][name]:.4f}")
        for name, part in report["parts"].items()
    ]
    console.table(("", _("documents"), _("families"), _("share of the families")), rows, right=(1, 2, 3))
    data_steps.draw_written(report, out)


def _check(call: Call, files: tuple[str, ...], settings: Settings, workers: int, *, own: bool) -> int:
    from sayso.text.overlap import parting

    if len(files) != 1:
        raise click.UsageError(_("--check takes one folder, that of a split"), click.get_current_context())
    with data_steps.data_of(call, files, settings, workers) as data:
        checked = parting.check(Path(files[0]), data, settings.split if own else None)
    call.give({"clean": checked.clean, **asdict(checked)}, lambda: _draw_checked(checked))
    return 0 if checked.clean else _LEAKS


def _draw_checked(checked: Checked) -> None:
    console.lines(", ".join(f"{name}: {count:,}" for name, count in checked.documents.items()))
    said = {"family": _("of one family"), "text": _("equal"), "near": _("nearly equal")}
    for why in checked.looked_for:
        console.lines(
            _("Documents that are {why} in different parts: {n}.").format(why=said[why], n=f"{checked.leaks[why]:,}")
        )
    if checked.samples:
        rows = [(said[leak.why], *leak.parts, leak.one, leak.other) for leak in checked.samples]
        console.table(("", _("part"), _("part"), _("where"), _("where")), rows)
    else:
        console.lines(_("Nothing leaks."))
