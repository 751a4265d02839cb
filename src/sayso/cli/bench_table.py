"""`sayso bench table`."""

from __future__ import annotations

from pathlib import Path

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_json
from sayso.i18n import gettext as _


@verb
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILES...")
@option("--into", type=click.Path(path_type=Path), metavar="PAGE",
    help="Put it into a Markdown page between <!-- takes: begin --> and <!-- takes: end -->.")  # fmt: skip
@with_json
def command(call: Call, files: tuple[Path, ...], into: Path | None) -> None:
    """Merge results (result.json, or the folders they lie in) into one table.

    One result is shown in full, in a page with the picture of gain against leak; of several, a leaderboard is made.
    """
    from sayso.loop.bench import plane, results, tables

    found = [results.load(path) for path in files]
    text = tables.page(found[0]) if len(found) == 1 else tables.leaderboard(found)
    if into is not None and len(found) == 1:
        picture = into.with_name(f"{into.stem}-plane.svg")  # a name of its own: nothing of the user's is written over
        tables.put(tables.page(found[0], picture=picture.name), into, picture=(picture, plane.draw(found[0])))
    elif into is not None:
        tables.put(text, into)
    said = text.rstrip("\n") if into is None else _("The table is in {page}.").format(page=into)
    call.give({"results": found, "table": text}, lambda: console.lines(said))
