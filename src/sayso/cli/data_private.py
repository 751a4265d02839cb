"""`sayso data private`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from sayso.cli import console, data_options
from sayso.cli.options import Call, option, verb, with_dry_run, with_json
from sayso.i18n import gettext as _


@verb
@data_options.with_files
@option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where the masked texts go; without it, only look.",
)
@data_options.with_fields
@option("--kind", "kinds", multiple=True, metavar="KIND",
    help="Only email, phone, identity, card, ip, address, name, account, secret or birth; may be given again.")  # fmt: skip
@option("--presidio", is_flag=True, help="Let presidio look too, where it is installed: names and places in running text.")
@data_options.with_writing
@data_options.with_layers
@with_dry_run
@with_json
def command(call: Call, files: tuple[str, ...], out: Path | None, fields: tuple[str, ...], kinds: tuple[str, ...],
    presidio: bool, to: str | None, workers: int, skip_bad: bool) -> None:  # fmt: skip
    """Find personal data in texts, English and Chinese, and mask it.

    Without --out it says how much of which kind there is, and where. With --out everything else of the texts stays as it
    is, and in the place of what was found stands its kind, such as [email].
    """
    from sayso.text.cleaning import cleaner
    from sayso.text.files import runs, streams

    settings = data_options.settings_of(call, {
        "clean.fields": fields, "clean.masking.kinds": kinds, "clean.masking.presidio": presidio, "writing.to": to,
        "writing.skip_bad": skip_bad,
    })  # fmt: skip
    only = cleaner.only_private(settings.clean)
    plan = runs.Plan(
        make=partial(cleaner.Cleaner, only), found=streams.sources(files, settings.reading), reading=settings.reading,
        writing=settings.writing, workers=workers,
    )  # fmt: skip
    if out is not None or call.dry_run:
        data_options.do(call, plan, out, lambda: runs.key_of("private", plan, only))
        return
    tally = runs.counted(plan)

    def draw() -> None:
        data_options.draw_tally(tally)
        if tally.found:
            console.lines(_("Nothing was written; --out FOLDER writes the texts with these masked."))
        else:
            console.lines(_("No personal data was found."))

    call.give(tally.form(), draw)
