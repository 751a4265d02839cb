"""A folder that Hugging Face's `datasets.load_dataset` opens: JSON lines and a card that gives every column its type.

Two parts: `comments` (all of them, with what each is about) and `refinements`; further `prompts` and `responses` that
nobody commented on. Everything that records hold is in the columns, so that a folder read back gives equal records. The
layout is that of https://huggingface.co/docs/datasets/repository_structure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sayso.errors import NotFoundError, RecordError
from sayso.i18n import gettext as _
from sayso.records import Comment, Prompt, Refinement, Response, plain
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.files import make_folder, read_objects, write_text
from sayso.store.bridges.joining import together
from sayso.store.bridges.leftover import unjudged
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged, Records, Written, tally
from sayso.store.forms import prompt_line, prompt_of, records_of, response_of
from sayso.store.lines import write_lines
from sayso.store.rules import wrong
from sayso.store.wire import CommentLine, PromptLine, ResponseLine, shaped

PARTS = ("prompts", "responses", "comments", "refinements")
"""In the order they have to be read in."""
_TEXT, _NUMBER, _WHOLE = "string", "float64", "int64"
_MESSAGES = [("role", _TEXT), ("content", _TEXT)]
_SPANS = [("start", _WHOLE), ("end", _WHOLE), ("quote", _TEXT), ("prefix", _TEXT), ("suffix", _TEXT)]
_ASKED: dict[str, Any] = {"messages": _MESSAGES, "prompt_id": _TEXT, "family": _TEXT, "split": _TEXT}
_ANSWERED: dict[str, Any] = {**_ASKED, "response": _TEXT, "response_id": _TEXT, "version": _TEXT, "verdicts": [_TEXT]}
_SAID: dict[str, Any] = {
    "id": _TEXT, "text": _TEXT, "kind": _TEXT, "polarity": _NUMBER, "severity": _TEXT, "reach": _TEXT, "scope_text": _TEXT,
    "spans": _SPANS, "supersedes": [_TEXT], "author": _TEXT, "source": _TEXT, "created": _TEXT, "status": _TEXT,
    "check": _TEXT, "probes": _TEXT,
}  # fmt: skip
_BETTERED: dict[str, Any] = {"id": _TEXT, "text": _TEXT, "addresses": [_TEXT], "refiner": _TEXT, "source": _TEXT}
COLUMNS: dict[str, dict[str, Any]] = {
    "prompts": _ASKED,
    "responses": _ANSWERED,
    "comments": {**_SAID, **_ANSWERED},
    "refinements": {**_BETTERED, **_ANSWERED},
}
"""The columns of each part; a list of pairs is a list of objects. `check` and `probes` are JSON in text."""
_FREE = ("check", "probes")


def read(path: Path) -> Bridged:
    """Read a folder that `write` made, or one of its files."""
    if path.is_file():
        part = next((name for name in PARTS if path.name.startswith(name)), "comments")
        return bridged(path.name, read_objects(path), _READERS[part])
    files = [(name, path / f"{name}.jsonl") for name in PARTS if (path / f"{name}.jsonl").is_file()]
    if not path.is_dir():
        raise NotFoundError("{where}: there is no such file", where=str(path))
    if not files and not (path / "README.md").is_file():  # the card alone is an empty store
        expected = ", ".join(f"{name}.jsonl" for name in PARTS)
        raise RecordError("{where}: found none of {expected} in this folder", where=str(path), expected=expected)
    return together([bridged(file.name, read_objects(file), _READERS[name]) for name, file in files])


def write(records: Records, path: Path) -> Written:
    """Write the folder; a part without records has no file."""
    make_folder(path)
    about = [item.response for item in records.comments if item.response is not None]
    about += [item.response for item in records.refinements]
    shown = {response.id for response in about}
    asked = {response.prompt.id for response in (*about, *records.responses)}
    lines: dict[str, list[dict[str, Any]]] = {
        "prompts": [_asked(item) for item in records.prompts if item.id not in asked],
        "responses": [_answered(item, records) for item in records.responses if item.id not in shown],
        "comments": [_said(item, records) for item in records.comments],
        "refinements": [_bettered(item, records) for item in records.refinements],
    }
    files = [path / f"{name}.jsonl" for name in PARTS if lines[name]]
    count = sum(write_lines(path / f"{name}.jsonl", lines[name]) for name in PARTS if lines[name])
    for name in PARTS:
        if not lines[name]:
            (path / f"{name}.jsonl").unlink(missing_ok=True)  # of an earlier export
    write_text(path / "README.md", card({name: len(found) for name, found in lines.items() if found}))
    lost = tally(item for item in unjudged(records) if item[0] != "verdict")
    return Written(count=count, lost=lost, files=(*files, path / "README.md"))


def card(counts: Mapping[str, int]) -> str:
    """Return the card of a folder with so many rows in each part: YAML that `datasets` reads, and a word for people."""
    lines = ["---", "configs:"]
    for name in counts:
        lines += [f"- config_name: {name}", f"  data_files: {name}.jsonl"]
        lines += ["  default: true"] if name == "comments" else []
    lines.append("dataset_info:")
    for name in counts:
        lines += [f"- config_name: {name}", "  features:", *_features(COLUMNS[name])]
    lines += ["---", "", "# Comments on a model's answers", ""]
    lines += [f"- `{name}`: {count}" for name, count in counts.items()]
    return "\n".join([*lines, "", "Written by `sayso comments export --format datasets`.", ""])


def _features(columns: Mapping[str, Any]) -> Iterable[str]:
    for name, kind in columns.items():
        yield f"  - name: {name}"
        if isinstance(kind, str):
            yield f"    dtype: {kind}"
        elif isinstance(kind[0], str):
            yield f"    list: {kind[0]}"
        else:
            yield "    list:"
            for inner, inner_kind in kind:
                yield f"    - name: {inner}"
                yield f"      dtype: {inner_kind}"


def _asked(prompt: Prompt) -> dict[str, Any]:
    messages = [plain(message) for message in prompt.messages]
    return {"messages": messages, "prompt_id": prompt.id, "family": prompt.family, "split": prompt.split}


def _answered(response: Response, records: Records) -> dict[str, Any]:
    said = {"response": response.text, "response_id": response.id, "version": response.version}
    return {**_asked(response.prompt), **said, "verdicts": list(records.verdicts.get(response.id, ()))}


def _said(comment: Comment, records: Records) -> dict[str, Any]:
    probes = [{"scope": probe.scope, "prompt": prompt_line(probe.prompt)} for probe in comment.probes]
    form = {name: plain(getattr(comment, name)) for name in _SAID if name not in _FREE}
    form["check"] = json.dumps(plain(comment.check), ensure_ascii=False) if comment.check else None
    form["probes"] = json.dumps(probes, ensure_ascii=False) if probes else None
    blank: dict[str, Any] = {name: [] if isinstance(kind, list) else None for name, kind in _ANSWERED.items()}
    return form | (_answered(comment.response, records) if comment.response else blank)


def _bettered(refinement: Refinement, records: Records) -> dict[str, Any]:
    return {name: plain(getattr(refinement, name)) for name in _BETTERED} | _answered(refinement.response, records)


def _read_prompt(fields: Fields) -> Row:
    return Row(prompts=[prompt_of(_shaped(PromptLine, _asked_line(fields)))])


def _read_response(fields: Fields) -> Row:
    return Row(responses=[response_of(_shaped(ResponseLine, _answered_line(fields)))])


def _read_comment(fields: Fields) -> Row:
    line = {name: fields.raw(name) for name in _SAID if fields.raw(name) != []}
    for name in _FREE:
        line[name] = _opened(fields, name)
    comment, _none = records_of(_shaped(CommentLine, line | _answered_line(fields)))
    return Row(comments=[comment] if comment else [])


def _read_refinement(fields: Fields) -> Row:
    line = {"refinement": {name: fields.raw(name) for name in _BETTERED}, **_answered_line(fields)}
    _none, found = records_of(_shaped(CommentLine, line))
    return Row(refinements=list(found))


_READERS = {
    "prompts": _read_prompt, "responses": _read_response, "comments": _read_comment, "refinements": _read_refinement,
}  # fmt: skip


def _asked_line(fields: Fields) -> dict[str, Any]:
    names = {"messages": "messages", "prompt_id": "id", "family": "family", "split": "split"}
    return {inner: fields.raw(name) for name, inner in names.items()}


def _answered_line(fields: Fields) -> dict[str, Any]:
    asked = _asked_line(fields)
    text, name, version = (fields.raw(item) for item in ("response", "response_id", "version"))
    if text is None:
        return {}
    return {"prompt": asked, "response": {"text": text, "id": name}, "version": version}


def _opened(fields: Fields, name: str) -> Any:
    text = fields.words(name)
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        raise wrong(name, text, _("JSON")) from error


def _shaped(shape: type[Any], value: dict[str, Any]) -> Any:
    line, problems = shaped(shape, value)
    if line is None:
        raise problems[0]
    return line
