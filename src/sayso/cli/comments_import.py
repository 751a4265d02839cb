"""`sayso comments import`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_dry_run, with_json
from sayso.errors import RecordError, SaysoError
from sayso.i18n import gettext as _
from sayso.i18n import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sayso.store.bridges import Lost
    from sayso.store.exchange import Imported

_SHOWN = 20
_OURS = "sayso"


@verb
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@option("--format", "name", default=_OURS, metavar="NAME",
    help="The format of FILE: sayso (our own), auto, or another tool's; a wrong name lists them all.")  # fmt: skip
@option("--skip-bad", is_flag=True, help="Import the good lines; the others are written beside FILE with their reasons.")
@option("--revise", is_flag=True, help="Let a comment that changed under its id become its next revision.")
@with_dry_run
@with_json
def command(call: Call, file: Path, name: str, skip_bad: bool, revise: bool) -> None:
    """Take in comments from a file, all of them or none.

    The lines' shape is printed by sayso schema comments; --format reads the files of other tools, and lists what of them
    a comment cannot hold. With a wrong line nothing is imported, unless --skip-bad.
    """
    from sayso.loop import importing, previewing
    from sayso.store.bridges import guessing, moving

    with call.workspace() as workspace:
        guessed = guessing.guess(file) if name == "auto" else None
        name = guessed or name
        if call.dry_run and name == _OURS:
            preview = previewing.comments(workspace, file)
            call.give(preview.form, lambda: console.lines(preview.sentence))
            return
        with _hinting(file, name):
            found = moving.look(workspace.store, file, name, verify=importing.verify) if call.dry_run else moving.bring_in(
                workspace.store, file, name, skip_bad=skip_bad, revise=revise, verify=importing.verify
            )  # fmt: skip
    imported = found.imported
    _warn(file, name, imported, refused=bool(imported.faults) and imported.bad_file is None and not call.dry_run)
    form = {"format": name, "guessed": guessed is not None, **_form(imported), "lost": losses(found.lost)}
    form |= {"dry_run": True, "wrong": len(imported.faults)} if call.dry_run else {}
    call.give(form, lambda: _draw(imported, found.lost, guessed, dry_run=call.dry_run))


def losses(lost: Sequence[Lost]) -> list[dict[str, object]]:
    """Return what was lost as JSON values."""
    return [{"what": item.what, "count": item.count, "reason": item.reason} for item in lost]


def draw_losses(heading: str, lost: Sequence[Lost]) -> None:
    """Draw what was lost, a line for each thing."""
    if not lost:
        return
    width = max(len(item.what) for item in lost)
    console.lines(heading, *(f"  {item.what:<{width}}  {item.count:>6}  {item.reason}".rstrip() for item in lost))


@contextmanager
def _hinting(file: Path, name: str) -> Iterator[None]:
    """Add to the error of a file that cannot be read as a whole which format it looks like."""
    try:
        yield
    except RecordError as error:
        likelier = _likelier(file, name)
        if likelier is None:
            raise
        raise RecordError(
            "{reason}. This looks like the format {likelier}: try --format {likelier}", reason=say(error), likelier=likelier
        ) from error


def _warn(file: Path, name: str, found: Imported, *, refused: bool) -> None:
    """Show what is wrong in a file; where nothing of it is good, what format it looks like. Raise if it is refused."""
    good = found.comments or found.refinements or found.responses or found.prompts
    likelier = None if good or not found.faults else _likelier(file, name)
    console.warn(*(fault.message for fault in found.faults[: 1 if likelier else _SHOWN]))
    if refused and likelier is not None:
        raise RecordError(
            "{path!r}: faults: {n}; nothing was imported. This looks like the format {likelier}: try --format {likelier}",
            path=str(file), n=len(found.faults), likelier=likelier,
        )  # fmt: skip
    if refused:
        raise RecordError(
            "{path!r}: faults: {n}; nothing was imported. Correct the lines, or import the others with --skip-bad",
            path=str(file), n=len(found.faults),
        )  # fmt: skip


def _likelier(file: Path, name: str) -> str | None:
    from sayso.store.bridges import guessing

    try:
        found = guessing.guess(file)
    except SaysoError:
        return None
    return found if found != name else None


def _form(found: Imported) -> dict[str, object]:
    return {
        "comments": len(found.comments), "refinements": len(found.refinements), "prompts": len(found.prompts),
        "responses": len(found.responses), "new": found.new, "known": found.known,
        "faults": [{"where": fault.where, "message": fault.message} for fault in found.faults],
        "bad_file": str(found.bad_file) if found.bad_file else None,
    }  # fmt: skip


def _draw(found: Imported, lost: Sequence[Lost], guessed: str | None, *, dry_run: bool) -> None:
    if guessed:
        console.lines(_("This looks like the format {name}.").format(name=guessed))
    if dry_run:
        sentence = _("Would import {comments} comments, {refinements} refinements, {responses} responses; faults: {wrong}.")
        numbers = {"comments": len(found.comments), "refinements": len(found.refinements), "responses": len(found.responses)}
        console.lines(sentence.format(**numbers, wrong=len(found.faults)))
    else:
        sentence = _("Lines with something new: {new}; known already: {known}.")
        console.lines(sentence.format(new=found.new, known=found.known))
    if found.bad_file is not None:
        console.lines(_("Faults: {n}; the lines left out are in {path}.").format(n=len(found.faults), path=found.bad_file))
    draw_losses(_("Not taken in, since a comment has no place for it:"), lost)
