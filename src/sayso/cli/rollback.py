"""`sayso rollback`."""

from __future__ import annotations

from sayso.cli import console
from sayso.cli.options import Call, verb, with_json
from sayso.i18n import gettext as _


@verb
@with_json
def command(call: Call) -> None:
    """Make the champion before this one the champion again."""
    with call.workspace() as workspace:
        found = workspace.rollback()
    sentence = _("The champion is {after} again (before: {before}).").format(after=found.after, before=found.before)
    call.give({"before": found.before, "after": found.after}, lambda: console.lines(sentence))
