"""doccano's JSONL: a text with labelled spans and free comments; other columns are kept by doccano as they are.

Reads exports of sequence labelling (`label` as `[start, end, name]`, or `entities` with offsets) and their `Comments`
(https://github.com/doccano/doccano, backend/data_export). A column has to hold what was asked. Offsets are counted as
doccano counts them, in UTF-16 units, where a picture sign counts two
(https://github.com/doccano/doccano/issues/2290); a project that counts grapheme clusters is not understood.
Writes lines for a sequence labelling project: kinds as labels; the words ride, since doccano imports no comments.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sayso.i18n import gettext as _
from sayso.records import Response, Span
from sayso.store.anchors import anchored
from sayso.store.bridges.carried import KEY, Group, groups, packed, unpacked
from sayso.store.bridges.chat import PROMPT_NAMES, asked, transcript
from sayso.store.bridges.fields import Fields, missing
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.marks import Mark, joined, row_of
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged, Records, Written
from sayso.store.lines import write_lines
from sayso.store.rules import wrong
from sayso.store.wire import SpanLine

_TRIPLE = 3


def read(path: Path) -> Bridged:
    """Read a JSONL export of a sequence labelling project."""
    return bridged(path.name, read_objects(path), _row)


def write(records: Records, path: Path) -> Written:
    """Write a line for every response, the spans of its open comments labelled with their kinds."""
    found, lost = groups(records)
    return Written(count=write_lines(path, [_line(group) for group in found]), lost=lost, files=(path,))


def _row(fields: Fields) -> Row:
    before = unpacked(fields)
    response = _response(fields, before)
    lost: list[tuple[str, str]] = []
    marks = [*_spans(fields, response.text, lost), *(Mark(words=words) for words in _words(fields))]
    if before is None:
        row = row_of(response, joined(marks), [], None)
    else:
        row = row_of(response, _recognised(marks, before), [], before)
    row.lost += lost
    return row


def _response(fields: Fields, before: Group | None) -> Response:
    text = fields.text("text")
    if before is not None:
        fields.raw("prompt")
        if text != before.response.text:
            raise wrong(fields.name("text"), text, _("the response that rides in `sayso`; take one of them out"))
        return before.response
    names = [name for name in PROMPT_NAMES if name in fields]
    if not names:
        raise missing("prompt", _("a column with what the model was asked; add it to the file"))
    return Response(prompt=asked(fields.raw(names[0]), names[0]), text=text)


def _spans(fields: Fields, text: str, lost: list[tuple[str, str]]) -> Iterator[Mark]:
    name = "label" if "label" in fields.value else "labels"
    for number, item in enumerate(fields.many(name)):
        place = f"{name}[{number}]"
        if isinstance(item, str):
            lost.append((name, _("a label of the whole text, or a text; only spans are understood")))
        elif not isinstance(item, list) or len(item) != _TRIPLE or not isinstance(item[2], str):
            raise wrong(place, item, _("[start, end, label]"))
        else:
            yield Mark(span=_span(text, item[0], item[1], place), label=item[2])
    for entity in fields.each("entities"):
        entity.raw("id")
        span = _span(text, entity.raw("start_offset"), entity.raw("end_offset"), entity.path)
        yield Mark(span=span, label=entity.words("label"))


def _words(fields: Fields) -> Iterator[str]:
    name = "Comments" if "Comments" in fields.value else "comments"
    for number, item in enumerate(fields.many(name)):
        words = item.get("comment", item.get("text")) if isinstance(item, dict) else item
        if not isinstance(words, str):
            raise wrong(f"{name}[{number}]", item, _("text"))
        yield words


def _recognised(marks: list[Mark], before: Group) -> list[Mark]:
    """Give the marks that sayso wrote their ids again, by where they are, and drop those of words that it wrote."""
    known_words = {comment.text for comment in before.comments}
    places: list[tuple[tuple[int, int, str], str]] = [
        ((span.start, span.end, comment.kind), f"{comment.id}#{number}")
        for comment in before.open
        for number, span in enumerate(comment.spans)
    ]
    found: list[Mark] = []
    for mark in marks:
        if mark.span is None:
            if mark.words not in known_words:
                found.append(mark)
            continue
        key = (mark.span.start, mark.span.end, mark.label)
        home = next((name for place, name in places if place == key), "")
        if home:
            places.remove((key, home))
        found.append(Mark(id=home, span=mark.span, label=mark.label))
    found += [Mark(id=comment.id) for comment in before.open if not comment.spans]
    return found


def _span(text: str, start: Any, end: Any, field: str) -> Span:
    for name, value in (("start", start), ("end", end)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong(f"{field}.{name}", value, _("a whole number"))
    try:
        first, last = points(text, start), points(text, end)
    except ValueError:
        raise wrong(field, [start, end], _("offsets in UTF-16 units, within the text")) from None
    return anchored(text, SpanLine(start=first, end=last), field)


def units(text: str, place: int) -> int:
    """Return an offset in characters as one in UTF-16 units."""
    return len(text[:place].encode("utf-16-le", "surrogatepass")) // 2


def points(text: str, place: int) -> int:
    """Return an offset in UTF-16 units as one in characters; ValueError within a character or outside the text."""
    raw = text.encode("utf-16-le", "surrogatepass")
    if not 0 <= place * 2 <= len(raw):
        raise ValueError(place)
    return len(raw[: place * 2].decode("utf-16-le"))


def _line(group: Group) -> dict[str, Any]:
    text = group.response.text
    labels = [
        [units(text, span.start), units(text, span.end), comment.kind] for comment in group.open for span in comment.spans
    ]
    return {
        "text": text,
        "label": labels,
        "Comments": [comment.text for comment in group.open],
        "prompt": transcript(group.response.prompt),
        KEY: packed(group),
    }
