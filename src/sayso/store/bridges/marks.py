"""What annotators left on a response in another tool, in one shape for all tools, and how it becomes comments.

A mark with words is a comment. A mark without words takes its label's name as its words, unless that is one of our kinds,
which says nothing by itself. Marks that sayso wrote are told by their ids, and change the comments they came from.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from sayso.i18n import gettext as _
from sayso.records import Comment, Kind, Refinement, Response, Severity, Source, Span
from sayso.store.bridges.carried import Group, settled
from sayso.store.bridges.reading import Row

KINDS: tuple[str, ...] = get_args(Kind)
SEVERITIES: tuple[str, ...] = get_args(Severity)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """One thing an annotator left: words, a stretch of the response, a label, in any combination."""

    id: str = ""
    """`COMMENT#N` for the Nth span of a comment that sayso wrote, `COMMENT` for one without spans."""
    words: str = ""
    span: Span | None = None
    label: str = ""
    severity: str = ""
    author: str = ""
    created: str = ""
    source: Source = "person"


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """A better response an annotator wrote; `id` where sayso wrote it first."""

    text: str
    id: str = ""
    author: str = ""
    source: Source = "person"


def row_of(response: Response, marks: Sequence[Mark], edits: Sequence[Edit], before: Group | None) -> Row:
    """Return the comments and refinements that marks and edits come to, over what rode along (`before`)."""
    row = Row()
    known = {} if before is None else {comment.id: comment for comment in before.comments}
    ours: dict[str, list[Mark]] = defaultdict(list)
    said: list[Comment] = []
    for mark in marks:
        name = mark.id if mark.id in known else mark.id.rpartition("#")[0]
        if name in known:
            ours[name].append(mark)
        elif (new := _new(response, mark)) is not None:
            said.append(new)
        else:
            row.lost.append(("label", _("a label that is a kind, without words, says nothing")))
    changed = [_changed(known[name], found) for name, found in ours.items()]
    better = _refinements(response, edits, said, before)
    after = settled(before or Group(response=response), [*changed, *_once(said)], better)
    row.comments, row.refinements = list(after.comments), list(after.refinements)
    row.responses.append(response)
    if before is not None and marks:
        gone = [comment for comment in before.open if comment.id not in ours]
        row.lost += [
            ("comment", _("it was taken away there; it stays here, `sayso comments withdraw` takes it back"))
        ] * len(gone)
    return row


def joined(marks: Sequence[Mark]) -> list[Mark]:
    """Give the words of a mark that has no place to the marks without words, where there is exactly one such mark."""
    words = [mark for mark in marks if mark.words and mark.span is None]
    places = [mark for mark in marks if mark.span is not None and not mark.words]
    if len(words) != 1 or not places or any(mark.label and mark.label not in KINDS for mark in places):
        return list(marks)
    return [mark for mark in marks if mark is not words[0] and mark not in places] + [
        dataclasses.replace(words[0], span=mark.span, label=mark.label or words[0].label) for mark in places
    ]


def _new(response: Response, mark: Mark) -> Comment | None:
    words = mark.words.strip() or (mark.label if mark.label not in KINDS else "")
    if not words:
        return None
    kind: Any = mark.label if mark.label in KINDS else "fix"
    severity: Any = mark.severity if mark.severity in SEVERITIES else None
    return Comment(
        text=mark.words if mark.words.strip() else words,
        response=response,
        spans=() if mark.span is None else (mark.span,),
        kind=kind,
        severity=severity,
        author=mark.author,
        created=mark.created,
        source=mark.source,
    )


def _changed(comment: Comment, marks: Sequence[Mark]) -> Comment:
    """Return a comment as its marks came home; what they do not say stays as it was."""
    order = {True: len(comment.spans)}  # new spans come last
    marks = sorted(marks, key=lambda mark: order.get((number := _number(comment, mark)) is None, number or 0))
    words = next((mark.words for mark in marks if mark.words.strip()), comment.text)
    label: Any = next((mark.label for mark in marks if mark.label in KINDS), comment.kind)
    severity: Any = next((mark.severity for mark in marks if mark.severity in SEVERITIES), comment.severity)
    spans = tuple(_placed(comment, mark) for mark in marks if mark.span is not None)
    return dataclasses.replace(comment, text=words, kind=label, severity=severity, spans=spans)


def _placed(comment: Comment, mark: Mark) -> Span:
    """Return the span of a mark: the one it was written for where it stands there still, with its surroundings."""
    assert mark.span is not None
    number = _number(comment, mark)
    before = None if number is None else comment.spans[number]
    same = before is not None and (before.start, before.end) == (mark.span.start, mark.span.end)
    return before if same and before is not None else mark.span


def _number(comment: Comment, mark: Mark) -> int | None:
    """Return which of the comment's spans a mark was written for; None where it is a new one."""
    number = mark.id.removeprefix(comment.id).removeprefix("#")
    return int(number) if number.isdigit() and int(number) < len(comment.spans) else None


def _refinements(
    response: Response, edits: Sequence[Edit], said: Sequence[Comment], before: Group | None
) -> list[Refinement]:
    known = {} if before is None else {item.id: item for item in before.refinements}
    found = []
    for edit in edits:
        if edit.id in known:
            found.append(dataclasses.replace(known[edit.id], text=edit.text))
        elif edit.text.strip():
            addresses = tuple(dict.fromkeys(comment.id for comment in said if comment.author == edit.author))
            found.append(Refinement(response=response, text=edit.text, addresses=addresses, source=edit.source))
    return found


def _once(said: Sequence[Comment]) -> list[Comment]:
    """Put marks with the same words by the same hand together: one comment with several spans."""
    found: dict[tuple[str, ...], Comment] = {}
    for comment in said:
        name = (comment.text, comment.kind, comment.author, comment.created, comment.severity or "")
        if name in found and found[name].spans and comment.spans:
            spans = (*found[name].spans, *comment.spans)
            found[name] = dataclasses.replace(found[name], spans=spans, id="")
        else:
            found.setdefault(name, comment)
    return list(found.values())
