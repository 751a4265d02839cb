"""What `sayso pretrain` and `sayso finetune` share: they run a task, or preview it, and draw what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sayso.cli import console, taking
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.cli.options import Call
    from sayso.training.fitting import Report, Task
    from sayso.training.foresight.outlook import Preview
    from sayso.training.rates import Found


def do(call: Call, task: Callable[[], Any], out: Path, *, by: ModuleType | None = None) -> None:
    """Do a training task into a folder, or only say what it would do; `by` is what does it, where it is no network."""
    from sayso.evaluation.report import training as page
    from sayso.loop.progress import Progress
    from sayso.training import fitting
    from sayso.training.engine.place import by_first

    work: Any = by or fitting
    with call.watching() as watching:

        def watch(**seen: Any) -> None:
            watching(Progress(**seen))

        if call.dry_run:
            found: Preview = work.preview(task(), out, watch)
        else:
            report: Report = work.fit(task(), out, watch)
            by_first(lambda: page.write(out, command=call.line))
    if call.dry_run:
        call.give(asdict(found), lambda: _draw_preview(found))
    else:
        call.give({**asdict(report), "tokens_per_second": report.tokens_per_second}, lambda: _draw(report, out / page.FILE))


def find_rate(call: Call, task: Callable[[], Task], out: Path) -> None:
    """Test learning rates on a training task, and draw what they did; the model is not kept."""
    from sayso.evaluation.report import training as page
    from sayso.loop.progress import Progress
    from sayso.training import rates, run

    with call.watching() as watching:

        def watch(**seen: Any) -> None:
            watching(Progress(**seen))

        found = rates.find(task(), watch)
    form = asdict(found)
    if not call.dry_run:
        rates.keep(found, out)
        run.write_whole(out / "rates.svg", page.rates_figure(form["tried"], found.suggested))
    call.give(form, lambda: _draw_rates(found))


def _draw_rates(found: Found) -> None:
    every = max(1, len(found.tried) // 12)
    rows = [(f"{item.rate:.2e}", f"{item.loss:.4f}", f"{item.smoothed:.4f}") for item in found.tried[::every]]
    console.table((_("learning rate"), _("loss"), _("smoothed")), rows, right=(0, 1, 2))
    console.lines(
        _("Steepest at {steepest}; a tenth of the rate with the lowest loss is {tenth}.").format(
            steepest=f"{found.steepest:.2e}", tenth=f"{found.tenth:.2e}"
        ),
        _("Begin with: {setting}").format(setting=f"--set train.learning_rate={found.suggested:.1e}"),
    )


def _draw(found: Report, page: Path) -> None:
    if found.again:
        console.lines(_("This training was done before; nothing was done again."))
    console.lines(
        _("{model}: {parameters} weights, {steps} steps, {tokens} tokens in {seconds} s ({speed} tokens a second).").format(
            model=found.model, parameters=f"{found.parameters:,}", steps=found.steps, tokens=f"{found.tokens:,}",
            seconds=f"{found.seconds:.1f}", speed=f"{found.tokens_per_second:,.0f}",
        ),
        _("Loss of the last steps: {loss} nats a token.").format(loss=f"{found.loss:.4f}"),
    )  # fmt: skip
    if found.chosen:
        console.lines(
            _("Kept: the weights after step {step} of {of}, {metric} {value} on what was not learnt from.").format(
                step=f"{found.chosen.step:,}", of=f"{found.chosen.of:,}", metric=found.chosen.metric,
                value=f"{found.chosen.value:.4f}",
            )
        )  # fmt: skip
    if found.validation:
        console.lines(
            _("On {n} tokens that were not learnt from: {loss} nats a token, {bits} bits a byte.").format(
                n=f"{found.validation.tokens:,}", loss=f"{found.validation.loss:.4f}",
                bits=f"{found.validation.bits_per_byte:.4f}",
            )
        )  # fmt: skip
    _draw_mixture(found.mixture)
    _draw_left_out(found.left_out)
    console.lines(_("Curves and samples: {page}").format(page=page))


def _draw_preview(found: Preview) -> None:
    console.lines(
        _("{rows} rows of {tokens} tokens, the longest {longest}; {held} tokens to measure on.").format(
            rows=f"{found.rows:,}", tokens=f"{found.tokens:,}", longest=found.longest, held=f"{found.validation_tokens:,}"
        ),
        _("{trainable} of {parameters} weights learn; {steps} steps, about {seen} tokens, about {minutes} minutes.").format(
            trainable=f"{found.trainable:,}", parameters=f"{found.parameters:,}", steps=f"{found.steps:,}",
            seen=f"{found.tokens_seen:,}", minutes=f"{found.seconds / 60:.1f}",
        ),
    )  # fmt: skip
    if found.forecast:
        console.lines(*taking.sentences(found.forecast, found.choice))
    _draw_mixture(found.mixture)
    _draw_left_out(found.left_out)


def _draw_mixture(passes: Mapping[str, float]) -> None:
    for name, times in passes.items():
        console.lines(_("{name} is seen {times} times.").format(name=name, times=f"{times:.2f}"))


def _draw_left_out(count: int) -> None:
    if count:
        console.lines(_("Left out, because they are longer than the context: {n} rows.").format(n=count))
