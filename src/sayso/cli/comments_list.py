"""`sayso comments list`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_json
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.records import Comment


@verb
@option("--status", type=click.Choice(("open", "superseded", "withdrawn", "all")), default="open", show_default=True,
    help="Which comments.")  # fmt: skip
@with_json
def command(call: Call, status: str) -> None:
    """List the comments."""
    with call.workspace() as workspace:
        comments = workspace.store.comments(None if status == "all" else status)  # type: ignore[arg-type]
    rows = [
        {"id": item.id, "text": item.text, "kind": item.kind, "status": item.status, "scope_text": item.scope_text,
         "check": item.check.name if item.check else None, "probes": len(item.probes)}
        for item in comments
    ]  # fmt: skip
    call.give({"comments": rows}, lambda: _draw(comments))


def _draw(comments: Sequence[Comment]) -> None:
    if not comments:
        console.lines(_("There are no comments."))
        return
    columns = [_("id"), _("comment"), _("kind"), _("status"), _("scope"), _("check"), _("probes")]
    rows = [
        [item.id, item.text, item.kind, item.status, item.scope_text, item.check.name if item.check else "–",
         str(len(item.probes))]
        for item in comments
    ]  # fmt: skip
    console.table(columns, rows, right=(6,))
