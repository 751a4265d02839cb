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
@with_settings
@with_json
def command(call: Call, round_file: Path | None, tool: str, out: Path, method: str | None) -> None:
    """Take what a method would learn from to another trainer: a folder that it runs.

    The rows are those that sayso learn would learn from with the same settings; beside them stand a script or a
    configuration with these settings, and a README. What the trainer has no place for is listed.
    """
    from sayso.cli.comments_import import draw_losses, losses
    from sayso.loop import importing, starting
    from sayso.loop.export import writing
    from sayso.loop.workspace import Workspace

    layers = [starting.layer(path) for path in (round_file, call.config) if path is not None]
    write = writing.tool(tool)
    first = (f"method={json.dumps({'name': method})}",) if method else ()
    workspace = Workspace.open(starting.folder_for(call.folder, layers))
    try:
        settings = workspace.settings(*layers, assignments=(*first, *call.laid_over))
        written = writing.write(workspace, importing.take_in(workspace, settings), write, out)
    finally:
        workspace.close()
    form = {"for": tool, "folder": str(out), "rows": written.count, "files": [str(path) for path in written.files]}

    def draw() -> None:
        console.lines(_("Wrote {n} rows to {path}; its README.md says what to run.").format(n=written.count, path=out))
        draw_losses(_("Not taken there:"), written.lost)

    call.give({**form, "lost": losses(written.lost)}, draw)
