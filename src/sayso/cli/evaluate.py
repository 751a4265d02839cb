"""`sayso evaluate`."""

from __future__ import annotations

from pathlib import Path

import click

from sayso.cli import takes
from sayso.cli.launching import with_processes
from sayso.cli.options import Call, option, verb, with_dry_run, with_json, with_settings
from sayso.i18n import gettext as _


@verb
@click.argument("model", metavar="[MODEL]", required=False)
@click.argument("files", metavar="[FILES…]", nargs=-1)
@option("--candidate", default="candidate", metavar="VERSION", help="The version to measure; otherwise the candidate.")
@option("--task", metavar="NAME", help="Measure MODEL on a task instead: classify, summarize, translate, answer, chat …")
@option("--compare", "others", multiple=True, metavar="MODEL", help="With --task: another model on the same items.")
@option("--answers", type=click.Path(path_type=Path), metavar="FILE",
    help="With --task: keep the answers there, as JSONL; of classify a folder, for the report.")  # fmt: skip
@with_processes
@with_settings
@with_dry_run
@with_json
def command(
    call: Call, model: str | None, files: tuple[str, ...], candidate: str, task: str | None, others: tuple[str, ...],
    answers: Path | None,
) -> int:  # fmt: skip
    """Count what became of every comment, before against after, and let the gate decide.

    Exits 0 when the gate would promote, 3 when it refuses, 4 when it is unsure. Nothing is promoted.

    With --task a MODEL (a folder, a Hugging Face id, or baseline) is measured on the items of FILES, beside what costs
    nothing: every metric with its 95 % interval, and how much better it is with the paired one.
    """
    if task is not None:
        return _measure(call, task, model, files, others, answers)
    if model is not None or others or answers:
        raise click.UsageError(
            _("a model, files, --compare and --answers are for --task NAME; name the task, or leave them out")
        )
    return _judge(call, candidate)


def _measure(
    call: Call, task: str, model: str | None, files: tuple[str, ...], others: tuple[str, ...], answers: Path | None
) -> int:
    from sayso import config
    from sayso.cli import measured
    from sayso.loop import answering

    if model is None or not files:
        raise click.UsageError(_("expected a model and files: sayso evaluate --task {task} MODEL FILES").format(task=task))
    if task == "classify":
        from sayso.cli import classify

        classify.measure(call, model, files, others, answers)
        return 0
    layers = [config.read(call.config)] if call.config else []
    wanted = answering.asked(task, files, layers, call.laid_over)
    if call.dry_run:
        call.give({"task": task, "items": len(wanted.items)}, lambda: measured.draw_plan(wanted))
        return 0
    with call.watching() as watch:
        found = answering.measured(wanted, model, others=others, answers=answers, watch=watch)
    call.give(found.form, lambda: measured.draw(found))
    return 0


def _judge(call: Call, candidate: str) -> int:
    from sayso.loop import previewing
    from sayso.training.engine.place import by_first

    with call.workspace() as workspace:
        settings = by_first(lambda: call.taken_in(workspace))
        if call.dry_run:
            call.preview(workspace, settings, lambda: previewing.evaluate(workspace, settings, candidate))
            return 0
        with call.watching() as watch:
            found = workspace.evaluate(candidate, settings=settings, watch=watch)
    call.give(takes.form(found), lambda: takes.draw(found))
    return takes.exit_code(found)
