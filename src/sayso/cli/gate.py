"""`sayso gate`."""

from __future__ import annotations

from sayso.cli import takes
from sayso.cli.options import Call, verb, with_json, with_settings


@verb
@with_settings
@with_json
def command(call: Call) -> int:
    """Decide again on the latest evaluation, with the margins of the settings as they are now.

    Exits 0 when the gate would promote, 3 when it refuses, 4 when it is unsure. Nothing is promoted.
    """
    with call.workspace() as workspace:
        found = workspace.gate(settings=call.settings(workspace))
    call.give(takes.form(found), lambda: takes.draw(found))
    return takes.exit_code(found)
