"""`sayso finetune --backend hosted`: the job of another machine, drawn."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.cli import console
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.cli.options import Call
    from sayso.training.hosted.jobs import Estimate, State


def do(call: Call, model: str, files: Sequence[Path], out: Path) -> None:
    """Do a fine-tuning on another machine, or only say what it would learn from and cost."""
    from sayso import config
    from sayso.loop.progress import Progress
    from sayso.training.hosted import jobs, orders

    settings = jobs.settings_of([config.read(call.config)] if call.config else [], call.laid_over)
    order = orders.read(files)
    held = orders.read([Path(settings.validation)]) if settings.validation else None
    foreseen = jobs.estimate(order, settings)
    if call.dry_run:
        call.give(asdict(foreseen), lambda: _draw_estimate(foreseen))
        return
    if not call.as_json:
        _draw_estimate(foreseen)
    with call.watching() as watching:

        def watch(**seen: Any) -> None:
            watching(Progress(**seen))

        found = jobs.tune(model, order, settings, out, watch, held=held, sleep=time.sleep)
    call.give({**asdict(foreseen), **asdict(found)}, lambda: _draw(found))


def _draw_estimate(found: Estimate) -> None:
    kind = _("conversations") if found.form == "supervised" else _("pairs of answers")
    console.lines(
        _("{lines} {kind}, about {tokens} tokens by their characters.").format(
            lines=f"{found.lines:,}", kind=kind, tokens=f"{found.tokens:,}"
        )
    )
    if found.cost is not None:
        console.lines(_("About {cost} at the price given, for {n} epochs.").format(cost=f"{found.cost:.2f}", n=found.epochs))
    else:
        console.lines(
            _("What it costs cannot be said without the host's price and the number of epochs: --set "
              "price_per_million_tokens=… --set n_epochs=…")
        )  # fmt: skip


def _draw(found: State) -> None:
    console.lines(_("The model is called {name}.").format(name=found.fine_tuned_model))
    if found.trained_tokens is not None:
        console.lines(_("The host counted {tokens} tokens of training.").format(tokens=f"{found.trained_tokens:,}"))
