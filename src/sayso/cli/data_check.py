"""`sayso data check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sayso.cli import console, data_options
from sayso.cli.options import Call, option, verb, with_json
from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.i18n import say

if TYPE_CHECKING:
    from sayso.text.checking import Checked

_SHOWN = 20


@verb
@data_options.with_files
@option("--for", "kind", type=click.Choice(("any", "text", "chat", "label")), default="any",
    help="What the files are for: text, chat (messages), label (text and label); any: that they can be read.")  # fmt: skip
@data_options.with_fields
@data_options.with_layers
@with_json
def command(call: Call, files: tuple[str, ...], kind: str, fields: tuple[str, ...]) -> None:
    """Say what is wrong in files: every wrong line with its file and number, and what is odd.

    Nothing is written. With a wrong line the exit code is 2.
    """
    from sayso.text import checking
    from sayso.text.files import streams

    settings = data_options.settings_of(call, {"clean.fields": fields})
    found = streams.sources(files, settings.reading)
    done = checking.check(found, settings.reading, kind=kind, fields=settings.clean.fields)  # type: ignore[arg-type]
    console.warn(*(say(fault) for fault in done.faults[:_SHOWN]))
    if done.num_faults:
        raise RecordError(
            "faults: {n} in {records} records; the first ones stand above. Correct these lines, or leave them out with "
            "sayso data clean --skip-bad",
            n=done.num_faults, records=done.records,
        )  # fmt: skip
    remarks = [{"what": item.what, "count": item.count, "where": item.where} for item in done.remarks]
    call.give({"records": done.records, "bytes": done.bytes, "faults": 0, "remarks": remarks}, lambda: _draw(done))


def _draw(done: Checked) -> None:
    console.lines(
        _("{n} records, {size} bytes of text; no line is wrong.").format(n=f"{done.records:,}", size=f"{done.bytes:,}")
    )
    if done.remarks:
        rows = [(item.what, f"{item.count:,}", item.where) for item in done.remarks]
        console.table((_("odd, but readable"), _("records"), _("first in")), rows, right=(1,))
        console.lines(_("sayso data clean mends most of it."))
