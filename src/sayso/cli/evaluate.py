"""`sayso evaluate`."""

from __future__ import annotations

from sayso.cli import takes
from sayso.cli.options import Call, option, verb, with_dry_run, with_json, with_settings


@verb
@option("--candidate", default="candidate", metavar="VERSION", help="The version to measure; otherwise the candidate.")
@with_settings
@with_dry_run
@with_json
def command(call: Call, candidate: str) -> int:
    """Count what became of every comment, before against after, and let the gate decide.

    Exits 0 when the gate would promote, 3 when it refuses, 4 when it is unsure. Nothing is promoted.
    """
    from sayso.loop import previewing

    with call.workspace() as workspace:
        settings = call.taken_in(workspace)
        if call.dry_run:
            call.preview(workspace, settings, lambda: previewing.evaluate(workspace, settings, candidate))
            return 0
        with call.watching() as watch:
            found = workspace.evaluate(candidate, settings=settings, watch=watch)
    call.give(takes.form(found), lambda: takes.draw(found))
    return takes.exit_code(found)
