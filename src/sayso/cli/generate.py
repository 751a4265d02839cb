"""`sayso generate`."""

from __future__ import annotations

from sayso.cli import console
from sayso.cli.options import Call, verb, with_dry_run, with_json, with_settings
from sayso.i18n import gettext as _


@verb
@with_settings
@with_dry_run
@with_json
def command(call: Call) -> None:
    """Let the champion answer the prompts that it has not answered yet.

    These are the prompts of the workspace, and those of the comments' probes that may be learnt from.
    """
    from sayso.loop import previewing

    with call.workspace() as workspace:
        settings = call.settings(workspace)
        if call.dry_run:
            preview = previewing.generate(workspace, settings)
            call.give(preview.form, lambda: console.lines(preview.sentence))
            return
        with call.watching() as watch:
            written = workspace.generate(settings=settings, watch=watch)
    sentence = _("Responses written: {n}.").format(n=written)
    call.give({"responses": written}, lambda: console.lines(sentence))
