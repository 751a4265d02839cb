"""`sayso data card`."""

from __future__ import annotations

from pathlib import Path

import click

from sayso.cli import console, data_options
from sayso.cli.options import Call, option, verb, with_json
from sayso.errors import SettingsError
from sayso.i18n import gettext as _


@verb
@data_options.with_files
@option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Where the page is written; without it, it is printed."
)
@option("--title", metavar="TITLE", help="The page's title; otherwise the name of the first file.")
@option("--licence", metavar="NAME", help="Under which licence the data stands.")
@option("--source", metavar="WORDS", help="Where the data is from.")
@data_options.with_fields
@data_options.with_layers
@with_json
def command(call: Call, files: tuple[str, ...], out: Path | None, title: str | None, licence: str | None, source: str | None,
    fields: tuple[str, ...]) -> None:  # fmt: skip
    """Describe files on one page: counts, sizes, fields, lengths, languages, duplicates, and how they were made.

    The page is Markdown. How the files were made is read from the report that sayso data wrote beside them.
    """
    from sayso.text import cards
    from sayso.text.files import streams

    settings = data_options.settings_of(call, {"clean.fields": fields})
    if out is not None and out.exists():
        raise SettingsError(
            "{out!r} is there already; nothing was changed. Name another file, or move it away", out=str(out)
        )
    found = streams.sources(files, settings.reading)
    done = cards.describe(found, settings.reading, fields=settings.clean.fields)
    reports = cards.made(Path(name) for name in files)
    page = cards.card(done, title=title or Path(files[0]).name, licence=licence, source=source, reports=reports)
    if out is not None:
        writing = out.with_name(f".{out.name}.writing")
        writing.write_text(page, encoding="utf-8")
        writing.replace(out)
    form = {"card": str(out) if out else None, "page": page, "records": done.records, "duplicates": done.distinct.duplicates}
    call.give(form, lambda: console.lines(_("Wrote {path}.").format(path=out) if out else page))
