"""Argilla's records as JSON: fields, and to each question the answers of people (responses) and of agents (suggestions).

Reads what `dataset.records.to_json`, `to_list` or `to_datasets` give, nested or flattened
(https://docs.argilla.io/latest/how_to_guides/import_export). Text answers are words, or a better response where the
question's name speaks of correcting or rewriting; span answers are places; label answers are labels.
Writes one record for each open comment, and one for each response nobody commented on. Everything is a suggestion, since
a response needs an account on the server; what Argilla has no question for rides in the metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sayso.i18n import gettext as _
from sayso.records import Comment, Response, Source, Span
from sayso.store.anchors import anchored
from sayso.store.bridges.carried import KEY, Group, groups, packed, unpacked
from sayso.store.bridges.chat import BETTER_NAMES, PROMPT_NAMES, RESPONSE_NAMES, asked, asked_form
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.files import read_objects, write_json
from sayso.store.bridges.marks import KINDS, Edit, Mark, joined, row_of
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged, Records, Written
from sayso.store.rules import wrong
from sayso.store.wire import SpanLine

_OF_RECORDS = ("id", "fields", "metadata", "suggestions", "responses", "vectors", "status", "_server_id")


@dataclass(kw_only=True, slots=True)
class _Answers:
    """What one person or agent answered to the questions of one record."""

    author: str
    source: Source
    words: list[tuple[str, str]] = field(default_factory=list)
    better: list[str] = field(default_factory=list)
    places: list[tuple[Span, str]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> Bridged:
    """Read records from JSON or JSONL."""
    return bridged(path.name, read_objects(path), _row)


def write(records: Records, path: Path) -> Written:
    """Write records for `rg.Dataset.records.from_json`, with questions comment, kind, severity, spans and refinement."""
    found, lost = groups(records)
    rows = [row for group in found for row in _records(group)]
    write_json(path, rows)
    return Written(count=len(rows), lost=lost, files=(path,))


def _row(fields: Fields) -> Row:
    if "fields" not in fields.value:
        fields = _nested(fields)
    inside, metadata = fields.inner("fields"), fields.inner("metadata")
    before = unpacked(metadata)
    response = _response(inside, before)
    lost: list[tuple[str, str]] = []
    answers = list(_answers(fields, response.text, lost))
    edits = [Edit(text=text, author=item.author, source=item.source) for item in answers for text in item.better]
    if before is not None:
        row = _home(before, response, answers, edits, fields.label("id"))
    else:
        row = row_of(response, [mark for item in answers for mark in joined(list(_marks(item)))], edits, None)
    row.lost += lost
    return row


def _nested(fields: Fields) -> Fields:
    """Return a flattened record in its nested form; what is neither a question's nor Argilla's own is a field."""
    form: dict[str, Any] = {"fields": {}, "responses": {}, "suggestions": {}, "metadata": {}}
    for name in fields.value:
        value = fields.raw(name)
        question, dot, rest = name.partition(".")
        if value in (None, "", [], {}):
            continue
        if rest == "responses":
            users = fields.value.get(f"{question}.responses.users") or [""] * len(value)
            form["responses"][question] = [
                {"value": item, "user_id": user} for item, user in zip(value, users, strict=False) if item is not None
            ]
        elif rest == "suggestion":
            agent = fields.value.get(f"{question}.suggestion.agent") or ""
            form["suggestions"][question] = {"value": value, "agent": agent}
        elif name == KEY:
            form["metadata"][name] = value
        elif name in _OF_RECORDS:
            form[name] = value
        elif not dot:
            form["fields"][name] = value
    return fields.replaced(form)


def _response(inside: Fields, before: Group | None) -> Response:
    if before is not None:
        inside.raw("prompt")
        if inside.words("response") != before.response.text:
            raise wrong(
                inside.name("response"),
                inside.raw("response"),
                _("the response that rides in `sayso`; take one of them out"),
            )
        return before.response
    prompt_name = inside.one_of(*PROMPT_NAMES)
    others = [name for name in RESPONSE_NAMES if name != prompt_name]
    prompt = asked(inside.raw(prompt_name), inside.name(prompt_name))
    return Response(prompt=prompt, text=inside.text(inside.one_of(*others)))


def _answers(fields: Fields, text: str, lost: list[tuple[str, str]]) -> Iterator[_Answers]:
    """Give the answers by who gave them: people first, then agents; discarded ones count as given."""
    people: dict[str, _Answers] = {}
    responses = fields.inner("responses")
    for question in responses.value:
        for number, item in enumerate(responses.each(question)):
            author = item.label("user_id")
            found = people.setdefault(author, _Answers(author=author, source="person"))
            _answer(found, question, item, text, responses.name(f"{question}[{number}]"), lost)
    yield from people.values()
    agents: dict[str, _Answers] = {}
    suggestions = fields.inner("suggestions")
    for question in suggestions.value:
        item = suggestions.inner(question)
        agent = item.label("agent")
        found = agents.setdefault(agent, _Answers(author=agent, source="model"))
        _answer(found, question, item, text, suggestions.name(question), lost)
    yield from agents.values()


def _answer(found: _Answers, question: str, item: Fields, text: str, place: str, lost: list[tuple[str, str]]) -> None:
    value = item.raw("value")
    if isinstance(value, str) and question.lower() in ("kind", "severity"):
        found.labels[question.lower()] = value
    elif isinstance(value, str) and any(part in question.lower() for part in BETTER_NAMES):
        found.better.append(value)
    elif isinstance(value, str):
        found.words.append((question, value))
    elif isinstance(value, list) and value and all(isinstance(part, Mapping) and "start" in part for part in value):
        for number, part in enumerate(value):
            inside = Fields(part, f"{place}.value[{number}]")
            span = anchored(text, SpanLine(start=inside.whole("start"), end=inside.whole("end")), inside.path)
            found.places.append((span, inside.label("label")))
    elif isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        found.words.append((question, ", ".join(value)))
    elif value is not None:
        lost.append((place.partition("[")[0], _("a rating or a ranking without words is no comment")))


def _marks(item: _Answers) -> Iterator[Mark]:
    shared: dict[str, Any] = {"author": item.author, "source": item.source, "severity": item.labels.get("severity", "")}
    kind = item.labels.get("kind", "")
    for _question, words in item.words:
        yield Mark(words=words, label=kind, **shared)
    for span, label in item.places:
        yield Mark(span=span, label=label, **shared)


def _home(before: Group, response: Response, answers: list[_Answers], edits: list[Edit], record: str) -> Row:
    """Return what became of the comment that a record was written for: the words, kind and places it has now."""
    own = next((comment for comment in before.open if comment.id == record), None)
    marks: list[Mark] = []
    taken = own is None
    for item in answers:
        if own is not None and not taken:
            marks += _own(own, item)
            taken = True
        elif item.source == "person" or own is None:  # a suggestion next to a person's answer was only shown to them
            marks += joined(list(_marks(item)))
    known = {refinement.text: refinement.id for refinement in before.refinements}
    kept = {edit.text: Edit(text=edit.text, id=known.get(edit.text, ""), author=edit.author) for edit in edits}
    return row_of(response, marks, list(kept.values()), before)


def _own(own: Comment, item: _Answers) -> Iterator[Mark]:
    """Give the marks of a comment as one person left it; where they were not asked for places, those it had stay."""
    words = next((words for question, words in item.words if question == "comment"), "")
    yield Mark(id=own.id, words=words, label=item.labels.get("kind", ""), severity=item.labels.get("severity", ""))
    yield from (Mark(words=words, author=item.author, source=item.source) for name, words in item.words if name != "comment")
    places: list[Span | None] = list(own.spans)
    for span, label in item.places or [(span, "") for span in own.spans]:
        same = (number for number, old in enumerate(places) if old and (old.start, old.end) == (span.start, span.end))
        number = next(same, len(places))
        if number < len(places):
            places[number] = None
        yield Mark(id=f"{own.id}#{number}", span=span, label=label if label in KINDS else "")


def _records(group: Group) -> Iterator[dict[str, Any]]:
    shown = group.open
    for number, comment in enumerate(shown):
        # What hangs on no open comment rides with the first.
        rest = Group(
            response=group.response,
            comments=(comment, *(() if number else (item for item in group.comments if item.status != "open"))),
            refinements=tuple(item for item in group.refinements if _home_of(item.addresses, shown) == number),
        )
        yield _record(rest, comment)
    if not shown:
        yield _record(group, None)


def _home_of(addresses: tuple[str, ...], shown: tuple[Comment, ...]) -> int:
    found = [number for number, comment in enumerate(shown) if comment.id in addresses]
    return found[-1] if found else 0


def _record(group: Group, comment: Comment | None) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    if comment is not None:
        answers |= {"comment": comment.text, "kind": comment.kind}
        answers |= {"severity": comment.severity} if comment.severity else {}
        if comment.spans:
            answers["spans"] = [{"start": item.start, "end": item.end, "label": comment.kind} for item in comment.spans]
    if group.refinements:
        answers["refinement"] = group.refinements[0].text
    agent = {} if comment is None or not comment.author else {"agent": comment.author}
    return {
        "id": comment.id if comment is not None else group.response.id,
        "fields": {"prompt": asked_form(group.response.prompt), "response": group.response.text},
        "metadata": {KEY: packed(group)},
        "suggestions": {name: {"value": value, **agent} for name, value in answers.items()},
        "responses": {},
        "vectors": {},
        "status": "pending",
    }
