"""`sayso init`."""

from __future__ import annotations

from pathlib import Path

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_json
from sayso.i18n import gettext as _


@verb
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@option("--model", required=True, metavar="MODEL", help="A model's folder, or a Hugging Face id.")
@with_json
def command(call: Call, folder: Path, model: str) -> None:
    """Make a workspace in DIR for a model.

    Nothing is downloaded or loaded yet. The model becomes the version base, and the champion.
    """
    from sayso.loop.workspace import Workspace

    workspace = Workspace.init(folder, model=model)
    path = workspace.store.version("base").path
    workspace.close()
    found = {"workspace": str(workspace.folder), "champion": "base", "model": path}
    sentence = _("Made a workspace in {folder} for {model}. Next: sayso -C {folder} doctor")
    call.give(found, lambda: console.lines(sentence.format(folder=folder, model=path)))
