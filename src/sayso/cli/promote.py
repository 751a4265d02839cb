"""`sayso promote`."""

from __future__ import annotations

import click

from sayso.cli import console
from sayso.cli.options import Call, verb, with_dry_run, with_json
from sayso.i18n import gettext as _


@verb
@click.argument("version", default="candidate", metavar="[VERSION]")
@with_dry_run
@with_json
def command(call: Call, version: str) -> None:
    """Make VERSION the champion; without one, the candidate."""
    from sayso.loop import previewing

    with call.workspace() as workspace:
        if call.dry_run:
            preview = previewing.promote(workspace, version)
            call.give(preview.form, lambda: console.lines(preview.sentence))
            return
        found = workspace.promote(version)
    sentence = _("The champion is {after} (before: {before}).").format(after=found.after, before=found.before or "–")
    call.give({"before": found.before, "after": found.after}, lambda: console.lines(sentence))
