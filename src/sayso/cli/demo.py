"""`sayso demo`."""

from __future__ import annotations

from pathlib import Path

import click

from sayso.cli import rounds
from sayso.cli.options import Call, option, verb, with_json


@verb
@option("--comment", "comments", multiple=True, metavar="TEXT", help="A comment of your own; may be given again.")
@option("--output", type=click.Path(path_type=Path), default=Path("sayso-demo"), show_default=True, metavar="DIR",
    help="The workspace to make.")  # fmt: skip
@with_json
def command(call: Call, comments: tuple[str, ...], output: Path) -> int:
    """Watch a whole round on a small model: comments go in, and what became of each comes out.

    It needs no network and no GPU. Exits 0 when the gate promotes, 3 when it refuses, 4 when it is unsure.
    """
    from sayso.loop import demo

    with call.watching() as watch:
        found = demo.run(output, comments=comments, watch=watch, command=call.line)
    return rounds.give(call, found)
