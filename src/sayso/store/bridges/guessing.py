"""Which format a file is in, told by its name and by the keys of its first row."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sayso.errors import RecordError
from sayso.store.bridges import IMPORTERS
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.hub import PARTS
from sayso.store.wire import CommentLine

OURS = "sayso"
"""The name of our own format."""
_OUR_KEYS = {item.name for item in dataclasses.fields(CommentLine)}
Test = Callable[[set[str]], bool]


def _has(*names: str) -> Test:
    return lambda keys: keys.issuperset(names)


def _any(*names: str) -> Test:
    return lambda keys: not keys.isdisjoint(names)


def _ours(keys: set[str]) -> bool:
    return keys <= _OUR_KEYS and ("text" in keys or {"refinement", "response"} <= keys)


def _argilla(keys: set[str]) -> bool:
    return "fields" in keys or any(key.endswith((".responses", ".suggestion")) for key in keys)


def _phoenix(keys: set[str]) -> bool:
    return "annotator_kind" in keys or any(key.startswith(("attributes", "context.span_id")) for key in keys)


_TESTS: tuple[tuple[str, Test], ...] = (
    (OURS, _ours),
    ("datasets", _has("prompt_id", "messages")),
    ("label-studio", _has("data", "annotations")),
    ("argilla", _argilla),
    ("github", _has("diff_hunk", "body")),
    ("open-webui", _any("snapshot")),
    ("phoenix", _phoenix),
    ("feedbackqa", _has("passage", "feedback", "rating")),
    ("defacto", _has("article", "candidate", "feedback")),
    ("ilf-code", _has("original_model_completion", "Feedback")),
    ("qa-feedback", _has("prediction 1", "feedback")),
    ("saf", _has("provided_answer", "answer_feedback")),
    ("self-refine", _has("transferred_review", "feedback")),
    ("cut", _has("instruction", "output", "judgment")),
    ("excgec", _has("source", "target", "edits")),
    ("openai", _any("preferred_output")),
    ("kiln", _any("input_source", "repair_instructions")),
    ("langfuse", _any("traceId", "trace_id", "scores", "observations")),
    ("doccano", lambda keys: "text" in keys and not keys.isdisjoint(("label", "entities", "Comments"))),
    ("trl", _any("chosen", "completion", "completions", "messages")),
    ("trl", lambda keys: keys == {"prompt"}),
)
"""Asked one after the other of the first row's keys."""


def guess(path: str | Path) -> str:
    """Return the name of the format that a file or folder seems to be in.

    Raises:
        NotFoundError: there is no such file.
        RecordError: it looks like none of the formats.
    """
    path = Path(path)
    found = _folder(path) if path.is_dir() else _named(path) or _first(path)
    if found is None:
        raise RecordError(
            "{where}: this looks like none of the known formats; name one with --format: {known}",
            where=str(path), known=", ".join([OURS, *IMPORTERS]),
        )  # fmt: skip
    return found


def _named(path: Path) -> str | None:
    name = path.name.lower()
    if name.endswith(".kiln"):
        return "kiln"
    return "saf" if name.endswith((".xml", ".zip", ".tar", ".tar.gz", ".tgz")) else None


def _folder(path: Path) -> str | None:
    if any(path.rglob("task_run.kiln")):
        return "kiln"
    if any((path / f"{part}.jsonl").is_file() for part in PARTS):
        return "datasets"
    if any(path.rglob("*.xml")):
        return "saf"
    files = [file for file in sorted(path.rglob("*")) if file.suffix in (".json", ".jsonl", ".csv", ".gz")]
    names = {_first(file) for file in files}
    return next((name for name in ("phoenix", "langfuse") if name in names), None)


def _first(path: Path) -> str | None:
    rows = read_objects(path)
    value = rows[0].value if rows else None
    while value is not None:
        keys = set(value)
        found = next((name for name, test in _TESTS if test(keys)), None)
        if found is not None:
            return found
        value = _inside(value)
    return None


def _inside(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the first row of the list that a document is wrapped around."""
    for name in ("data", "samples", "feedbacks", "traces", "annotations", "spans"):
        found = value.get(name)
        if isinstance(found, list) and found and isinstance(found[0], dict):
            return dict(found[0])
    return None
