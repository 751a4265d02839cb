"""What a training will take, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.training.foresight.choosing import Choice
    from sayso.training.foresight.forecast import Forecast


def sentences(found: Forecast, choice: Choice | None) -> list[str]:
    """Return time and memory with what they are to be expected between, what takes the memory, and whether it fits."""
    from sayso.training.foresight.choosing import said

    time = _("Time: about {value} for {steps} steps ({low} to {high}), from {tried} micro-batches that were tried.").format(
        value=span(found.seconds.value), low=span(found.seconds.low), high=span(found.seconds.high), steps=found.steps,
        tried=found.tried,
    )  # fmt: skip
    names = {
        "weights": _("weights"), "gradients": _("gradients"), "optimizer": _("optimizer"), "reference": _("reference"),
        "activations": _("activations of up to {tokens} tokens at once").format(tokens=f"{found.largest:,}"),
        "process": _("the rest of the process"),
    }  # fmt: skip
    parts = ", ".join(f"{name} {said(found.parts[part])}" for part, name in names.items() if found.parts[part])
    memory = _("Memory: up to {value} ({low} to {high}): {parts}.").format(
        value=said(found.memory.value), low=said(found.memory.low), high=said(found.memory.high), parts=parts
    )
    if choice is None:
        return [time, memory]
    return [time, memory, choice.sentence if choice.fits else f"! {choice.sentence}"]


def span(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds < 60:
        return _("{n} s").format(n=f"{seconds:.1f}" if seconds < 10 else f"{seconds:.0f}")
    if seconds < 3600:
        return _("{n} min").format(n=f"{seconds / 60:.1f}")
    return _("{n} h").format(n=f"{seconds / 3600:.1f}")
