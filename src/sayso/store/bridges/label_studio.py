"""Label Studio's JSON: tasks with annotations of labels on text, text areas and choices.

Reads the export called JSON (not JSON_MIN) of https://labelstud.io/guide/task_format; the prompt and the response are
looked for in `data` under their usual names. Text areas whose name speaks of correcting or rewriting hold a better
response; others, words. Offsets are characters, and where the text of a region says otherwise, the text is believed.
Writes tasks that Label Studio imports: kinds as labels, words and better responses as text areas.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.records import Comment, Response, Span
from sayso.store.anchors import anchored
from sayso.store.bridges.carried import KEY, Group, groups, packed, unpacked
from sayso.store.bridges.chat import BETTER_NAMES, PROMPT_NAMES, RESPONSE_NAMES, asked, transcript
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.files import read_objects, write_json
from sayso.store.bridges.marks import Edit, Mark, row_of
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged, Records, Written
from sayso.store.rules import wrong
from sayso.store.wire import SpanLine


def read(path: Path) -> Bridged:
    """Read a JSON export of tasks with their annotations."""
    return bridged(path.name, read_objects(path), _row)


def write(records: Records, path: Path) -> Written:
    """Write a task for every response, its open comments as regions and text areas; all else rides in `data.sayso`."""
    found, lost = groups(records)
    write_json(path, [_task(group) for group in found])
    return Written(count=len(found), lost=lost, files=(path,))


def _row(fields: Fields) -> Row:
    data = fields.inner("data")
    before = unpacked(data)
    response = _response(data, before)
    marks: list[Mark] = []
    edits: list[Edit] = []
    lost: list[tuple[str, str]] = []
    for annotation in fields.each("annotations"):
        if annotation.flag("was_cancelled"):
            lost.append(("annotations[]", _("it was cancelled")))
            annotation.raw("result")
        else:
            _annotation(annotation, response, marks, edits)
    row = row_of(response, marks, edits, before)
    row.lost += lost
    return row


def _response(data: Fields, before: Group | None) -> Response:
    names = [name for name in RESPONSE_NAMES if name in data.value] if before is not None else []
    if before is not None:
        data.raw("prompt")
        text = data.words(names[0]) if names else before.response.text
        if text != before.response.text:
            raise wrong(data.name(names[0]), text, _("the response that rides in `sayso`; take one of them out"))
        return before.response
    prompt_name = data.one_of(*PROMPT_NAMES)
    others = [name for name in RESPONSE_NAMES if name != prompt_name]
    return Response(prompt=asked(data.raw(prompt_name), data.name(prompt_name)), text=data.text(data.one_of(*others)))


def _annotation(annotation: Fields, response: Response, marks: list[Mark], edits: list[Edit]) -> None:
    author, created = _author(annotation), annotation.words("created_at")
    places: dict[str, dict[str, Any]] = {}
    for item in annotation.each("result"):
        kind, value, place = item.words("type"), item.inner("value"), item.label("id")
        source, name = item.words("from_name"), item.name("value")
        item.raw("to_name")
        if kind == "textarea" and "start" not in value.value and any(part in source.lower() for part in BETTER_NAMES):
            edits += [Edit(text=text, id=place, author=author) for text in value.texts("text")]
            continue
        if kind not in ("labels", "textarea", "choices"):
            item.raw("type")
            continue  # its value is listed as lost
        mark = places.setdefault(place, {"id": place})
        if "start" in value.value:
            mark["span"] = _span(value, response.text, name)
        _add(mark, kind, value, source)
    marks += [Mark(author=author, created=created, **mark) for mark in places.values()]


def _add(mark: dict[str, Any], kind: str, value: Fields, source: str) -> None:
    """Add to a mark what one result says of its place."""
    if kind == "labels":
        mark["label"] = ", ".join(value.texts("labels"))
    elif kind == "textarea":
        mark["words"] = "\n".join(value.texts("text"))
    elif source.lower() == "severity":
        mark["severity"] = ", ".join(value.texts("choices"))
    elif source.lower() == "kind":
        mark["label"] = ", ".join(value.texts("choices"))
    else:
        mark["words"] = f"{source}: {', '.join(value.texts('choices'))}"


def _span(value: Fields, text: str, field: str) -> Span:
    start, end = value.whole("start"), value.whole("end")
    quote = value.words("text") if isinstance(value.value.get("text"), str) else None
    try:
        return anchored(text, SpanLine(start=start, end=end, quote=quote or None), field)
    except RecordError:
        inside = start is not None and end is not None and 0 <= start < end <= len(text)
        if quote and inside and text[start:end].strip() == quote.strip().replace("\\n", "\n"):
            return anchored(text, SpanLine(start=start, end=end), field)
        raise


def _author(annotation: Fields) -> str:
    found = annotation.raw("completed_by")
    if isinstance(found, dict):
        found = found.get("email") or found.get("id")
    return "" if found is None else str(found)


def _task(group: Group) -> dict[str, Any]:
    results = [part for comment in group.open for part in _regions(comment)]
    results += [_area(item.id, "refinement", {"text": [item.text]}) for item in group.refinements]
    data = {"prompt": transcript(group.response.prompt), "response": group.response.text, KEY: packed(group)}
    return {"data": data, "annotations": [{"result": results}] if results else []}


def _regions(comment: Comment) -> Iterator[dict[str, Any]]:
    if not comment.spans:
        yield _area(comment.id, "comment", {"text": [comment.text]})
        return
    for number, span in enumerate(comment.spans):
        place = {"start": span.start, "end": span.end}
        shared = {"id": f"{comment.id}#{number}", "to_name": "response"}
        yield {
            **shared,
            "from_name": "kind",
            "type": "labels",
            "value": {**place, "text": span.quote, "labels": [comment.kind]},
        }
        yield {**shared, "from_name": "comment", "type": "textarea", "value": {**place, "text": [comment.text]}}
        if comment.severity:
            value = {**place, "choices": [comment.severity]}
            yield {**shared, "from_name": "severity", "type": "choices", "value": value}


def _area(place: str, name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"id": place, "from_name": name, "to_name": "response", "type": "textarea", "value": value}
