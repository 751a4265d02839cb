"""Pictures for the pages, as small SVG elements that may stand in a page as they are.

They carry no style and no script, so that a strict content security policy has nothing to refuse. Everything is drawn in the
colour of the text around it (`currentColor`), in strengths that hold on light and dark pages; the classes are there for a
style sheet that wants more. Each has a name and, for those who listen, its numbers in its description. They are 400 units
wide with the words above the bars, so that they can be read on a telephone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from html import escape
from itertools import accumulate

from sayso.i18n import gettext as _

WIDTH = 400
_STRENGTHS = (0.85, 0.5, 0.25, 0.05)
"""Of the parts of one bar, in their order."""
_LABEL = 54
"""Columns that fit over a bar beside its number; a Chinese character takes two."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One line of a bar chart: how much, out of how much where there is a whole, and of which parts where there are any."""

    label: str
    value: float
    of: float | None = None
    parts: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Their sum is `value`."""
    shown: str = ""
    """What is written beside the bar; the value, and the whole, where it is empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """One line of a chart of intervals: an estimate between its limits."""

    label: str
    value: float
    low: float
    high: float


def bars(name: str, title: str, rows: Sequence[Bar]) -> str:
    """Return horizontal bars on one scale from 0, a line each; empty without rows. `name` makes the ids unique on a page."""
    if not rows:
        return ""
    scale = (WIDTH - 2) / (max(max(row.value, row.of or 0) for row in rows) or 1)
    parts = list(dict.fromkeys(part for row in rows for part in row.parts))
    drawn = []
    for number, row in enumerate(rows):
        top = 36 * number
        drawn.append(_words(row.label, row.shown or _shown(row), top + 14))
        if row.of is not None:
            drawn.append(_rect(0, top + 20, row.of * scale, 9, "picture-whole", 0.15))
        drawn += _parts(row, parts, top + 20, scale)
    bottom = 36 * len(rows)
    if parts:
        drawn.append(_legend(parts, bottom + 12))
        bottom += 24
    return _svg(name, title, [f"{row.label}: {_told(row)}" for row in rows], bottom, drawn)


def timeline(name: str, title: str, days: Mapping[str, int], marks: Mapping[str, str] | None = None) -> str:
    """Return a column for each day (or each week, month or year of days where there are many) and a line at each mark.

    Both `days` and `marks` go by ISO dates. Empty without days.
    """
    if not days:
        return ""
    columns = _columns({date.fromisoformat(day): number for day, number in days.items()})
    starts = [start for start, _number in columns]
    most = max(number for _start, number in columns) or 1
    step = WIDTH / len(columns)
    drawn = [
        f'<line class="picture-axis" x1="0" y1="112" x2="{WIDTH}" y2="112" stroke="currentColor" stroke-opacity="0.4"/>'
    ]
    for place, (_start, number) in enumerate(columns):
        if number:
            height = max(1.5, 90 * number / most)
            drawn.append(_rect(place * step, 112 - height, max(step - 1, step * 0.7), height, "picture-bar", 0.7))
    for day, label in sorted((marks or {}).items()):
        drawn += _mark(starts, date.fromisoformat(day), label, step)
    drawn.append(_words(_day(starts[0]), _day(starts[-1]) if len(starts) > 1 else "", 127))
    drawn.append(_words(_("most: {number}").format(number=most), "", 10))
    told = [f"{_day(start)}: {number}" for start, number in columns if number]
    told += [f"{day}: {label}" for day, label in sorted((marks or {}).items())]
    return _svg(name, title, told, 134, drawn)


def stretches(name: str, title: str, rows: Sequence[Stretch], *, marks: Sequence[float] = ()) -> str:
    """Return estimates as points within their intervals, from -1 or 0 to 1, with upright lines at the marks."""
    if not rows:
        return ""
    least = -1.0 if min(row.low for row in rows) < 0 else 0.0

    def across(value: float) -> float:
        return 6 + (WIDTH - 12) * (min(max(value, least), 1.0) - least) / (1.0 - least)

    bottom = 34 * len(rows)
    drawn = []
    for number, row in enumerate(rows):
        top = 34 * number
        drawn += [_upright(across(mark), top + 30, "picture-mark", dashed=True, top=top + 17) for mark in marks]
        if least < 0:
            drawn.append(_upright(across(0.0), top + 30, "picture-axis", dashed=False, top=top + 17))
        drawn.append(_words(row.label, _stretch(row), top + 14))
        drawn.append(
            f'<line class="picture-interval" x1="{across(row.low):.1f}" y1="{top + 23}" x2="{across(row.high):.1f}" '
            f'y2="{top + 23}" stroke="currentColor" stroke-width="2" stroke-opacity="0.5"/>'
            f'<circle class="picture-point" cx="{across(row.value):.1f}" cy="{top + 23}" r="4.5" fill="currentColor"/>'
        )
    for value in (least, 0.0, *marks, 1.0) if least < 0 else (least, *marks, 1.0):
        anchor = "start" if value == least else "end" if value == 1.0 else "middle"
        place = 0.0 if value == least else float(WIDTH) if value == 1.0 else across(value)
        drawn.append(_text(f"{value:g}", place, bottom + 14, anchor=anchor, size=11))
    return _svg(name, title, [f"{row.label}: {_stretch(row)}" for row in rows], bottom + 20, drawn)


def _stretch(row: Stretch) -> str:
    return _("{value} ({low} to {high})").format(value=f"{row.value:.2f}", low=f"{row.low:.2f}", high=f"{row.high:.2f}")


def _shown(row: Bar) -> str:
    if row.of is None:
        return f"{row.value:,.0f}"
    return _("{value} of {whole}").format(value=f"{row.value:,.0f}", whole=f"{row.of:,.0f}")


def _told(row: Bar) -> str:
    parts = ", ".join(f"{part} {value:,.0f}" for part, value in row.parts.items() if value)
    return f"{row.shown or _shown(row)} ({parts})" if parts else row.shown or _shown(row)


def _parts(row: Bar, names: Sequence[str], top: float, scale: float) -> list[str]:
    if not row.parts:
        return [_rect(0, top, row.value * scale, 9, "picture-bar", 0.7)]
    values = [row.parts.get(part, 0.0) * scale for part in names]
    places = [0.0, *accumulate(values)]
    return [
        _rect(place, top, max(0.0, value - 1), 9, f"picture-part picture-part-{number}", _strength(number))
        for number, (place, value) in enumerate(zip(places, values, strict=False))
        if value
    ]


def _legend(parts: Sequence[str], top: float) -> str:
    drawn, place = [], 0.0
    for number, part in enumerate(parts):
        drawn.append(_rect(place, top - 8, 10, 9, f"picture-part picture-part-{number}", _strength(number)))
        drawn.append(_text(part, place + 14, top, size=11))
        place += 26 + 6.2 * _wide(part)
    return "".join(drawn)


def _strength(number: int) -> float:
    return _STRENGTHS[min(number, len(_STRENGTHS) - 1)]


def _columns(days: Mapping[date, int]) -> list[tuple[date, int]]:
    """Return the sums of equal stretches of days without gaps, in order: as few days each as leaves at most 60 columns."""
    first, last = min(days), max(days)
    length = next(size for size in (1, 7, 30, 91, 365, 3650) if (last - first).days // size < 60)
    sums = [0] * ((last - first).days // length + 1)
    for day, number in days.items():
        sums[(day - first).days // length] += number
    return [(first + timedelta(days=length * place), number) for place, number in enumerate(sums)]


def _mark(starts: Sequence[date], day: date, label: str, step: float) -> list[str]:
    if day < starts[0]:
        return []
    later = [start for start in starts if start <= day]
    place = min((len(later) - 0.5) * step, WIDTH - 1.0)
    anchor = "end" if place > WIDTH / 2 else "start"
    aside = -4 if anchor == "end" else 4
    return [_upright(place, 112, "picture-mark", dashed=True, top=14),
            _text(_cut(label, 24), place + aside, 22, anchor=anchor, size=11)]  # fmt: skip


def _day(day: date) -> str:
    return day.isoformat()


def _upright(place: float, bottom: float, kind: str, *, dashed: bool, top: float = 0) -> str:
    dash = ' stroke-dasharray="3 3"' if dashed else ""
    return (
        f'<line class="{kind}" x1="{place:.1f}" y1="{top:g}" x2="{place:.1f}" y2="{bottom:g}" stroke="currentColor" '
        f'stroke-opacity="0.4"{dash}/>'
    )


def _rect(left: float, top: float, width: float, height: float, kind: str, strength: float) -> str:
    return (
        f'<rect class="{kind}" x="{left + 0.5:.1f}" y="{top:.1f}" width="{max(0.5, width - 1):.1f}" height="{height:.1f}" '
        f'rx="1.5" fill="currentColor" fill-opacity="{strength:g}" stroke="currentColor" stroke-opacity="0.6" '
        f'stroke-width="0.75"/>'
    )


def _words(left: str, right: str, bottom: float) -> str:
    said = _text(_cut(left, _LABEL - _wide(right)), 0, bottom)
    return said + (_text(right, WIDTH, bottom, anchor="end") if right else "")


def _text(words: str, left: float, bottom: float, *, anchor: str = "start", size: int = 13) -> str:
    return (
        f'<text class="picture-text" x="{left:.1f}" y="{bottom:g}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="currentColor">{_plain(words)}</text>'
    )


def _plain(words: str) -> str:
    """Escape what is markup and drop what XML cannot hold."""
    return escape("".join(letter for letter in words if letter.isprintable()))


def _cut(words: str, columns: int) -> str:
    if _wide(words) <= columns:
        return words
    widths = accumulate(_column(letter) for letter in words)
    kept = next(place for place, width in enumerate(widths) if width > columns - 1)
    return words[:kept] + "…"


def _wide(words: str) -> int:
    return sum(_column(letter) for letter in words)


def _column(letter: str) -> int:
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _svg(name: str, title: str, told: Sequence[str], height: float, drawn: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">{_plain(title)}</title>'
        f'<desc id="{name}-desc">{_plain("; ".join(told))}</desc>{"".join(drawn)}</svg>'
    )
