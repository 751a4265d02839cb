"""Langfuse's exports: traces and observations (what was asked and answered) with scores and their comments.

Reads a trace as the page downloads it (with its `scores`), a JSON, JSONL or CSV export of traces or observations, and a
folder of such files where scores stand in files of their own and name their trace or observation
(https://langfuse.com/docs/api-and-data-platform/features/blob-storage-export-fields). A score's comment is a comment; its
value, where it lies between 0 and 1, is how good the response was found. A correction
(https://langfuse.com/docs/observability/features/corrections) is a refinement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sayso.i18n import gettext as _
from sayso.records import Comment, Refinement, Response, Source
from sayso.store.bridges import joining
from sayso.store.bridges.chat import answer_of, kind_by, prompt_of
from sayso.store.bridges.fields import Fields, missing
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged
from sayso.store.bridges.times import moment

_SOURCES: dict[str, Source] = {"EVAL": "model", "ANNOTATION": "person", "API": "person"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What was asked and answered under an id."""

    asked: Any
    answered: Any
    version: str


@dataclass(kw_only=True, slots=True)
class _Known:
    """What all the files together say, which rows lean on."""

    texts: dict[str, _Seen] = field(default_factory=dict)
    unit: set[str] = field(default_factory=set)
    """The names of scores whose values all lie from 0 to 1."""


def read(path: Path) -> Bridged:
    """Read a file, or a folder of files that belong together."""
    found = joining.sources(path, under=("data", "traces"))
    seen = _Known()
    values: list[tuple[str, Any]] = []
    for row in joining.rows(found):
        _remember(row, seen)
        values += _values(row)
    seen.unit |= joining.unit_scales(values)
    return joining.together([bridged(part.name, part.lines, lambda fields: _row(fields, seen)) for part in found])


def _remember(row: Mapping[str, Any], seen: _Known) -> None:
    if row.get("input") is not None and row.get("output") is not None and row.get("id") is not None:
        model = (
            row.get("model") or row.get("provided_model_name") or row.get("providedModelName") or row.get("version") or ""
        )
        seen.texts[str(row["id"])] = _Seen(asked=row["input"], answered=row["output"], version=str(model))
    parts = row.get("observations")
    for part in parts if isinstance(parts, list) else []:  # anything else is named as a fault where the row is read
        if isinstance(part, Mapping):
            _remember(part, seen)


def _row(fields: Fields, seen: _Known) -> Row:
    if "input" not in fields.value and "output" not in fields.value:
        row = Row()
        _score(row, fields, seen, "")
        return row
    row, trace = Row(), fields.label("id")
    if trace in seen.texts:
        fields.raw("input"), fields.raw("output"), fields.raw("model"), fields.raw("provided_model_name")
        row.responses.append(_response(seen.texts[trace]))
    for score in fields.each("scores") if isinstance(fields.value.get("scores"), list) else []:
        _score(row, score, seen, trace)
    for part in fields.each("observations"):
        _observed(row, part, seen)
    return row


def _observed(row: Row, part: Fields, seen: _Known) -> None:
    name = part.label("id")
    if name in seen.texts:
        part.raw("input"), part.raw("output"), part.raw("model")
        row.responses.append(_response(seen.texts[name]))
    for score in part.each("scores"):
        _score(row, score, seen, name)


def _score(row: Row, score: Fields, seen: _Known, trace: str) -> None:
    """Add what one score says: a comment, a better response, or nothing in words."""
    observation = score.label("observationId") or score.label("observation_id")
    trace = score.label("traceId") or score.label("trace_id") or trace
    about = seen.texts.get(observation) or seen.texts.get(trace)
    if about is None:
        raise missing(
            score.name("traceId"), _("a trace or an observation with input and output; give the folder with both files")
        )
    response, name = _response(about), score.label("id")
    kind = score.words("dataType") or score.words("data_type")
    if kind == "CORRECTION":
        text = next(
            (score.words(item) for item in ("stringValue", "string_value", "longStringValue", "value") if item in score), ""
        )
        row.refinements.append(Refinement(response=response, text=text, id=f"langfuse-{name}" if name else ""))
        return
    polarity = _polarity(score, kind, seen)
    words = score.words("comment")
    if not words.strip():
        row.lost.append(("scores[].value", _("a score without a comment has no words")))
        return
    row.comments.append(
        Comment(
            text=words, response=response, polarity=polarity, kind=kind_by(polarity), id=f"langfuse-{name}" if name else "",
            author=score.label("authorUserId") or score.label("author_user_id"),
            source=_SOURCES.get(score.words("source"), "person"), created=moment(_when(score), score.name("timestamp")),
        )
    )  # fmt: skip


def _when(score: Fields) -> Any:
    return score.raw("timestamp") or score.raw("createdAt") or score.raw("created_at")


def _polarity(score: Fields, kind: str, seen: _Known) -> float | None:
    """Return a value on the scale from -1 to 1; None for categories, and for numbers on another scale than 0 to 1."""
    name = score.words("name")
    if kind in ("CATEGORICAL", "TEXT") or (kind != "BOOLEAN" and name not in seen.unit):
        return None
    value = score.number("value")
    return None if value is None else 2 * value - 1


def _values(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give the names and values of the scores in a row."""
    if "value" in row and "name" in row:
        yield str(row["name"]), row["value"]
    for name in ("scores", "observations"):
        for part in row.get(name) or [] if isinstance(row.get(name), list) else []:
            if isinstance(part, Mapping):
                yield from _values(part)


def _response(about: _Seen) -> Response:
    return Response(prompt=prompt_of(about.asked, "input"), text=answer_of(about.answered, "output"), version=about.version)
