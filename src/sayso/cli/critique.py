"""`sayso critique`."""

from __future__ import annotations

import click

from sayso.cli import console
from sayso.cli.options import Call, verb, with_json, with_settings
from sayso.i18n import gettext as _


@verb
@click.argument("critics", nargs=-1, metavar="[CRITIC]...")
@with_settings
@with_json
def command(call: Call, critics: tuple[str, ...]) -> None:
    """Let critics comment on the champion's responses; without a name, the rules of the settings.

    A critic is a name (rules, reference), or module:Class of your own.
    """
    with call.workspace() as workspace:
        written = workspace.critique(critics or ("rules",), settings=call.taken_in(workspace))
    sentence = _("Comments written: {n}.").format(n=written)
    call.give({"comments": written}, lambda: console.lines(sentence))
