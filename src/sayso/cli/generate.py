"""`sayso generate`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from sayso.cli import console
from sayso.cli.launching import with_processes
from sayso.cli.options import Call, option, verb, with_dry_run, with_json, with_settings
from sayso.i18n import gettext as _


@verb
@option("--prompts", type=click.Path(path_type=Path), metavar="FILE", help="A JSONL file of prompts to import first.")
@option("--export", type=click.Path(path_type=Path), metavar="FILE",
    help="Write the model's responses there, each a line that becomes a comment by adding its text.")  # fmt: skip
@with_processes
@with_settings
@with_dry_run
@with_json
def command(call: Call, prompts: Path | None, export: Path | None) -> None:
    """Let the champion answer the prompts that it has not answered yet.

    These are the prompts of the workspace, and those of the comments' probes that may be learnt from. Prompts to test on
    (split: test) are not answered before a candidate is measured.
    """
    from sayso.loop import previewing
    from sayso.store import exchange
    from sayso.training.engine.place import by_first

    first = (f"prompts={json.dumps(str(prompts.resolve()))}",) if prompts else ()
    with call.workspace() as workspace:
        settings = by_first(lambda: call.taken_in(workspace, first=first))
        if call.dry_run:
            call.preview(workspace, settings, lambda: previewing.generate(workspace, settings))
            return
        with call.watching() as watch:
            written = workspace.generate(settings=settings, watch=watch)
        found: dict[str, object] = {"responses": written}
        sentences = [_("Responses written: {n}.").format(n=written)]
        if export:
            version = workspace.version(settings.model_name_or_path).id
            lines = by_first(lambda: exchange.export_responses(workspace.store, export, version=version))
            found |= {"lines": lines, "file": str(export)}
            sentences.append(_("Wrote {n} lines to {path}.").format(n=found["lines"], path=export))
    call.give(found, lambda: console.lines(*sentences))
