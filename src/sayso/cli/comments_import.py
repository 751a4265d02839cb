"""`sayso comments import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_dry_run, with_json
from sayso.errors import RecordError
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.store.exchange import Imported

_SHOWN = 20


@verb
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@option("--skip-bad", is_flag=True, help="Import the good lines; the others are written beside FILE with their reasons.")
@with_dry_run
@with_json
def command(call: Call, file: Path, skip_bad: bool) -> None:
    """Take in comments from a JSONL file, all of them or none.

    The lines' shape is printed by sayso schema comments. With a wrong line nothing is imported, unless --skip-bad.
    """
    from sayso.loop import importing, previewing
    from sayso.store import exchange

    with call.workspace() as workspace:
        if call.dry_run:
            preview = previewing.comments(workspace, file)
            call.give(preview.form, lambda: console.lines(preview.sentence))
            return
        found = exchange.import_comments(workspace.store, file, skip_bad=skip_bad, verify=importing.verify)
    console.warn(*(fault.message for fault in found.faults[:_SHOWN]))
    if found.faults and found.bad_file is None:
        raise RecordError(
            "{path!r}: faults: {n}; nothing was imported. Correct the lines, or import the others with --skip-bad",
            path=str(file), n=len(found.faults),
        )  # fmt: skip
    call.give(_form(found), lambda: _draw(found))


def _form(found: Imported) -> dict[str, object]:
    return {
        "comments": len(found.comments), "refinements": len(found.refinements), "new": found.new, "known": found.known,
        "faults": [{"where": fault.where, "message": fault.message} for fault in found.faults],
        "bad_file": str(found.bad_file) if found.bad_file else None,
    }  # fmt: skip


def _draw(found: Imported) -> None:
    sentence = _("Lines with something new: {new}; known already: {known}.")
    console.lines(sentence.format(new=found.new, known=found.known))
    if found.bad_file is not None:
        console.lines(_("Faults: {n}; the lines left out are in {path}.").format(n=len(found.faults), path=found.bad_file))
