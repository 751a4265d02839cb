"""The report's two figures as SVG: text stays text, colours are the page's, and the same numbers give the same bytes."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from sayso.i18n import gettext as _
from sayso.records import Rate, Take

# Drawn in these, then replaced by the page's own colours, so that a figure follows light and dark.
_INK, _LINE, _ACCENT, _FACE = "#010203", "#040506", "#070809", "#0a0b0c"
_TAKES = {
    "took": ("#110101", "o"),
    "partly": ("#110202", "D"),
    "not": ("#110303", "s"),
    "spilled": ("#110404", "^"),
    "unmeasured": ("#110505", "v"),
}
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sayso",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 12,
    "text.color": _INK,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _LINE,
    "axes.unicode_minus": True,
}
_WIDTH, _HEIGHT = 5.2, 3.9
_Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""
_MANY = 12
"""With more comments than this the crosses of intervals would hide the points."""


def take_plane(takes: Sequence[Take], *, spill_margin: float = 0.1) -> str:
    """Return gain against leak, a point a comment labelled with its number; empty where no gain was measured.

    A hollow point had no probes near its scope and stands at a leak of 0. Comments at one place share a label.
    """
    points = [(number, take) for number, take in enumerate(takes, start=1) if take.inside is not None]
    if not points:
        return ""
    with _drawing():
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        _frame(axes, _("leak, points"), _("gain, points"))
        axes.axhline(0, color=_LINE, linewidth=1)
        axes.axvline(0, color=_LINE, linewidth=1)
        axes.axvline(100 * spill_margin, color=_TAKES["spilled"][0], linewidth=1, linestyle=(0, (4, 3)))
        crosses = len(points) <= _MANY
        for _number, take in points:
            _point(axes, take, crosses=crosses)
        _limits(axes, points)
        _labels(figure, axes, points, crosses=crosses)
        return _svg(figure, "take-plane", _("Gain in scope against leak near the scope, one point a comment"))


@contextmanager
def _drawing() -> Iterator[None]:
    """Draw in our style, whatever the user's matplotlibrc says."""
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        # The browser chooses the font; matplotlib's own has no Chinese and is only asked for widths.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _point(axes: Axes, take: Take, *, crosses: bool) -> None:
    colour, marker = _TAKES[take.take]
    x, y = _place(take)
    if crosses:
        for rate, across in ((take.near, True), (take.inside, False)):
            if rate is not None:
                low, high = (100 * limit for limit in rate.interval)
                axes.plot(
                    [low, high] if across else [x, x],
                    [y, y] if across else [low, high],
                    color=colour,
                    linewidth=1,
                    alpha=0.5,
                )
    face = colour if take.near is not None else _FACE
    axes.plot(
        [x], [y], marker=marker, markersize=9, color=colour, markerfacecolor=face, markeredgewidth=1.6, linestyle="none"
    )


def _place(take: Take) -> tuple[float, float]:
    return 100 * (take.leak or 0.0), 100 * (take.gain or 0.0)


def _limits(axes: Axes, points: Sequence[tuple[int, Take]]) -> None:
    def reach(rates: Sequence[Rate | None]) -> tuple[float, float]:
        found = [100 * limit for rate in rates if rate is not None for limit in (*rate.interval, rate.change)]
        return min([0.0, *found]), max([0.0, *found])

    low, high = reach([take.near for _number, take in points])
    axes.set_xlim(min(low, -10) - 4, max(high, 25) + 4)
    low, high = reach([take.inside for _number, take in points])
    axes.set_ylim(min(low, -10) - 4, max(high, 50) + 8)


def _labels(figure: Figure, axes: Axes, points: Sequence[tuple[int, Take]], *, crosses: bool) -> None:
    """Write each place's numbers beside it, where they hide least; a thin line leads to a label that stands further off."""
    figure.draw_without_rendering()  # the layout settles what a data unit is in points

    def on_paper(x: float, y: float) -> tuple[float, float]:
        across, up = axes.transData.transform((x, y)) * 72 / figure.dpi
        return float(across), float(up)

    places: dict[tuple[int, int], list[int]] = {}
    at: dict[int, Take] = dict(points)
    taken: list[_Box] = []
    for number, take in points:
        x, y = on_paper(*_place(take))
        places.setdefault((round(x / 10), round(y / 10)), []).append(number)
        taken.append((x - 6, y - 6, x + 6, y + 6))
        taken += _cross(take, on_paper) if crosses else []
    for numbers in places.values():
        place = _place(at[numbers[0]])
        text = _(", ").join(map(str, numbers[:6])) + (" …" if len(numbers) > 6 else "")
        box, offset = _free(on_paper(*place), width=7.5 * len(text) + 2, taken=taken)
        taken.append(box)
        leader = {"arrowstyle": "-", "color": _INK, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 4}
        axes.annotate(text, place, offset, textcoords="offset points", va="bottom", arrowprops=leader)


def _cross(take: Take, on_paper: Callable[[float, float], tuple[float, float]]) -> list[_Box]:
    """Return the two intervals of a point as thin boxes, for labels to keep off."""
    x, y = _place(take)
    ends = []
    if take.near is not None:
        ends.append([on_paper(100 * limit, y) for limit in take.near.interval])
    if take.inside is not None:
        ends.append([on_paper(x, 100 * limit) for limit in take.inside.interval])
    return [(low[0] - 1, low[1] - 1, high[0] + 1, high[1] + 1) for low, high in ends]


def _free(centre: tuple[float, float], *, width: float, taken: Sequence[_Box]) -> tuple[_Box, tuple[float, float]]:
    """Return the box and offset (both in points) of a label beside a point; the least crowded side where all are taken."""
    (x, y), height = centre, 13.0
    sides = [
        place
        for far in (6.5, 18.0, 32.0)
        for place in ((far, far), (-width - far, far), (far, -height - far), (-width - far, -height - far),
                      (far + 4, -6.0), (-width - far - 4, -6.0), (-width / 2, far + 4), (-width / 2, -height - far - 4))
    ]  # fmt: skip
    boxes = [((x + dx, y + dy, x + dx + width, y + dy + height), (dx, dy)) for dx, dy in sides]
    return min(boxes, key=lambda entry: sum(_overlap(entry[0], other) for other in taken))


def _overlap(one: _Box, other: _Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


def loss_curve(metrics: Sequence[Mapping[str, Any]], name: str = "loss-curve") -> str:
    """Return the loss at each step; empty where fewer than two have a finite one. The page has each `name` once."""
    points = [(entry["step"], float(entry["loss"])) for entry in metrics if "step" in entry and "loss" in entry]
    points = [(step, loss) for step, loss in points if math.isfinite(loss)]
    if len(points) < 2:
        return ""
    with _drawing():
        figure = Figure(figsize=(_WIDTH, 0.6 * _HEIGHT), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        _frame(axes, _("step"), _("loss"))
        steps, losses = zip(*points, strict=True)
        axes.plot(steps, losses, color=_ACCENT, linewidth=1.8)
        return _svg(figure, name, _("Loss at each step of training"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of a figure: its points, and what it is called; a faint one stands behind the others."""

    points: Sequence[tuple[float, float]]
    name: str = ""
    faint: bool = False
    dots: bool = False


def line_figure(
    lines: Sequence[Line], *, name: str, described: str, across: str, up: str, log: bool = False, at: float | None = None
) -> str:
    """Return lines over a common axis, which is logarithmic with `log`; `at` marks a place on it.

    Points that are no numbers are left out; empty where no line has two points.
    """
    drawn = [
        replace(line, points=[(x, y) for x, y in line.points if math.isfinite(x) and math.isfinite(y)]) for line in lines
    ]
    if all(len(line.points) < 2 for line in drawn):
        return ""
    with _drawing():
        figure = Figure(figsize=(_WIDTH, 0.6 * _HEIGHT), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        _frame(axes, across, up)
        if log:
            axes.set_xscale("log")
        for line in drawn:
            _line(axes, line)
        if at is not None:
            axes.axvline(at, color=_TAKES["spilled"][0], linewidth=1, linestyle=(0, (4, 3)))
        if any(line.name for line in drawn):
            axes.legend(frameon=False, fontsize=10)
        return _svg(figure, name, described)


def _line(axes: Axes, line: Line) -> None:
    if not line.points:
        return
    x, y = zip(*line.points, strict=True)
    colour = _TAKES["took"][0] if line.dots else _LINE if line.faint else _ACCENT
    axes.plot(
        x, y, color=colour, linewidth=1 if line.faint else 1.8, marker="o" if line.dots else "", markersize=4,
        label=line.name or "_",
    )  # fmt: skip


def standing_alone(figure: str) -> str:
    """Return a figure as a file of its own, which has no page to take colours from."""
    light = "--ink:#222;--line:#b8b8b8;--accent:#1f6f8b;--page:#fff;--took:#2b7a3f;--spilled:#b04a00"
    dark = "--ink:#eee;--line:#666;--accent:#7cc4dd;--page:#111;--took:#7bd08f;--spilled:#ff9f5a"
    style = f"<style>:root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}</style>"
    return figure.replace(">", ">" + style, 1) + "\n"


def _frame(axes: Axes, across: str, up: str) -> None:
    axes.set_xlabel(across, parse_math=False)
    axes.set_ylabel(up, parse_math=False)
    axes.grid(visible=True, linewidth=0.5, alpha=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _svg(figure: Figure, name: str, described: str) -> str:
    """Return the figure as an <svg> element with ids of its own, the page's colours, and a name for screen readers."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\1{name}-", text)
    for drawn, shown in _page_colours().items():
        text = text.replace(drawn, shown)
    text = text.replace("'DejaVu Sans'", "inherit-font").replace("inherit-font, sans-serif", "sans-serif")
    label = described.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def _page_colours() -> dict[str, str]:
    takes = {colour: f"var(--{name})" for name, (colour, _marker) in _TAKES.items()}
    return {_INK: "var(--ink)", _LINE: "var(--line)", _ACCENT: "var(--accent)", _FACE: "var(--page)", **takes}
