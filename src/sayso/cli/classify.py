"""`sayso finetune --task classify` and `sayso evaluate --task classify`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.cli import console
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.cli.options import Call
    from sayso.loop.classifying import Trained
    from sayso.training.classifiers.classifying import Classifying


def train(call: Call, model: str, files: Sequence[Path], out: Path, given: Mapping[str, Any]) -> None:
    """Train a classifier, or say what would be trained, and draw how good it is."""
    from sayso.loop import classifying

    settings = _settings(call, model, given)
    if call.dry_run:
        found = classifying.preview(model, files, settings)
        call.give(found, lambda: _draw_preview(found))
        return
    with call.watching() as watch:
        trained = classifying.train(model, files, settings, out, watch)
    call.give(trained.form, lambda: _draw(trained, out))


def measure(call: Call, model: str, files: Sequence[str], others: Sequence[str], report: Path | None) -> None:
    """Measure a classifier beside others and draw it."""
    from sayso.cli import measured
    from sayso.loop import classifying

    settings = _settings(call, model, {})
    if call.dry_run:
        wanted = classifying.asked(model, files, settings)
        call.give({"task": "classify", "items": len(wanted.items)}, lambda: measured.draw_plan(wanted))
        return
    with call.watching() as watch:
        found = classifying.measured(model, files, settings, others=others, folder=report, watch=watch)
    call.give(found.form, lambda: measured.draw(found))


def _settings(call: Call, model: str, given: Mapping[str, Any]) -> Classifying:
    from sayso import config
    from sayso.training.classifiers import classifying

    layers = [config.read(call.config)] if call.config else []
    first = [f"{key}={json.dumps(value)}" for key, value in given.items() if value]
    return classifying.settings_of(layers, [*first, *call.laid_over], model=model)


def _draw(trained: Trained, out: Path) -> None:
    from sayso.cli import measured

    fitted = trained.fitted
    if fitted.again:
        console.lines(_("This training was done before; nothing was done again."))
    console.lines(
        _("{model}: {parameters} weights from {train} texts; {chosen}; {metric} {best} on {n} validation texts.").format(
            model=fitted.model, parameters=f"{fitted.parameters:,}", train=f"{fitted.train:,}", chosen=fitted.chosen,
            metric=fitted.metric, best=f"{fitted.best:.4f}", n=f"{fitted.validation:,}",
        ),
    )  # fmt: skip
    if fitted.commented:
        console.lines(
            _("Learnt from comments: {n} texts, {marked} of them with marked words; comments on {unread} answers name no "
              "class, or several.").format(n=fitted.commented, marked=fitted.marked, unread=fitted.unread)
        )  # fmt: skip
    console.lines(_("On the test texts, which nothing was chosen on:"))
    measured.draw(trained.found)
    if fitted.held_back:
        console.lines(_("Held back by the seed, not given: {splits}.").format(splits=", ".join(fitted.held_back)))
    console.lines(_("Report and pictures are in {folder}.").format(folder=out))


def _draw_preview(found: Mapping[str, Any]) -> None:
    console.lines(
        _("{train} texts to learn from, {validation} to choose on, {test} to measure on.").format(
            train=f"{found['train']:,}", validation=f"{found['validation']:,}", test=f"{found['test']:,}"
        )
    )
    if found["comments"]:
        console.lines(
            _("{n} texts with comments, {marked} of them with marked words; comments on {unread} answers name no class, or "
              "several.").format(**found["comments"])
        )  # fmt: skip
    console.table([_("class"), _("texts")], [[label, f"{count:,}"] for label, count in found["classes"].items()], right=(1,))
