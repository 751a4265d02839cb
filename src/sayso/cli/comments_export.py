"""`sayso comments export`."""

from __future__ import annotations

from pathlib import Path

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_json
from sayso.i18n import gettext as _

_OURS = "sayso"


@verb
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@option("--format", "name", default=_OURS, metavar="NAME",
    help="The format of FILE: sayso (our own), or another tool's; a wrong name lists them all.")  # fmt: skip
@with_json
def command(call: Call, file: Path, name: str) -> None:
    """Write every comment and refinement to a JSONL file; importing it gives the same again.

    A FILE that ends in .gz is packed. With --format the file, or the folder, is one that another tool reads; what it has
    no place for is listed.
    """
    from sayso.cli.comments_import import draw_losses, losses
    from sayso.store.bridges import moving

    with call.workspace() as workspace:
        written = moving.write_out(workspace.store, file, name)
    form = {"format": name, "lines": written.count, "file": str(file), "files": [str(path) for path in written.files]}

    def draw() -> None:
        console.lines(_("Wrote {n} lines to {path}.").format(n=written.count, path=file))
        draw_losses(_("Not written, since the format has no place for it:"), written.lost)

    call.give({**form, "lost": losses(written.lost)}, draw)
