"""Arize Phoenix's exports: spans (what was asked and answered) and annotations on them.

Reads the span annotations of the REST API or of `get_span_annotations_dataframe`, together with the spans, as JSON, JSONL
or CSV: in one file, in rows that are both, or in a folder with a file of each
(https://arize.com/docs/phoenix/tracing/how-to-tracing/importing-and-exporting-traces/exporting-annotated-spans).
An explanation is a comment; a score from 0 to 1 is how good the response was found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sayso.i18n import gettext as _
from sayso.records import Comment, Response, Source
from sayso.store.bridges import joining
from sayso.store.bridges.chat import answer_of, kind_by, prompt_of
from sayso.store.bridges.fields import Fields, missing
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged
from sayso.store.bridges.times import moment

_SOURCES: dict[str, Source] = {"HUMAN": "person", "LLM": "model", "CODE": "tool"}
_MODEL = "llm.model_name"


@dataclass(kw_only=True, slots=True)
class _Known:
    """What all the files together say, which annotations lean on."""

    responses: dict[str, tuple[Any, Any, str]] = field(default_factory=dict)
    """By the id of a span: what was asked, what was answered, by which model."""
    unit: set[str] = field(default_factory=set)
    """The names of annotations whose scores all lie from 0 to 1."""


def read(path: Path) -> Bridged:
    """Read a file, or a folder with the spans and their annotations."""
    found = joining.sources(path, under=("data", "annotations", "spans"))
    known = _Known()
    scores: list[tuple[str, Any]] = []
    for row in joining.rows(found):
        _remember(row, known)
        scores += _scores(row)
    known.unit |= joining.unit_scales(scores)
    return joining.together([bridged(part.name, part.lines, lambda fields: _row(fields, known)) for part in found])


def _remember(row: Mapping[str, Any], known: _Known) -> None:
    asked, answered = _attribute(row, "input.value"), _attribute(row, "output.value")
    if asked is not None and answered is not None:
        known.responses[_span(row)] = (asked, answered, str(_attribute(row, _MODEL) or ""))


def _attribute(row: Mapping[str, Any], name: str) -> Any:
    """Return an attribute of a span, whether attributes are columns, a flat object or nested objects."""
    if row.get(f"attributes.{name}") is not None:
        return row[f"attributes.{name}"]
    found: Any = row.get("attributes")
    if isinstance(found, Mapping) and name in found:
        return found[name]
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _span(row: Mapping[str, Any]) -> str:
    context = row.get("context")
    inside = context.get("span_id") if isinstance(context, Mapping) else None
    return str(row.get("span_id") or row.get("context.span_id") or inside or row.get("id") or "")


def _row(fields: Fields, known: _Known) -> Row:
    row, span = Row(), _span(fields.value)
    for name in ("span_id", "context.span_id", "context"):
        fields.raw(name)
    if span in known.responses and _attribute(fields.value, "input.value") is not None:
        for name in ("attributes.input.value", "attributes.output.value", f"attributes.{_MODEL}", "attributes"):
            fields.raw(name)
        row.responses.append(_response(known, span))
        for annotation in fields.each("annotations"):
            _annotation(row, annotation, known, span)
    if "annotator_kind" in fields.value or "explanation" in fields.value or "result" in fields.value:
        _annotation(row, fields, known, span)
    elif not row.responses:
        row.lost.append(("span", _("a span without input and output is no response")))
    return row


def _annotation(row: Row, fields: Fields, known: _Known, span: str) -> None:
    if span not in known.responses:
        raise missing(fields.name("span_id"), _("a span with input and output; give the folder with the spans too"))
    result = fields.inner("result") if isinstance(fields.value.get("result"), Mapping) else fields
    prefix = "result." if "result.explanation" in fields.value or "result.score" in fields.value else ""
    words, label = result.words(f"{prefix}explanation"), result.label(f"{prefix}label")
    name = fields.words("name") or fields.words("annotation_name")
    score = result.number(f"{prefix}score") if name in known.unit else None
    if not words.strip() and not label:
        row.lost.append(("score", _("a score without an explanation or a label has no words")))
        return
    if words.strip() and label:
        row.lost.append(("label", ""))
    polarity = None if score is None else 2 * score - 1
    row.comments.append(
        Comment(
            text=words if words.strip() else f"{name}: {label}", response=_response(known, span), polarity=polarity,
            kind=kind_by(polarity), author=fields.label("user_id") or fields.label("identifier"),
            source=_SOURCES.get(fields.words("annotator_kind"), "person"),
            created=moment(fields.raw("created_at"), fields.name("created_at")),
        )
    )  # fmt: skip


def _response(known: _Known, span: str) -> Response:
    asked, answered, version = known.responses[span]
    return Response(prompt=prompt_of(asked, "input"), text=answer_of(answered, "output"), version=version)


def _scores(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give the names and scores of the annotations in a row."""
    inner = row.get("result")
    score = inner.get("score") if isinstance(inner, Mapping) else row.get("score", row.get("result.score"))
    if score is not None:
        yield str(row.get("name") or row.get("annotation_name") or ""), score
    for part in row.get("annotations") or [] if isinstance(row.get("annotations"), list) else []:
        if isinstance(part, Mapping):
            yield from _scores(part)
