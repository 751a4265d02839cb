"""`sayso comments withdraw`."""

from __future__ import annotations

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_json
from sayso.i18n import gettext as _


@verb
@click.argument("comment_id", metavar="ID")
@option("--reason", required=True, metavar="TEXT", help="Why; it stays in the record.")
@with_json
def command(call: Call, comment_id: str, reason: str) -> None:
    """Take a comment back: it stays in the record, and nothing learns from it any more."""
    with call.workspace() as workspace:
        workspace.withdraw(comment_id, reason)
    found = {"id": comment_id, "status": "withdrawn", "reason": reason}
    call.give(found, lambda: console.lines(_("Withdrew comment {id}.").format(id=comment_id)))
