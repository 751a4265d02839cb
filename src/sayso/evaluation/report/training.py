"""Write what a training came to: figures, curves, settings and texts that it wrote, in one HTML file."""

from __future__ import annotations

import contextvars
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sayso import i18n
from sayso.errors import StoreError
from sayso.evaluation.report import figures
from sayso.evaluation.report.figures import Line
from sayso.i18n import gettext as _

FILE = "report.html"
_MOST = 300
"""Points of a curve; of more, as many means are drawn."""
Records = Sequence[Mapping[str, Any]]


def write(folder: Path, *, command: str = "", language: str | None = None) -> Path:
    """Write `report.html` beside the `report.json` of a finished training, and return its path.

    `language` is `en` or `zh`; None is the one in use. The same folder gives the same bytes.

    Raises:
        StoreError: the folder cannot be read or written.
    """

    def spoken() -> str:
        if language is not None:
            i18n.use(language)
        return _rendered(folder, command)

    path = folder / FILE
    try:
        text = contextvars.copy_context().run(spoken)
        unfinished = path.with_name(f"{path.name}.writing")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except (OSError, ValueError) as error:
        raise StoreError(
            "the report {path!r} cannot be written ({reason}); choose a folder you may write to",
            path=str(path), reason=str(error),
        ) from error  # fmt: skip
    return path


def rates_figure(tried: Records, suggested: float) -> str:
    """Return a test of learning rates as an SVG file: the loss at each rate, smoothed in front; the suggested one marked."""
    lines = [
        Line(points=[(entry["rate"], entry["loss"]) for entry in tried], faint=True),
        Line(points=[(entry["rate"], entry["smoothed"]) for entry in tried]),
    ]
    svg = figures.line_figure(
        lines, name="rates", described=_("Loss at each learning rate"), across=_("learning rate"),
        up=_("loss, nats a token"), log=True, at=suggested,
    )  # fmt: skip
    return figures.standing_alone(svg)


def _rendered(folder: Path, command: str) -> str:
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    metrics, measured = _lines(folder / "metrics.jsonl"), _lines(folder / "validation.jsonl")
    environment = Environment(
        loader=PackageLoader("sayso.evaluation.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("training.html.j2").render(
        language=i18n.language(), title=_("Training of {model}").format(model=report["model"]), facts=_facts(report),
        curves=[Markup(curve) for curve in _curves(metrics, measured) if curve], samples=report.get("samples", []),
        mixture=report.get("mixture", {}), settings=tuple(_flat(settings)), command=command, w=_words(),
    )  # fmt: skip


def _words() -> dict[str, str]:
    return {
        "curves": _("Curves"), "samples": _("What it writes"), "settings": _("Settings"), "command": _("Command"),
        "beginning": _("beginning"), "written": _("as the model goes on"), "went_on": _("as the text went on"),
        "mixture": _("Mixture"), "group": _("files"), "passes": _("times seen"),
        "samples_note": _("Beginnings of texts that were not learnt from, at a temperature of 0.8 and a fixed seed."),
    }  # fmt: skip


def _facts(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    speed = report["tokens"] / report["seconds"] if report["seconds"] else 0.0
    held, chosen = report["validation"], report.get("chosen")
    return [
        (_("weights"), f"{report['parameters']:,}"),
        (_("steps"), f"{report['steps']:,}"),
        (_("tokens"), f"{report['tokens']:,}"),
        (_("seconds"), f"{report['seconds']:,.1f}"),
        (_("tokens a second"), f"{speed:,.0f}"),
        (_("loss of the last steps, nats a token"), f"{report['loss']:.4f}"),
        *([(_("kept: the weights after step"), f"{chosen['step']:,}"),
            (_("their {metric}").format(metric=chosen["metric"]), f"{chosen['value']:.4f}")] if chosen else []),
        *([(_("validation loss, nats a token"), f"{held['loss']:.4f}"),
            (_("validation, bits a byte"), f"{held['bits_per_byte']:.4f}"),
            (_("validation tokens"), f"{held['tokens']:,}")] if held else []),
    ]  # fmt: skip


def _curves(metrics: Records, measured: Records) -> Iterator[str]:
    step = _("step")
    losses = [
        Line(points=_means([(entry["step"], entry["loss"]) for entry in metrics]), name=_("learnt")),
        Line(points=[(entry["step"], entry["loss"]) for entry in measured], name=_("validation"), dots=True),
    ]
    yield figures.line_figure(losses, name="loss", described=_("Loss at each step"), across=step, up=_("loss, nats a token"))
    rate = Line(points=_means([(entry["step"], entry["learning_rate"]) for entry in metrics if "learning_rate" in entry]))
    yield figures.line_figure(
        [rate], name="rate", described=_("Learning rate at each step"), across=step, up=_("learning rate")
    )
    yield figures.line_figure(
        [Line(points=_speeds(metrics))], name="speed", described=_("Tokens a second"), across=step, up=_("tokens a second")
    )


def _means(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most `_MOST` points, each the mean of as many neighbours."""
    size = max(1, math.ceil(len(points) / _MOST))
    parts = [points[first : first + size] for first in range(0, len(points), size)]
    return [(sum(x for x, _y in part) / len(part), sum(y for _x, y in part) / len(part)) for part in parts]


def _speeds(metrics: Records) -> list[tuple[float, float]]:
    """Return tokens a second over stretches of steps; the clock of a run that was taken up again begins anew."""
    size = max(1, math.ceil(len(metrics) / 60))
    found, before = [], 0.0
    for first in range(0, len(metrics), size):
        tokens, seconds = 0, 0.0
        for entry in metrics[first : first + size]:
            seconds += entry["seconds"] - before if entry["seconds"] >= before else entry["seconds"]
            tokens, before = tokens + entry["tokens"], entry["seconds"]
        if seconds > 0:
            found.append((float(metrics[first]["step"]), tokens / seconds))
    return found


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _flat(form: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(form, Mapping):
        for key, value in form.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, json.dumps(form, ensure_ascii=False)
