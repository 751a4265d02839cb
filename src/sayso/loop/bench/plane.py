"""The take plane: gain against leak, a point a condition, with its intervals."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any

from sayso.i18n import gettext as _

_MARKS = {"method": ("o", "#1f5fa8"), "control": ("x", "#777777"), "untrained": ("s", "#b3571b")}


def draw(result: Mapping[str, Any]) -> str:
    """Return the plane as SVG; the same result gives the same bytes."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "sayso", "font.size": 10, "font.sans-serif": ["DejaVu Sans"]}
    with mpl.rc_context(style), warnings.catch_warnings():
        # Whoever shows the picture chooses the font; matplotlib's own has no Chinese and is only asked for widths.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(7.2, 5.0), layout="constrained")
        axes = figure.subplots()
        axes.axhline(0, color="#cccccc", linewidth=0.8, zorder=0)
        axes.axvline(0, color="#cccccc", linewidth=0.8, zorder=0)
        for row in result["conditions"]:
            _point(axes, row)
        axes.set_xlabel(_("leak: change of the effect near the scope"))
        axes.set_ylabel(_("gain: change of the effect in scope"))
        axes.set_title(f"{result['model']['name']}, {result['tier']}")
        axes.margins(0.15)
        text = io.StringIO()
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    return text.getvalue()


def _point(axes: Any, row: Mapping[str, Any]) -> None:
    figures = row["figures"]
    if "gain" not in figures or "leak" not in figures:
        return
    (gain, *up), (leak, *along) = ([each[0] if value is None else value for value in each] for each in (
        figures["gain"], figures["leak"]))  # fmt: skip
    marker, colour = _MARKS[row["kind"]]
    colour = "#c02020" if row["verdict"] == "flagged" else colour
    axes.errorbar(
        leak, gain, xerr=[[leak - along[0]], [along[1] - leak]], yerr=[[gain - up[0]], [up[1] - gain]],
        marker=marker, color=colour, markersize=6, elinewidth=0.8, linestyle="none",
    )  # fmt: skip
    axes.annotate(row["name"], (leak, gain), xytext=(6, 4), textcoords="offset points", fontsize=8, color=colour)
