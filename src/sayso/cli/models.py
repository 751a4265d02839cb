"""`sayso models`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sayso.cli import console
from sayso.cli.options import Call, verb, with_json
from sayso.i18n import gettext as _
from sayso.records import plain

if TYPE_CHECKING:
    from sayso.records import Version


@verb
@with_json
def command(call: Call) -> None:
    """List the versions and their aliases."""
    from sayso.loop.workspace import CANDIDATE, CHAMPION

    with call.workspace() as workspace:
        versions = workspace.store.versions()
        pointed = {name: workspace.store.alias(name) for name in (CHAMPION, CANDIDATE)}
    aliases = {name: version for name, version in pointed.items() if version is not None}
    call.give({"versions": plain(versions), "aliases": aliases}, lambda: _draw(versions, aliases))


def _draw(versions: Sequence[Version], aliases: Mapping[str, str]) -> None:
    names = {item.id: [name for name, at in aliases.items() if at == item.id] for item in versions}
    rows = [[item.id, ", ".join(names[item.id]), item.form, item.parent, item.run, item.path] for item in versions]
    console.table([_("version"), _("alias"), _("form"), _("parent"), _("run"), _("path")], rows)
