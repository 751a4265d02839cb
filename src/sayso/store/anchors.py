"""Where in a response a span stands, when it says so by offsets, by its words, or by both."""

from __future__ import annotations

from collections.abc import Iterator

from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.records import Span
from sayso.store.rules import shown, wrong
from sayso.store.wire import SpanLine


def anchored(text: str, line: SpanLine, field: str) -> Span:
    """Return the span in `text`; where its quote is not at its offsets, the quote decides, with prefix and suffix.

    Raises:
        RecordError: it points outside the text, its words are not there, or they are there more than once and nothing
            tells which is meant.
    """
    start, end = (line.start, line.end) if line.quote is None else _found(text, line, line.quote, field)
    if start is None or end is None:
        name = "start" if start is None else "end"
        expected = _("a character of the response, or a `quote` to find it by")
        raise RecordError("{field}: missing; expected {expected}", field=f"{field}.{name}", expected=expected)
    if not 0 <= start < end <= len(text):
        expected = _("0 <= start < end <= {length}, the characters of the response").format(length=len(text))
        raise wrong(field, [start, end], expected)
    return Span(start=start, end=end, quote=text[start:end], prefix=line.prefix or "", suffix=line.suffix or "")


def _found(text: str, line: SpanLine, quote: str, field: str) -> tuple[int, int]:
    if not quote:
        raise wrong(f"{field}.quote", quote, _("words of the response"))
    if (
        line.start is not None
        and line.start >= 0
        and line.end == line.start + len(quote)
        and text.startswith(quote, line.start)
    ):
        return line.start, line.end
    ranked = sorted((_distance(text, line, place, len(quote)), place) for place in _places(text, quote))
    if not ranked:
        raise wrong(f"{field}.quote", quote, _("words of the response {response}").format(response=shown(text)))
    best = [place for rank, place in ranked if rank == ranked[0][0]]
    if len(best) > 1:
        raise RecordError(
            "{field}: the response has {quote} in {count} places, expected `start`, `prefix` or `suffix` that tells which",
            field=f"{field}.quote", quote=shown(quote), count=len(best),
        )  # fmt: skip
    return best[0], best[0] + len(quote)


def _places(text: str, quote: str) -> Iterator[int]:
    place = text.find(quote)
    while place >= 0:
        yield place
        place = text.find(quote, place + 1)


def _distance(text: str, line: SpanLine, place: int, length: int) -> tuple[int, int]:
    """Rank a place: first by the surroundings that do not fit, then by how far it is from `start`."""
    before, after = line.prefix or "", line.suffix or ""
    misfits = (not text[:place].endswith(before)) + (not text[place + length :].startswith(after))
    return misfits, 0 if line.start is None else abs(place - line.start)
