"""`sayso refine`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sayso.cli import console
from sayso.cli.launching import with_processes
from sayso.cli.options import Call, verb, with_dry_run, with_json, with_settings
from sayso.i18n import gettext as _
from sayso.records import plain

if TYPE_CHECKING:
    from sayso.loop.improving import Refined


@verb
@with_processes
@with_settings
@with_dry_run
@with_json
def command(call: Call) -> None:
    """Write better responses wherever a comment applies and is not met.

    The refiners of the settings are tried in their order; what they give is kept only where it meets the comments.
    """
    from sayso.loop import previewing
    from sayso.training.engine.place import by_first

    with call.workspace() as workspace:
        settings = by_first(lambda: call.taken_in(workspace))
        if call.dry_run:
            call.preview(workspace, settings, lambda: previewing.refine(workspace, settings))
            return
        with call.watching() as watch:
            found = workspace.refine(settings=settings, watch=watch)
    call.give(plain(found), lambda: _draw(found))


def _draw(found: Refined) -> None:
    sentence = _("Responses that want a refinement: {wanting}; refined: {kept}; without one: {rejected}.")
    console.lines(sentence.format(wanting=found.wanting, kept=found.kept, rejected=found.rejected))
    for reason, times in sorted(found.reasons.items(), key=lambda item: -item[1]):
        console.lines(f"  {times} × {reason}")
