"""Files in and out: JSONL becomes records in the store, whole or not at all, and the store becomes JSONL again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from sayso.errors import RecordError, SaysoError
from sayso.i18n import say
from sayso.records import Comment, Prompt, Refinement, Response
from sayso.store import intake, questions, tables, wire
from sayso.store.bodies import same
from sayso.store.database import Store
from sayso.store.forms import (
    comment_line,
    prompt_line,
    prompt_of,
    records_of,
    refinement_line,
    response_line,
    response_of,
)
from sayso.store.intake import Intake
from sayso.store.lines import Fault, Line, read_lines, write_lines
from sayso.store.revisions import follow, revised
from sayso.store.rules import comment_problems, prompt_problems, refinement_problems, response_problems
from sayso.store.wire import CommentLine, PromptLine, ResponseLine

schema = wire.schema
Verify = Callable[[Comment], None]
"""Raises SaysoError where a comment's check cannot work; what a check is, the store does not know."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a file holds: the records of its good lines, and the faults of the others."""

    comments: tuple[Comment, ...] = ()
    refinements: tuple[Refinement, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    responses: tuple[Response, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What became of a file: the records of its good lines, how many lines brought something new, and what was wrong.

    With faults and no `bad_file`, nothing was imported.
    """

    comments: tuple[Comment, ...] = ()
    refinements: tuple[Refinement, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    responses: tuple[Response, ...] = ()
    new: int = 0
    """Good lines that brought something new; 0 where nothing was imported."""
    known: int = 0
    """Good lines that the store knew already."""
    faults: tuple[Fault, ...] = ()
    bad_file: Path | None = None
    """Where the lines left out were written, each with its reason."""


@dataclass(kw_only=True, slots=True)
class Entry:
    """One line of a file with the records it gives and what is wrong with it; the bridges fill it too."""

    line: Line
    where: str
    comment: Comment | None = None
    refinements: tuple[Refinement, ...] = ()
    prompt: Prompt | None = None
    response: Response | None = None
    problems: list[RecordError] = field(default_factory=list)


def read_comments(path: str | Path, *, verify: Verify | None = None) -> Reading:
    """Read a file of comments to its end; every fault is in `faults`, named `file:line`.

    `verify` is asked of every open comment with a check; what it raises is a fault of the line.

    Raises:
        NotFoundError: there is no such file.
        RecordError: the file as a whole cannot be read as JSONL.
    """
    return _reading(_entries(Path(path), partial(_read_comment, verify=verify)))


def read_prompts(path: str | Path) -> Reading:
    """Read a file of prompts to its end, as `read_comments` does."""
    return _reading(_entries(Path(path), _read_prompt))


def read_responses(path: str | Path) -> Reading:
    """Read a file of responses to its end, as `read_comments` does."""
    return _reading(_entries(Path(path), _read_response))


def good_prompts(path: str | Path) -> tuple[Prompt, ...]:
    """Read a file of prompts; with any faulty line, raise RecordError naming the first and counting the others."""
    return _all_good(read_prompts(path)).prompts


def good_responses(path: str | Path) -> tuple[Response, ...]:
    """Read a file of responses; with any faulty line, raise RecordError naming the first and counting the others."""
    return _all_good(read_responses(path)).responses


def import_comments(
    store: Store, path: str | Path, *, skip_bad: bool = False, revise: bool = False, verify: Verify | None = None
) -> Imported:
    """Bring the comments and refinements of a file into the store, in one transaction.

    With a faulty line nothing is imported, unless `skip_bad`: then the good lines are, and the faulty ones are written
    beside the file as `NAME.bad.jsonl`. A comment whose id the store has with other content is a fault, unless `revise`:
    then it becomes the next revision `ID@2`, which supersedes the one before. `verify` as in `read_comments`.

    Raises:
        NotFoundError: there is no such file.
        RecordError: the file as a whole cannot be read as JSONL.
        StoreError: the database or the disk refused; nothing was imported.
    """
    entries = _entries(Path(path), partial(_read_comment, verify=verify))
    return import_entries(store, Path(path), entries, skip_bad=skip_bad, revise=revise)


def import_prompts(store: Store, path: str | Path, *, skip_bad: bool = False) -> Imported:
    """Bring the prompts of a file into the store, as `import_comments` does."""
    return import_entries(store, Path(path), _entries(Path(path), _read_prompt), skip_bad=skip_bad)


def import_responses(store: Store, path: str | Path, *, skip_bad: bool = False) -> Imported:
    """Bring the responses of a file into the store, as `import_comments` does."""
    return import_entries(store, Path(path), _entries(Path(path), _read_response), skip_bad=skip_bad)


def export_comments(store: Store, path: str | Path) -> int:
    """Write every comment (superseded and withdrawn ones too) and refinement to a file; return the number of lines.

    Importing the file into an empty store gives the same comments and refinements. A path that ends in `.gz` is packed.
    """
    with store.reading() as db:
        comments = questions.comments(db, None)
        refinements = questions.records(db, tables.refinements, Refinement)
    return write_lines(Path(path), list(_comment_lines(comments, refinements)))


def export_prompts(store: Store, path: str | Path) -> int:
    """Write every prompt to a file; return the number of lines."""
    return write_lines(Path(path), [prompt_line(prompt) for prompt in store.prompts()])


def export_responses(store: Store, path: str | Path, *, version: str | None = None) -> int:
    """Write every response (of a version, if given) to a file; return the number of lines.

    A line becomes a line of comments by adding its `text`.
    """
    return write_lines(Path(path), [response_line(response) for response in store.responses(version)])


def _all_good(reading: Reading) -> Reading:
    if not reading.faults:
        return reading
    first = reading.faults[0].message
    if len(reading.faults) == 1:
        raise RecordError("{first}", first=first)
    raise RecordError("{first} (and {more} more faults in this file)", first=first, more=len(reading.faults) - 1)


def _entries(path: Path, read: Callable[[Entry, Mapping[str, Any]], None]) -> list[Entry]:
    entries: list[Entry] = []
    seen: dict[str, tuple[Any, str]] = {}
    for line in read_lines(path):
        entry = Entry(line=line, where=f"{path.name}:{line.number}")
        if line.problem is not None:
            entry.problems.append(line.problem)
        elif line.value is not None:
            read(entry, line.value)
        if not entry.problems:
            refuse_twins(entry, seen)
        entries.append(entry)
    return entries


def _read_comment(entry: Entry, value: Mapping[str, Any], *, verify: Verify | None) -> None:
    line, entry.problems = wire.shaped(CommentLine, value)
    if line is None:
        return
    try:
        entry.comment, entry.refinements = records_of(line)
    except RecordError as error:
        entry.problems.append(error)
        return
    if entry.comment is not None:
        entry.problems += comment_problems(entry.comment)
        entry.problems += check_problems(entry.comment, verify)
    for refinement in entry.refinements:
        found = [
            item for item in refinement_problems(refinement) if item.fields not in [old.fields for old in entry.problems]
        ]
        entry.problems += found


def check_problems(comment: Comment, verify: Verify | None) -> list[RecordError]:
    """Return what `verify` says against an open comment's check, as problems of the line."""
    # What is withdrawn or superseded is history: it is never asked again, and has to come in as it went out.
    if verify is None or comment.check is None or comment.status != "open" or not comment.check.name.strip():
        return []
    try:
        verify(comment)
    except SaysoError as error:
        return [RecordError("{field}: {reason}", field="check", reason=say(error))]
    return []


def _read_prompt(entry: Entry, value: Mapping[str, Any]) -> None:
    line, entry.problems = wire.shaped(PromptLine, value)
    if line is None:
        return
    try:
        entry.prompt = prompt_of(line)
    except RecordError as error:
        entry.problems.append(error)
        return
    entry.problems += prompt_problems(entry.prompt)


def _read_response(entry: Entry, value: Mapping[str, Any]) -> None:
    line, entry.problems = wire.shaped(ResponseLine, value)
    if line is None:
        return
    try:
        entry.response = response_of(line)
    except RecordError as error:
        entry.problems.append(error)
        return
    entry.problems += response_problems(entry.response)


def refuse_twins(entry: Entry, seen: dict[str, tuple[Any, str]]) -> None:
    """Refuse a line whose id an earlier line of the file has with other content."""
    record = entry.comment or entry.prompt
    if record is None:
        return
    before, where = seen.setdefault(record.id, (record, entry.where))
    if not same(before, record):
        entry.problems.append(
            RecordError(
                "{field}: {id!r} is the id of {other} too, with other content; expected an id of its own",
                field="id",
                id=record.id,
                other=where,
            )
        )


def import_entries(store: Store, path: Path, entries: Sequence[Entry], *, skip_bad: bool, revise: bool = False) -> Imported:
    """Bring the records of a file's entries into the store in one transaction, as `import_comments` does."""
    with store.writing() as db:
        if revise:
            _revise(db, entries)
        room, new = _taken_in(db, entries)
        reading = _reading(entries)
        keep = skip_bad or not reading.faults
        bad_file = _write_bad(path, entries) if keep and reading.faults else None
        if keep:
            questions.write(db, room, store.clock())
    good = sum(not entry.problems for entry in entries)
    return Imported(
        comments=reading.comments,
        refinements=reading.refinements,
        prompts=reading.prompts,
        responses=reading.responses,
        new=new if keep else 0,
        known=good - new if keep else 0,
        faults=reading.faults,
        bad_file=bad_file,
    )


def _taken_in(db: Connection, entries: Sequence[Entry]) -> tuple[Intake, int]:
    """Return an intake of the good lines, and how many are new; lines that are refused get their problem noted.

    A line can lean on another that is refused (by superseding it), so the others are asked again without it.
    """
    while True:
        good = [entry for entry in entries if not entry.problems]
        reading = _reading(good)
        room = questions.intake_for(db, reading.comments, reading.refinements, reading.prompts, reading.responses)
        new = sum([_admit(room, entry) for entry in good])
        if not any(entry.problems for entry in good):
            return room, new


def _revise(db: Connection, entries: Sequence[Entry]) -> None:
    for entry in entries:
        if entry.comment is not None and not entry.problems:
            comment = revised(db, entry.comment)
            entry.refinements = follow(entry.refinements, entry.comment.id, comment.id)
            entry.comment = comment


def _admit(room: Intake, entry: Entry) -> bool:
    """Take a line in; say whether any of its records is new."""
    new = []
    try:
        if entry.prompt is not None:
            new.append(intake.admit_prompt(room, entry.prompt))
        if entry.response is not None:
            new.append(intake.admit_response(room, entry.response))
        if entry.comment is not None:
            new.append(intake.admit_comment(room, entry.comment))
        new += [intake.admit_refinement(room, refinement) for refinement in entry.refinements]
    except RecordError as error:
        entry.problems.append(error)
    return any(new)


def _reading(entries: Iterable[Entry]) -> Reading:
    entries = list(entries)
    good = [entry for entry in entries if not entry.problems]
    return Reading(
        comments=tuple(entry.comment for entry in good if entry.comment is not None),
        refinements=tuple(refinement for entry in good for refinement in entry.refinements),
        prompts=tuple(entry.prompt for entry in good if entry.prompt is not None),
        responses=tuple(entry.response for entry in good if entry.response is not None),
        faults=tuple(Fault(where=entry.where, error=problem) for entry in entries for problem in entry.problems),
    )


def _comment_lines(comments: Sequence[Comment], refinements: Sequence[Refinement]) -> Iterator[dict[str, Any]]:
    """Give a line for each comment; a refinement stands with the last comment it addresses, or on a line of its own."""
    order = {comment.id: number for number, comment in enumerate(comments)}
    beside: dict[str, list[Refinement]] = defaultdict(list)
    alone: list[Refinement] = []
    for refinement in refinements:
        last = max(refinement.addresses, key=order.__getitem__, default=None)
        with_comment = last is not None and comments[order[last]].response == refinement.response
        (beside[last] if last is not None and with_comment else alone).append(refinement)
    for comment in comments:
        yield comment_line(comment, beside[comment.id])
    for refinement in alone:
        yield refinement_line(refinement)


def _write_bad(path: Path, entries: Sequence[Entry]) -> Path:
    name = path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".json")
    target = path.with_name(f"{name}.bad.jsonl")
    bad = [entry for entry in entries if entry.problems]
    write_lines(
        target,
        [
            {"line": entry.line.number, "reason": "; ".join(map(str, entry.problems)), "text": entry.line.text}
            for entry in bad
        ],
    )
    return target
