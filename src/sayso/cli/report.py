"""`sayso report`."""

from __future__ import annotations

import click

from sayso import i18n
from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_json


@verb
@option("--language", type=click.Choice(i18n.LANGUAGES), help="The report's language; otherwise yours.")
@with_json
def command(call: Call, language: str | None) -> None:
    """Write the latest evaluation as one HTML file, and print its path."""
    with call.workspace() as workspace:
        path = workspace.report(language=language, command=call.line)
    call.give({"report": str(path)}, lambda: console.lines(str(path)))
