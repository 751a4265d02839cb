"""`sayso export`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_json, with_settings
from sayso.i18n import gettext as _


@verb
@click.argument("round_file", required=False, type=click.Path(path_type=Path), metavar="[ROUND.YAML]")
@option(
    "--for", "tool", required=True, metavar="TRAINER", help="trl, llama-factory, ms-swift, or module:function of your own."
)
@option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="The folder to write into.")
@option("--method", metavar="NAME", help="The method to export for, in the place of the configured one.")
@option("--stage", type=click.IntRange(min=1), metavar="N",
    help="Of trainings in sequence (stages) the one to export, counted from 1.")  # fmt: skip
@with_settings
@with_json
def command(call: Call, round_file: Path | None, tool: str, out: Path, method: str | None, stage: int | None) -> None:
    """Take what a method would learn from to another trainer: a folder that it runs.

    The rows are those that sayso learn would learn from with the same settings, of trainings in sequence those of one
    stage; beside them stand a script or a configuration with these settings, and a README. What the trainer has no place
    for is listed.
    """
    from sayso.cli.comments_import import draw_losses, losses
    from sayso.loop import importing, staging, starting
    from sayso.loop.export import writing
    from sayso.loop.workspace import Workspace

    layers = [starting.layer(path) for path in (round_file, call.config) if path is not None]
    write = writing.tool(tool)
    first = (f"method={json.dumps({'name': method})}", "stages=[]") if method else ()
    workspace = Workspace.open(starting.folder_for(call.folder, layers))
    try:
        settings = workspace.settings(*layers, assignments=(*first, *call.laid_over))
        chosen = staging.stage_of(settings, stage)
        written = writing.write(workspace, importing.take_in(workspace, chosen), write, out)
    finally:
        workspace.close()
    form = {"for": tool, "folder": str(out), "rows": written.count, "files": [str(path) for path in written.files]}

    def draw() -> None:
        console.lines(_("Wrote {n} rows to {path}; its README.md says what to run.").format(n=written.count, path=out))
        draw_losses(_("Not taken there:"), written.lost)
        if stage is not None and stage > 1:
            console.lines(
                _("Its model is the one that stage 1 begins with: put what stage {before} came to in its place.").format(
                    before=stage - 1
                )
            )

    call.give({**form, "lost": losses(written.lost)}, draw)
