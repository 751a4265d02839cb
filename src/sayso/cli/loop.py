"""`sayso loop`."""

from __future__ import annotations

from pathlib import Path

import click

from sayso.cli import console, rounds
from sayso.cli.launching import with_processes
from sayso.cli.options import Call, verb, with_dry_run, with_json, with_settings


@verb
@click.argument("round_file", required=False, type=click.Path(path_type=Path), metavar="[ROUND.YAML]")
@with_processes
@with_settings
@with_dry_run
@with_json
def command(call: Call, round_file: Path | None) -> int:
    """Do a whole round: generate, refine, learn, evaluate, let the gate decide, promote, report.

    The workspace is the one of -C, else the current folder if it is one, else the round's output_dir beside the
    round file, which is made with the round's model. A round that was stopped is taken up where it stopped. Exits 0
    when the gate promotes, 3 when it refuses, 4 when it is unsure.
    """
    from sayso.loop import previewing, starting
    from sayso.training.engine.place import first_then_others

    layers = [starting.layer(path) for path in (round_file, call.config) if path is not None]
    if call.dry_run:
        preview = previewing.loop(call.folder, layers, call.laid_over)
        call.give(preview.form, lambda: console.lines(preview.sentence))
        return 0
    workspace = first_then_others(lambda: starting.workspace_for(call.folder, layers, call.laid_over))
    try:
        settings = workspace.settings(*layers, assignments=call.laid_over)
        with call.watching() as watch:
            found = workspace.loop(settings=settings, watch=watch, command=call.line)
    finally:
        workspace.close()
    return rounds.give(call, found)
