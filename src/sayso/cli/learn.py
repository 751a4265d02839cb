"""`sayso learn`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_dry_run, with_json, with_settings
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.loop.learning import Learnt


@verb
@option("--method", metavar="NAME", help="A method by its name, as sayso recommend gives them, or module:Class of your own.")
@with_settings
@with_dry_run
@with_json
def command(call: Call, method: str | None) -> None:
    """Train a candidate on the refinements.

    A training that was stopped is taken up where it stopped; one that was done before is not done again.
    """
    from sayso.loop import previewing

    first = (f"method={json.dumps({'name': method})}",) if method else ()
    with call.workspace() as workspace:
        settings = call.taken_in(workspace, first=first)
        if call.dry_run:
            call.preview(workspace, settings, lambda: previewing.learn(workspace, settings))
            return
        with call.watching() as watch:
            found = workspace.learn(settings=settings, watch=watch)
    console.warn(*(f"! {warning}" for warning in found.warnings))
    call.give(_form(found), lambda: _draw(found))


def _form(found: Learnt) -> dict[str, Any]:
    material = found.material
    return {
        "candidate": found.version.id, "parent": found.run.parent, "run": found.run.id, "method": found.run.method,
        "steps": found.run.steps, "seconds": found.run.seconds, "examples": len(material.examples),
        "anchors": {"near": len(material.near), "out": len(material.out)}, "unrefined": material.unrefined,
        "again": found.again, "warnings": list(found.warnings),
    }  # fmt: skip


def _draw(found: Learnt) -> None:
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
