"""`sayso compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_dry_run, with_json, with_settings
from sayso.errors import SettingsError
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.loop.compare.budgets import Budget
    from sayso.loop.compare.comparing import Asked


@verb
@click.argument("round_file", required=False, type=click.Path(path_type=Path), metavar="[ROUND.YAML]")
@option("--methods", default="refine_sft,refine_dpo,hindsight", show_default=True, metavar="NAMES",
    help="Methods with commas between them, the first to compare with; a setting of one after a colon: "
    "refine_dpo:beta=0.05.")  # fmt: skip
@option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, metavar="N", help="How often each is trained.")
@option("--steps", type=click.IntRange(min=1), metavar="N", help="The budget of a training, in optimizer steps.")
@option("--tokens", type=click.IntRange(min=1), metavar="N",
    help="The budget in tokens trained on; otherwise what the first method would read.")  # fmt: skip
@option("--seconds", type=click.FloatRange(min=0, min_open=True), metavar="S", help="The budget in seconds of training.")
@option("--out", type=click.Path(path_type=Path), metavar="DIR",
    help="Where it is kept, otherwise compare in the workspace; the same command goes on there.")  # fmt: skip
@option(
    "--gepa",
    "reflector",
    metavar="MODEL",
    help="Let GEPA look for a better system prompt beside: MODEL, a version, a folder or an address, is asked for it.",
)
@option("--gepa-calls", type=click.IntRange(min=1), default=200, show_default=True, metavar="N",
    help="Answers that GEPA may have judged.")  # fmt: skip
@option("--keep", is_flag=True, help="Keep the trained weights in the folder.")
@with_settings
@with_dry_run
@with_json
def command(
    call: Call, round_file: Path | None, methods: str, seeds: int, steps: int | None, tokens: int | None,
    seconds: float | None, out: Path | None, reflector: str | None, gepa_calls: int, keep: bool,
) -> None:  # fmt: skip
    """Train several methods on the same comments at an equal budget, and see which takes best.

    Prompts and refinements that are missing are written first, as in a round. Every method begins with the champion
    and is tested like a candidate, beside the model as it is, told the comments, or with a memory. Nothing is promoted
    and no version is made. What is finished is kept, so a comparison that was stopped goes on where it was.
    """
    from sayso.loop import importing, starting
    from sayso.loop.compare import comparing, trying

    asked = comparing.Asked(
        entries=trying.entries(methods), seeds=seeds, budget=_budget(steps=steps, tokens=tokens, seconds=seconds), out=out,
        keep=keep, reflector=reflector or "", calls=gepa_calls, words=_words(call, round_file),
    )  # fmt: skip
    layers = [starting.layer(path) for path in (round_file, call.config) if path is not None]
    if call.dry_run:
        _preview(call, layers, asked)
        return
    workspace = starting.workspace_for(call.folder, layers, call.laid_over)
    try:
        settings = importing.take_in(workspace, workspace.settings(*layers, assignments=call.laid_over))
        with call.watching() as watch:
            found = comparing.compare(workspace, settings, asked, watch=watch)
    finally:
        workspace.close()
    call.give(found, lambda: _draw(found))


def _preview(call: Call, layers: list[dict[str, Any]], asked: Asked) -> None:
    from sayso.loop import previewing, starting
    from sayso.loop.compare import comparing
    from sayso.loop.workspace import SETTINGS, Workspace

    place = starting.folder_for(call.folder, layers)
    if layers and not (place / SETTINGS).is_file():
        preview = previewing.loop(call.folder, layers, call.laid_over)
        call.give(preview.form, lambda: console.lines(preview.sentence))
        return
    workspace = Workspace.open(place)
    try:
        settings = workspace.settings(*layers, assignments=call.laid_over)
        call.preview(workspace, settings, lambda: comparing.preview(workspace, settings, asked))
    finally:
        workspace.close()


def _budget(**given: float | None) -> Budget | None:
    from sayso.loop.compare.budgets import Budget

    found = {kind: amount for kind, amount in given.items() if amount is not None}
    if len(found) > 1:
        raise SettingsError(
            "{options} were given together; a budget has one measure", options=" ".join(f"--{kind}" for kind in found)
        )
    return next((Budget(kind=kind, amount=amount) for kind, amount in found.items()), None)  # type: ignore[arg-type]


def _words(call: Call, round_file: Path | None) -> tuple[str, ...]:
    """Return what of this call belongs to the command that learns with the winner."""
    files = [word for path in (round_file or call.config,) if path is not None for word in ("--config", str(path.resolve()))]
    return (*files, *(word for assignment in call.laid_over for word in ("--set", assignment)))


def _draw(found: dict[str, Any]) -> None:
    from sayso.loop.compare import comparison
    from sayso.loop.compare.untrained import said

    console.table(comparison.columns(), [comparison.cells(row) for row in found["rows"]], right=(6, 7, 8, 9))
    for item in found["left_out"]:
        console.lines(_("Left out: {name}: {reason}").format(name=said(item["name"]), reason=item["reason"]))
    console.lines(*found["sentences"])
    if found["learn_with"]:
        console.lines(_("To learn with the best: {command}").format(command=found["learn_with"]))
    console.lines(_("Nothing was promoted. All of it: {page}").format(page=found["files"]["page"]))
