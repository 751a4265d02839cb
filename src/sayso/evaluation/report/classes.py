"""Two figures of a classifier as SVG: what it mixes up, and how far its probabilities can be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sayso.evaluation.report.figures import Line, line_figure
from sayso.i18n import gettext as _

_CELL, _LEFT, _TOP, _FONT = 34, 150, 130, 11
_MANY = 60
"""With more classes than this nobody could read the table."""


def confusion_matrix(table: NDArray[np.int64], labels: Sequence[str]) -> str:
    """Return how often each class (a row) was said to be each class (a column), darker the larger its share of the row.

    The last column of the table, what was no class at all, is shown where it is not empty. Empty with too many classes.
    """
    if len(labels) > _MANY:
        return ""
    shown = table if table[:, -1].any() else table[:, :-1]
    columns = [*labels, _("none")][: shown.shape[1]]
    width, height = _LEFT + _CELL * len(columns) + 10, _TOP + _CELL * len(labels) + 10
    described = _("How often each class, a row, was said to be each class, a column")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{_safe(described)}" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="{_FONT}">'
    ]
    for number, label in enumerate(columns):
        x = _LEFT + _CELL * (number + 0.5)
        parts.append(_words(label, x, _TOP - 8, anchor="start", turn=-60))
    for number, label in enumerate(labels):
        parts.append(_words(label, _LEFT - 8, _TOP + _CELL * (number + 0.62), anchor="end"))
        total = max(1, int(shown[number].sum()))
        parts += [_cell(row=number, column=place, count=int(count), share=count / total)
            for place, count in enumerate(shown[number])]  # fmt: skip
    return "\n".join([*parts, "</svg>"])


def reliability(bins: Sequence[tuple[float, float, int]]) -> str:
    """Return how often the classifier was right at each probability it stated; on the faint line it would be believed."""
    lines = [
        Line(points=[(0.0, 0.0), (1.0, 1.0)], faint=True),
        Line(points=[(stated, right) for stated, right, _count in bins], dots=True),
    ]
    described = _("How often it was right, at each probability that it stated")
    return line_figure(lines, name="reliability", described=described, across=_("stated probability"), up=_("share right"))


def _cell(*, row: int, column: int, count: int, share: float) -> str:
    x, y = _LEFT + _CELL * column, _TOP + _CELL * row
    colour = "var(--took)" if row == column else "var(--spilled)"
    box = f'<rect x="{x}" y="{y}" width="{_CELL - 2}" height="{_CELL - 2}" fill="{colour}" fill-opacity="{share:.3f}"/>'
    frame = f'<rect x="{x}" y="{y}" width="{_CELL - 2}" height="{_CELL - 2}" fill="none" stroke="var(--line)"/>'
    words = _words(str(count), x + (_CELL - 2) / 2, y + _CELL * 0.6, anchor="middle") if count else ""
    return box + frame + words


def _words(text: str, x: float, y: float, *, anchor: str, turn: int = 0) -> str:
    turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    shown = text if len(text) <= 22 else text[:20] + "…"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="var(--ink)"{turned}>{_safe(shown)}</text>'


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
