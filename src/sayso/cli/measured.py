"""What was measured on a task, drawn as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sayso.cli import console
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.loop.answering import Asked, Found, Standing
    from sayso.tasks.metrics import Metric


def draw(found: Found) -> None:
    """Print every metric of the model, of the baseline and of other models, with intervals and differences."""
    first, *rest = found.standings
    columns = [_("metric"), first.name, *(one.name for one in rest), *(f"Δ {one.name}" for one in rest)]
    rows = [_row(metric, found, rest) for metric in first.metrics]
    console.table(columns, rows, right=tuple(range(1, len(columns))))
    console.lines(_("{n} items; 95 % intervals by bootstrap over items, of shares by Wilson.").format(n=found.items))
    if rest:
        console.lines(_("Δ: how much more {name} has, with the paired interval.").format(name=first.name))
    for one in found.standings:
        if one.too_long:
            console.warn(
                _("{name}: {n} prompts are longer than the context and have no answer, which counts.").format(
                    name=one.name, n=one.too_long
                )
            )
    for signature in dict.fromkeys(metric.signature for metric in first.metrics if metric.signature):
        console.lines(signature)
    if found.answers:
        console.lines(_("The answers are in {path}.").format(path=found.answers))


def draw_plan(wanted: Asked) -> None:
    """Print what would be measured, and the first prompt."""
    item = wanted.items[0]
    console.lines(
        _("{n} items of the task {task}; the first one asks:").format(n=len(wanted.items), task=wanted.task.name),
        wanted.task.prompt(item).text,
        _("The right answer: {answer}").format(answer=wanted.task.answer(item)),
    )


def _row(metric: Metric, found: Found, rest: list[Standing]) -> list[str]:
    name = f"{metric.name} *" if metric.name == found.first else metric.name
    cells = [_cell(metric)]
    for chosen in ("metrics", "changes"):
        for one in rest:
            other = next((item for item in getattr(one, chosen) if item.name == metric.name), None)
            cells.append(_cell(other, signed=chosen == "changes") if other else "")
    return [name, *cells]


def _cell(metric: Metric, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    digits = 1 if max(abs(metric.low), abs(metric.high)) >= 20 else 3
    return f"{metric.value:{sign}.{digits}f} [{metric.low:.{digits}f}, {metric.high:.{digits}f}]"
