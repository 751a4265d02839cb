"""`sayso tasks round`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_dry_run, with_json, with_settings
from sayso.i18n import gettext as _


@verb
@click.argument("task", metavar="TASK")
@click.argument("files", nargs=-1, required=True, metavar="FILES…")
@option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="Where the round is written.")
@option("--model", default="", metavar="MODEL", help="The model of the round: a folder or a Hugging Face id.")
@with_settings
@with_dry_run
@with_json
def command(call: Call, task: str, files: tuple[str, ...], out: Path, model: str) -> None:
    """Make a round of a task: its prompts, what can be checked of the answers, and right answers to hold out.

    FOLDER gets prompts.jsonl, comments.jsonl (a standing comment for every check), heldout.jsonl and round.yaml, which
    sayso loop does. Half of the families are for testing.
    """
    from sayso import config
    from sayso.cli import measured
    from sayso.loop import answering, tasking

    layers = [config.read(call.config)] if call.config else []
    wanted = answering.asked(task, files, layers, call.laid_over)
    if call.dry_run:
        call.give({"task": task, "items": len(wanted.items)}, lambda: measured.draw_plan(wanted))
        return
    place = str(Path(model).resolve()) if model and Path(model).is_dir() else model
    made = tasking.write(wanted, out, model=place)
    said = _("{prompts} prompts, {comments} standing comments, {heldout} right answers held out; next: sayso loop {path}")
    call.give(asdict(made), lambda: console.lines(said.format(prompts=made.prompts, comments=made.comments,
        heldout=made.heldout, path=out / tasking.ROUND)))  # fmt: skip
