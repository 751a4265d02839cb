"""`sayso compose`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_json
from sayso.errors import SettingsError
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.loop.composing import Composed


@verb
@click.argument("versions", nargs=-1, required=True, metavar="VERSIONS\u2026")
@option("--weights", metavar="NUMBERS", help="How much of each, with commas between them; otherwise 1 of each.")
@option("--combination-type", type=click.Choice(("cat", "svd", "ties_svd")), default="cat", show_default=True,
    help="cat: their sum exactly, of the sum of their ranks; svd: the nearest to it of one's rank; ties_svd: without small "
    "and outvoted changes.")  # fmt: skip
@option("--merge", is_flag=True, help="Fold them into the weights: a full model, which also works with a single version.")
@with_json
def command(call: Call, versions: tuple[str, ...], weights: str | None, combination_type: str, merge: bool) -> None:
    """Make the adapters of several versions into one version, the candidate.

    Each was learnt from the same model, a comment or a subject at a time. sayso evaluate then counts what became of every
    comment, against that model, and what was kept of each since it was learnt.
    """
    from sayso.loop import composing

    with call.workspace() as workspace:
        found = composing.compose(
            workspace, versions, weights=_numbers(weights), combination_type=combination_type,  # type: ignore[arg-type]
            merge=merge,
        )  # fmt: skip
    call.give(form(found), lambda: draw(found))


def _numbers(text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError as error:
        raise SettingsError(
            "--weights {given!r}: expected numbers with commas between them, such as 1,0.5", given=text
        ) from error


def form(found: Composed) -> dict[str, Any]:
    """Return what was composed as JSON values."""
    return {
        "candidate": found.version.id, "parts": list(found.parts), "form": found.version.form, "parent": found.run.parent,
        "run": found.run.id, "seconds": found.run.seconds, "again": found.again,
    }  # fmt: skip


def draw(found: Composed) -> None:
    """Say what was composed."""
    parts = ", ".join(found.parts)
    if found.again:
        sentence = _("These versions were composed before: the candidate is {version}.")
    elif found.version.form == "full":
        sentence = _("The candidate is {version}: a full model with what {parts} learnt.")
    else:
        sentence = _("The candidate is {version}: one adapter with what {parts} learnt.")
    console.lines(sentence.format(version=found.version.id, parts=parts))
