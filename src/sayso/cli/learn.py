"""`sayso learn`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from sayso.cli import compose, console
from sayso.cli.launching import with_processes
from sayso.cli.options import Call, option, verb, with_dry_run, with_json, with_settings
from sayso.errors import SettingsError
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sayso.loop.composing import Apart
    from sayso.loop.learning import Learnt
    from sayso.loop.settings import Settings


@verb
@option("--method", metavar="NAMES",
    help="A method by its name, as sayso recommend gives them, or module:Class of your own; several with commas between "
    "them are trained one after another.")  # fmt: skip
@option("--comments", "how", type=click.Choice(("together", "in-turn", "apart")), default="together", show_default=True,
    help="Learn all comments at once, one after another, or each in an adapter of its own; those are then "
    "composed.")  # fmt: skip
@with_processes
@with_settings
@with_dry_run
@with_json
def command(call: Call, method: str | None, how: str) -> None:
    """Train a candidate on the refinements.

    A training that was stopped is taken up where it stopped; one that was done before is not done again. Of trainings one
    after another each leaves a version of its own, and the last is the candidate.
    """
    from sayso.loop import composing, previewing, staging
    from sayso.training.engine.place import by_first

    with call.workspace() as workspace:
        settings = by_first(lambda: call.taken_in(workspace, first=_assigned(method)))
        if how != "together":
            _expect_one_training(settings)
        if how == "in-turn" or (how == "apart" and call.dry_run):
            settings = by_first(lambda: staging.in_turn(workspace, settings))
        if call.dry_run:
            call.preview(workspace, settings, lambda: previewing.learn(workspace, settings))
            return
        with call.watching() as watch:
            if how == "apart":
                parted = composing.apart(workspace, settings, watch=watch)
            else:
                found = workspace.learn(settings=settings, watch=watch)
    if how == "apart":
        _warn(parted.parts)
        call.give(_apart_form(parted), lambda: _draw_apart(parted))
        return
    _warn((*found.earlier, found))
    call.give(_form(found), lambda: _draw(found))


def _assigned(method: str | None) -> tuple[str, ...]:
    """Return what --method sets: one method, or a stage for each of several."""
    names = [name.strip() for name in (method or "").split(",") if name.strip()]
    if not names:
        return ()
    if len(names) == 1:
        return (f"method={json.dumps({'name': names[0]})}", "stages=[]")
    return (f"stages={json.dumps([{'method': name} for name in names])}",)


def _expect_one_training(settings: Settings) -> None:
    if settings.stages:
        raise SettingsError(
            "--comments in-turn and apart take one method, and here are {count} stages; name one with --method, or give the "
            "stages their comments with learn_from",
            count=len(settings.stages),
        )  # fmt: skip


def _warn(found: Sequence[Learnt]) -> None:
    console.warn(*dict.fromkeys(f"! {warning}" for item in found for warning in item.warnings))


def _apart_form(found: Apart) -> dict[str, Any]:
    last = compose.form(found.composed) if found.composed else {"candidate": found.parts[-1].version.id}
    return {**last, "learnt": [_form(part) for part in found.parts]}


def _draw_apart(found: Apart) -> None:
    for part in found.parts:
        _draw_one(part)
    if found.composed:
        compose.draw(found.composed)


def _form(found: Learnt) -> dict[str, Any]:
    material = found.material
    return {
        "candidate": found.version.id, "parent": found.run.parent, "run": found.run.id, "method": found.run.method,
        "steps": found.run.steps, "seconds": found.run.seconds, "examples": len(material.examples),
        "anchors": {"near": len(material.near), "out": len(material.out)}, "unrefined": material.unrefined,
        "again": found.again, "warnings": list(found.warnings), "stages": [_form(item) for item in found.earlier],
    }  # fmt: skip


def _draw(found: Learnt) -> None:
    for item in (*found.earlier, found):
        _draw_one(item)


def _draw_one(found: Learnt) -> None:
    if found.again:
        console.lines(_("This training was done before: the candidate is {version}.").format(version=found.version.id))
        return
    sentence = _("The candidate is {version}: {steps} steps of {method} on {n} examples in {seconds} s.")
    console.lines(
        sentence.format(
            version=found.version.id, steps=found.run.steps, method=found.run.method, n=len(found.material.examples),
            seconds=found.run.seconds,
        )
    )  # fmt: skip
    if found.material.left_out:
        console.lines(_("Responses left out, because they have no refinement: {n}.").format(n=found.material.left_out))
