"""`sayso tasks list`."""

from __future__ import annotations

from sayso.cli import console
from sayso.cli.options import Call, verb, with_json
from sayso.i18n import gettext as _


@verb
@with_json
def command(call: Call) -> None:
    """List the tasks: what each is chosen by, and the answer that costs nothing."""
    from sayso.loop import answering

    found = answering.known()
    rows = [[one["name"], one["first"], one["baseline"], one["about"]] for one in found]
    columns = (_("task"), _("metric"), _("baseline"), _("what it is"))
    call.give({"tasks": found}, lambda: console.table(columns, rows))
