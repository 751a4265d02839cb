"""`sayso bench takes`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_dry_run, with_json
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.loop.bench.running import Job


@verb
@option("--model", metavar="DIR", help="A model folder or Hugging Face id; otherwise the model that comes with sayso.")
@option("--adapter", metavar="DIR", help="An adapter on it; learning goes on in it.")
@option("--methods", default="refine_sft,refine_dpo", show_default=True, metavar="NAMES",
    help="Methods with commas between them; the first has every control.")  # fmt: skip
@option("--tier", default="quick", show_default=True, metavar="NAME",
    help="quick: ten minutes on two cores; full: a night.")  # fmt: skip
@option("--out", type=click.Path(path_type=Path), default=Path("sayso-takes"), show_default=True, metavar="DIR",
    help="Where answers, table and result are kept; the same command goes on there.")  # fmt: skip
@option("--suite", type=click.Path(path_type=Path), metavar="FILE", help="Another suite than the one of this version.")
@option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes; otherwise a core each for a small model.")
@option("--set", "assignments", multiple=True, metavar="KEY=VALUE",
    help="One setting of the tier, such as comments=4 or train.max_steps=10; may be given again.")  # fmt: skip
@option("--seed", type=click.IntRange(min=0), metavar="N", help="The first of the tier's seeds.")
@with_dry_run
@with_json
def command(
    call: Call, model: str | None, adapter: str | None, methods: str, tier: str, out: Path, suite: Path | None,
    workers: int | None,
) -> None:  # fmt: skip
    """Teach many comments to a model, one by one and by several methods, and count what became of each.

    Every method stands beside its controls: another comment's words, no comment, praise, the comment in the prompt,
    memory, random drafts, no guard. What is finished is kept, so a run that was stopped goes on where it was.
    """
    from sayso.loop.bench import results, running, starting

    asked = starting.Asked(
        model=model, adapter=adapter, methods=methods, tier=tier, out=out, suite=suite, assignments=call.laid_over
    )
    job = starting.job(asked)
    processes = workers or starting.workers(job)
    if call.dry_run:
        found = starting.forecast(job, processes)
        call.give(found, lambda: _forecast(found))
        return
    with call.watching() as watch:
        known = running.run(job, workers=processes, watch=watch)
        result = results.measure(job, known, watch=watch)
    call.give(result, lambda: _draw(result, job))


def _forecast(found: dict[str, Any]) -> None:
    from sayso.loop.bench.starting import sentence_parts

    names = {
        "base": _("answer the test prompts"), "told": _("answer them told the comment"), "drafts": _("draft"),
        "teach": _("teach"), "together": _("teach several at once"), "sequence": _("teach in sequence"),
    }  # fmt: skip
    rows = [[names[stage], str(left), str(units)] for stage, left, units in sentence_parts(found)]
    console.table([_("stage"), _("units left"), _("units")], rows, right=(1, 2))
    console.lines(_("Conditions: {names}.").format(names=" · ".join(found["conditions"])))
    sentence = _("About {minutes} minutes in {n} processes, reckoned from a short trial; nothing was written.")
    console.lines(sentence.format(minutes=f"{found['seconds'] / 60:.1f}", n=found["workers"]))


def _draw(result: dict[str, Any], job: Job) -> None:
    columns = [_("condition"), _("gain"), _("leak"), _("drift"), _("alarms"), _("verdict")]
    console.table(columns, [_row(row) for row in result["conditions"]], right=(1, 2, 3))
    sentence = _("The whole table: {table}; the picture: {plane}; every answer: {answers}; to compare with others: {result}")
    console.lines(
        sentence.format(
            table=job.folder / "table.md", plane=job.folder / "plane.svg", answers=job.folder / "answers.jsonl",
            result=job.folder / "result.json",
        )
    )  # fmt: skip


def _row(row: dict[str, Any]) -> list[str]:
    from sayso.loop.bench.tables import interval

    figures = [row["figures"].get(name) for name in ("gain", "leak", "drift")]
    alarms = ", ".join(f"{name} {count}" for name, count in sorted(row["alarms"].items()))
    return [row["name"], *(interval(figure) if figure else "–" for figure in figures), alarms or "–", row["verdict"] or "–"]
