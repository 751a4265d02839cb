"""`sayso recommend`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_json, with_settings
from sayso.i18n import gettext as _
from sayso.records import plain

if TYPE_CHECKING:
    from sayso.loop.recommending import Advice


@verb
@option("--minutes", type=click.FloatRange(min=0, min_open=True), metavar="N", help="How long training may take.")
@with_settings
@with_json
def command(call: Call, minutes: float | None) -> None:
    """Say which methods fit what this workspace holds, best first and why, and what is missing for the others.

    The first line is the command to run next. Nothing is trained, and no model is loaded.
    """
    with call.workspace() as workspace:
        found = workspace.recommend(settings=call.settings(workspace), budget=minutes * 60 if minutes else None)
    line = shlex.join(["sayso", *(["-C", str(call.folder)] if call.folder else []), *found.todo])
    call.give({"command": line, "best": found.best, **plain(found)}, lambda: _draw(line, found))


def _draw(line: str, found: Advice) -> None:
    console.lines(line, found.why)
    if found.ranked:
        columns = [_("method"), _("score"), _("speaks for it"), _("speaks against it")]
        rows = [[item.method, f"{item.score:+.1f}", _joined(item.reasons), _joined(item.against)] for item in found.ranked]
        console.table(columns, rows, right=(1,))
    if found.lacking:
        rows = [[item.method, _joined(item.missing)] for item in found.lacking]
        console.table([_("not yet"), _("what is missing")], rows)
    console.lines(*(f"! {note}" for note in found.notes))


def _joined(sentences: tuple[str, ...]) -> str:
    return "\n".join(sentences)
