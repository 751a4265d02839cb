"""What `sayso pretrain` and `sayso finetune` share: they run a task, or preview it, and draw what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.cli import console
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.cli.options import Call
    from sayso.training.fitting import Report, Task
    from sayso.training.outlook import Preview


def do(call: Call, task: Callable[[], Task], out: Path) -> None:
    """Do a training task into a folder, or only say what it would do."""
    from sayso.loop.progress import Progress
    from sayso.training import fitting

    with call.watching() as watching:

        def watch(**seen: Any) -> None:
            watching(Progress(**seen))

        if call.dry_run:
            found = fitting.preview(task(), out, watch)
        else:
            report = fitting.fit(task(), out, watch)
    if call.dry_run:
        call.give(asdict(found), lambda: _draw_preview(found))
    else:
        call.give({**asdict(report), "tokens_per_second": report.tokens_per_second}, lambda: _draw(report))


def _draw(found: Report) -> None:
    if found.again:
        console.lines(_("This training was done before; nothing was done again."))
    console.lines(
        _("{model}: {parameters} weights, {steps} steps, {tokens} tokens in {seconds} s ({speed} tokens a second).").format(
            model=found.model, parameters=f"{found.parameters:,}", steps=found.steps, tokens=f"{found.tokens:,}",
            seconds=f"{found.seconds:.1f}", speed=f"{found.tokens_per_second:,.0f}",
        ),
        _("Loss of the last steps: {loss} nats a token.").format(loss=f"{found.loss:.4f}"),
    )  # fmt: skip
    if found.validation:
        console.lines(
            _("On {n} tokens that were not learnt from: {loss} nats a token, {bits} bits a byte.").format(
                n=f"{found.validation.tokens:,}", loss=f"{found.validation.loss:.4f}",
                bits=f"{found.validation.bits_per_byte:.4f}",
            )
        )  # fmt: skip
    _draw_left_out(found.left_out)


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
    _draw_left_out(found.left_out)


def _draw_left_out(count: int) -> None:
    if count:
        console.lines(_("Left out, because they are longer than the context: {n} rows.").format(n=count))
