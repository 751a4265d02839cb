"""The take plane: gain against leak, a point a condition, with its intervals."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
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
        rows = [row for row in result["conditions"] if "gain" in row["figures"] and "leak" in row["figures"]]
        figure = Figure(figsize=(7.2, max(5.0, 1.0 + 0.2 * len(rows))), layout="constrained")
        axes = figure.subplots()
        axes.axhline(0, color="#cccccc", linewidth=0.8, zorder=0)
        axes.axvline(0, color="#cccccc", linewidth=0.8, zorder=0)
        for row in rows:
            _point(axes, row)
        axes.set_xlabel(_("leak: change of the effect near the scope"))
        axes.set_ylabel(_("gain: change of the effect in scope"))
        axes.set_title(f"{result['model']['name']}, {result['tier']}")
        axes.margins(0.1)
        _names(axes, rows)
        text = io.StringIO()
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    return text.getvalue()


def _point(axes: Any, row: Mapping[str, Any]) -> None:
    (gain, *up), (leak, *along) = ([each[0] if value is None else value for value in each] for each in (
        row["figures"]["gain"], row["figures"]["leak"]))  # fmt: skip
    axes.errorbar(
        leak, gain, xerr=[[leak - along[0]], [along[1] - leak]], yerr=[[gain - up[0]], [up[1] - gain]],
        marker=_MARKS[row["kind"]][0], color=_colour(row), markersize=6, elinewidth=0.8, linestyle="none",
    )  # fmt: skip


def _names(axes: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Name the points in a column beside the plane, in the order of their gains: controls lie upon each other."""
    for place, row in enumerate(sorted(rows, key=lambda row: row["figures"]["gain"][0])):
        axes.annotate(
            row["name"], (row["figures"]["leak"][0], row["figures"]["gain"][0]), xytext=(1.03, (place + 0.5) / len(rows)),
            textcoords="axes fraction", va="center", fontsize=8, color=_colour(row), annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "#cccccc", "linewidth": 0.5, "relpos": (0, 0.5)},
        )  # fmt: skip


def _colour(row: Mapping[str, Any]) -> str:
    return "#c02020" if row["verdict"] == "flagged" else _MARKS[row["kind"]][1]
