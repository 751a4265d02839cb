"""`sayso demo`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from sayso.cli import console, rounds
from sayso.cli.options import Call, option, verb, with_json
from sayso.i18n import gettext as _


@verb
@option("--comment", "comments", multiple=True, metavar="TEXT",
    help="A comment of your own, in place of the demo's third; may be given again.")  # fmt: skip
@option("--output", type=click.Path(path_type=Path), default=Path("sayso-demo"), show_default=True, metavar="DIR",
    help="The workspace to make.")  # fmt: skip
@with_json
def command(call: Call, comments: tuple[str, ...], output: Path) -> int:
    """Watch a whole round on a small model: comments go in, and what became of each comes out.

    It needs no network and no GPU. Exits 0 when the gate promotes, 3 when it refuses, 4 when it is unsure.
    """
    from sayso.loop import demo

    if not comments and not call.as_json and not output.exists() and sys.stdin.isatty():
        comments = typed()
    with call.watching() as watch:
        found = demo.run(output, comments=comments, watch=watch, command=call.line)
    code = rounds.give(call, found)
    if not call.as_json:
        console.lines(*next_things(output, found.report))
    return code


def typed() -> tuple[str, ...]:
    """Ask a person at a terminal for a comment of their own; Enter leaves the demo's third."""
    console.lines(
        _("Two comments are learnt: announcements begin with “Attention:”, messages to the coach end with “Go team!”"),
        _("Say a third, such as: No exclamation marks in text messages. (Enter takes one of the demo's.)"),
    )
    said = click.prompt(_("Your comment"), default="", show_default=False).strip()
    return (said,) if said else ()


def next_things(output: Path, report: Path) -> list[str]:
    """Return the three things to try next, each with the command that does it."""
    return [
        _("Try next:"),
        _("  1. Open the report: {path}").format(path=report.resolve().as_uri()),
        _("  2. Say something of your own: {command}").format(
            command=f"{program()} demo --output {output}-2 --comment 'No exclamation marks in text messages.'"
        ),
        _("  3. Teach a model of yours: {command}").format(command=f"{program()} init work --model PATH_OR_ID"),
    ]


def program() -> str:
    """Return how sayso can be called from here: by its name where it is on the path, else as it was called now."""
    return "sayso" if shutil.which("sayso") else sys.argv[0]
