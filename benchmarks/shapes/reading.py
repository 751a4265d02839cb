"""Draw the figures, and write what they say: `figureN.svg`, `shapes.md`, `shapes.json`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import matplotlib as mpl
import numpy as np
from benchmarks.shapes import claims
from benchmarks.shapes.claims import Shape
from benchmarks.shapes.units import Shop
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas

from sayso.loop.workspace import write_whole

STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "sayso", "font.size": 10, "font.sans-serif": ["DejaVu Sans"]}
COLOURS = ("#1f5fa8", "#b3571b", "#2c7f4f", "#7a3fa0", "#777777")
KEPT = 28
"""Words of a draft in the picture of ratios."""


def write(shop: Shop, wanted: Sequence[str]) -> list[str]:
    """Write the figures whose units are all done, and return their sentences."""
    found = claims.shapes(shop, wanted)
    for shape in found:
        write_whole(shop.folder / f"figure{shape.name}.svg", picture(shape))
    form = {"size": asdict(shop.size), "figures": [claims.form(shape) for shape in found]}
    write_whole(shop.folder / "shapes.json", json.dumps(form, indent=1, ensure_ascii=False) + "\n")
    write_whole(shop.folder / "shapes.md", page(shop, found))
    return [f"{shape.name}: {shape.sentence}" for shape in found]


def page(shop: Shop, found: Sequence[Shape]) -> str:
    """Return the figures and what they say as Markdown."""
    size = shop.size
    about = (
        f"{size.comments} comments, {size.tests} test prompts a scope, {size.drafts} drafts, {size.steps} steps, one seed. "
        "Shapes are compared, not sizes. In brackets: 95 % intervals over comments."
    )
    parts = ["# Published shapes, from runs of our own", about]
    for shape in found:
        parts += [
            f"## Figure {shape.name}",
            f"Published: {shape.published}.",
            f"![figure {shape.name}](figure{shape.name}.svg)",
        ]
        parts += [shape.sentence]
    return "\n\n".join(parts) + "\n"


def picture(shape: Shape) -> str:
    """Return a figure as SVG; the same records give the same bytes."""
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(7.2, 4.6), layout="constrained")
        DRAWN[shape.name](canvas, shape.series)
        text = io.StringIO()
        FigureCanvasSVG(canvas).print_svg(text, metadata={"Date": None, "Creator": None})
    return text.getvalue()


def spread(value: claims.Figure) -> list[list[float]]:
    """Return the two arms of an interval, as matplotlib takes them."""
    mean, low, high = value
    return [[mean - (mean if low is None else low)], [(mean if high is None else high) - mean]]


def points(axes: Any, series: Mapping[str, tuple[claims.Figure, claims.Figure]]) -> None:
    """Draw named points with both intervals."""
    for number, (name, (across, up)) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        axes.errorbar(across[0], up[0], xerr=spread(across), yerr=spread(up), marker="o", color=colour, elinewidth=0.8)
        axes.annotate(name, (across[0], up[0]), xytext=(6, 4), textcoords="offset points", fontsize=8, color=colour)
    axes.axhline(0, color="#cccccc", linewidth=0.8, zorder=0)
    axes.axvline(0, color="#cccccc", linewidth=0.8, zorder=0)
    axes.margins(0.18)


def plane(canvas: Canvas, series: Mapping[str, Any]) -> None:
    """Draw adherence against leak, the strengths of the anchors joined."""
    axes = canvas.subplots()
    points(axes, series)
    line = [(leak[0], gain[0]) for name, (leak, gain) in series.items() if name.startswith("scoped")]
    axes.plot(*zip(*line, strict=True), color="#999999", linewidth=0.8, zorder=0)
    axes.set(xlabel="leak: change near the scope", ylabel="adherence: change in scope")


def curve(canvas: Canvas, series: Mapping[str, Any]) -> None:
    """Draw gain against the number of drafts."""
    axes = canvas.subplots()
    for (name, values), colour in zip(list(series.items())[1:], COLOURS, strict=False):
        arms = np.hstack([spread(value) for value in values])
        axes.errorbar(series["points"], [value[0] for value in values], yerr=arms, marker="o", color=colour, label=name,
                      elinewidth=0.8)  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set(xlabel="drafts that failed and were learnt from, a comment", ylabel="gain in scope")
    axes.legend(frameon=False)


def cut(canvas: Canvas, series: Mapping[str, Any]) -> None:
    """Draw the ratios of some drafts over their words, and what the threshold does."""
    examples = series["examples"]
    grid = canvas.subplots(len(examples) + 1, 1, height_ratios=[*[0.6 for _ in examples], 2], squeeze=False)[:, 0]
    canvas.set_size_inches(9, 4.6 + 0.6 * len(examples))
    for axes, draft in zip(grid, examples, strict=False):
        ratios = np.array(draft["ratio"][:KEPT])
        axes.imshow(ratios[None, :], aspect="auto", cmap="RdBu_r", vmin=-2, vmax=2)
        axes.set_yticks([])
        axes.set_xticks(range(len(ratios)), [word.strip() or "·" for word in draft["words"][:KEPT]], fontsize=6, rotation=60)
        for number, flag in enumerate(draft["marked"][:KEPT]):
            if flag:
                axes.plot(number, 0, marker="x", color="black", markersize=4)
    places = range(len(series["net"]))
    arms = np.hstack([spread(value) for value in series["net"].values()])
    grid[-1].errorbar(places, [value[0] for value in series["net"].values()], yerr=arms, marker="o", color=COLOURS[0])
    grid[-1].set_xticks(places, [f"{value:g}" for value in series["net"]])
    grid[-1].set(
        xlabel="threshold; above: log ratio of each word (red: likelier after the comment), × marked", ylabel="gain − leak"
    )


def control(canvas: Canvas, series: Mapping[str, Any]) -> None:
    """Draw how often the comment is met under each condition, before and after."""
    axes = canvas.subplots()
    for number, (words, colour) in enumerate(zip(("positive", "neutral", "negative"), COLOURS, strict=False)):
        values = [stage[words] for stage in series.values()]
        places = [place + 0.25 * (number - 1) for place in range(len(values))]
        arms = np.clip(np.hstack([spread(value) for value in values]), 0, None)
        axes.bar(places, [value[0] for value in values], width=0.23, yerr=arms, color=colour, label=words)
    axes.set_xticks(range(len(series)), list(series))
    axes.set(ylabel="answers in scope that meet the comment", ylim=(0, 1.05))
    axes.legend(frameon=False, title="asked with words")


def advantage(canvas: Canvas, series: Mapping[str, Any]) -> None:
    """Draw the distribution of the advantages of tokens."""
    axes = canvas.subplots()
    for (name, values), colour in zip(series.items(), COLOURS, strict=False):
        axes.hist(values, bins=61, histtype="step", density=True, color=colour, label=name)
    axes.set_yscale("log")
    axes.set(xlabel="advantage of a token, nats, clipped as hindsight clips it", ylabel="density")
    axes.legend(frameon=False, title="told words that are")


def sequence(canvas: Canvas, series: Mapping[str, Any]) -> None:
    """Draw what is learnt of a new comment against what is lost of the earlier ones."""
    axes = canvas.subplots()
    points(axes, series)
    axes.set(xlabel="lost of earlier comments, from right after each to the end", ylabel="gain of a new comment")


DRAWN: Mapping[str, Callable[[Canvas, Mapping[str, Any]], None]] = {
    "1": plane, "2": curve, "4": cut, "5": control, "8": advantage, "10": sequence,
}  # fmt: skip
