"""`sayso comments export`."""

from __future__ import annotations

from pathlib import Path

import click

from sayso.cli import console
from sayso.cli.options import Call, verb, with_json
from sayso.i18n import gettext as _


@verb
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@with_json
def command(call: Call, file: Path) -> None:
    """Write every comment and refinement to a JSONL file; importing it gives the same again.

    A FILE that ends in .gz is packed.
    """
    from sayso.store import exchange

    with call.workspace() as workspace:
        count = exchange.export_comments(workspace.store, file)
    sentence = _("Wrote {n} lines to {path}.").format(n=count, path=file)
    call.give({"lines": count, "file": str(file)}, lambda: console.lines(sentence))
