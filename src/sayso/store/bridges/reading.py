"""Rows of other tools become entries: each row is read by its bridge, held against the same rules as our own files."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sayso.errors import RecordError
from sayso.records import Comment, Prompt, Refinement, Response
from sayso.store.bodies import same
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.results import Bridged, tally
from sayso.store.exchange import Entry, refuse_twins
from sayso.store.lines import Line
from sayso.store.revisions import follow
from sayso.store.rules import comment_problems, prompt_problems, refinement_problems, response_problems


@dataclass(kw_only=True, slots=True)
class Row:
    """What one row of a file gave; `lost` names what it holds and a record cannot, with the reason."""

    comments: list[Comment] = field(default_factory=list)
    refinements: list[Refinement] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)


def bridged(where: str, lines: Iterable[Line], read: Callable[[Fields], Row]) -> Bridged:
    """Read every row of a file; what `read` raises is the fault of its row, what it left unread is lost."""
    entries: list[Entry] = []
    lost: list[tuple[str, str]] = []
    seen: dict[str, tuple[object, str]] = {}
    said: dict[str, Comment] = {}
    for line in lines:
        place = f"{where}:{line.number}"
        found, gone = _read(line, place, read)
        _tell_apart(found, said)
        for entry in found:
            if not entry.problems:
                refuse_twins(entry, seen)
        entries += found
        lost += gone
    return Bridged(entries=tuple(entries), lost=tally(lost))


def _read(line: Line, where: str, read: Callable[[Fields], Row]) -> tuple[list[Entry], list[tuple[str, str]]]:
    if line.problem is not None or line.value is None:
        return [Entry(line=line, where=where, problems=[line.problem] if line.problem else [])], []
    fields = Fields(line.value)
    try:
        row = read(fields)
        problems = list(_problems(row))
    except RecordError as error:
        problems = [error if "field" in error.fields else RecordError("{field}: {reason}", field="row", reason=str(error))]
    if problems:
        return [Entry(line=line, where=where, problems=problems)], []
    return list(_entries(row, line, where)), [*row.lost, *((name, "") for name in dict.fromkeys(fields.rest()))]


def _tell_apart(entries: Sequence[Entry], said: dict[str, Comment]) -> None:
    """Give a comment an id of its own where the same words were said of the same response before, with another mark."""
    renamed: dict[str, str] = {}
    for entry in entries:
        if entry.comment is not None:
            old, entry.comment = entry.comment.id, _apart(entry.comment, said)
            if entry.comment.id != old:
                renamed[old] = entry.comment.id
    for entry in entries:
        for old, new in renamed.items():
            entry.refinements = follow(entry.refinements, old, new)


def _apart(comment: Comment, said: dict[str, Comment]) -> Comment:
    found, number = comment, 1
    while _is_derived(comment) and not same(said.setdefault(found.id, found), found):
        number += 1
        found = dataclasses.replace(comment, id=f"{comment.id}-{number}")
    return found


def _is_derived(comment: Comment) -> bool:
    return dataclasses.replace(comment, id="").id == comment.id


def _problems(row: Row) -> Iterator[RecordError]:
    for comment in row.comments:
        yield from comment_problems(comment)
    for refinement in row.refinements:
        yield from refinement_problems(refinement)
    for prompt in row.prompts:
        yield from prompt_problems(prompt)
    for response in row.responses:
        yield from response_problems(response)


def _entries(row: Row, line: Line, where: str) -> Iterator[Entry]:
    """Give an entry for each record: a refinement stands apart, as it may have to wait for comments of other rows."""
    for comment in row.comments:
        yield Entry(line=line, where=where, comment=comment)
    for refinement in row.refinements:
        yield Entry(line=line, where=where, refinements=(refinement,))
    for prompt in row.prompts:
        yield Entry(line=line, where=where, prompt=prompt)
    for response in row.responses:
        yield Entry(line=line, where=where, response=response)
