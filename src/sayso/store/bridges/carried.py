"""What an annotation tool has no place for rides along in its metadata, as our own lines, and comes home with the rest.

The tool's own marks count: a comment whose words or spans were changed there comes home changed. What was taken away
there stays here, since nothing said is ever deleted; it is listed.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.records import Comment, Refinement, Response
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.leftover import unjudged
from sayso.store.bridges.results import Lost, Records, tally
from sayso.store.forms import comment_line, records_of, refinement_line, response_line, response_of
from sayso.store.rules import wrong
from sayso.store.wire import CommentLine, ResponseLine, shaped

KEY = "sayso"
"""Under this name the lines ride."""
_ABOUT = ("prompt", "messages", "response", "version")


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A response with everything that was said of it, and every better one."""

    response: Response
    comments: tuple[Comment, ...] = ()
    refinements: tuple[Refinement, ...] = ()

    @property
    def open(self) -> tuple[Comment, ...]:
        """The comments that are shown; the others only ride along."""
        return tuple(comment for comment in self.comments if comment.status == "open")


@dataclass(kw_only=True, slots=True)
class _Open:
    response: Response
    comments: list[Comment] = field(default_factory=list)
    refinements: list[Refinement] = field(default_factory=list)


def groups(records: Records) -> tuple[list[Group], tuple[Lost, ...]]:
    """Return the records response by response, and what has no response to stand with."""
    by_id: dict[str, _Open] = {}
    lost: list[tuple[str, str]] = []
    standing = {comment.id for comment in records.comments if comment.response is None}
    for response in records.responses:
        by_id.setdefault(response.id, _Open(response=response))
    for comment in records.comments:
        if comment.response is None:
            lost.append(("comment", _("it stands without a response")))
            continue
        older = tuple(name for name in comment.supersedes if name not in standing)
        if older != comment.supersedes:
            lost.append(("comment.supersedes", _("what it supersedes stands without a response")))
        group = by_id.setdefault(comment.response.id, _Open(response=comment.response))
        group.comments.append(dataclasses.replace(comment, supersedes=older))
    for refinement in records.refinements:
        kept = tuple(name for name in refinement.addresses if name not in standing)
        if kept != refinement.addresses:
            lost.append(("refinement.addresses", _("what it addresses stands without a response")))
        group = by_id.setdefault(refinement.response.id, _Open(response=refinement.response))
        group.refinements.append(dataclasses.replace(refinement, addresses=kept))
    lost += unjudged(records)
    carried = {group.response.prompt.id for group in by_id.values()}
    lost += [("prompt", _("it has no response"))] * sum(prompt.id not in carried for prompt in records.prompts)
    return [
        Group(response=item.response, comments=tuple(item.comments), refinements=tuple(item.refinements))
        for item in by_id.values()
    ], tally(lost)


def packed(group: Group) -> str:
    """Return a group as JSON text, to ride in a field of metadata."""
    form = {
        "response": response_line(group.response),
        "comments": [_bare(comment_line(item), same=item.response == group.response) for item in group.comments],
        "refinements": [_bare(refinement_line(item), same=item.response == group.response) for item in group.refinements],
    }
    return json.dumps(form, ensure_ascii=False)


def unpacked(fields: Fields, name: str = KEY) -> Group | None:
    """Return the group that rides under a name; None where none does."""
    value = fields.raw(name)
    if value in (None, ""):
        return None
    place = fields.name(name)
    try:
        form = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise wrong(place, value, _("what sayso wrote there; leave it as it was, or take it out")) from error
    if not isinstance(form, Mapping) or not isinstance(form.get("response"), Mapping):
        raise wrong(place, value, _("what sayso wrote there; leave it as it was, or take it out"))
    about = form["response"]
    response = response_of(_shaped(ResponseLine, about, place))
    found = [records_of(_shaped(CommentLine, line, place)) for line in _lines(form, "comments")]
    alone = [records_of(_shaped(CommentLine, line, place)) for line in _lines(form, "refinements")]
    return Group(
        response=response,
        comments=tuple(comment for comment, _none in found if comment is not None),
        refinements=tuple(better for _none, many in alone for better in many),
    )


def _lines(form: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    for line in form.get(name) or []:
        if isinstance(line, Mapping):
            yield line if "response" in line else {**form["response"], **line}


def _shaped(shape: type[Any], value: Mapping[str, Any], place: str) -> Any:
    line, problems = shaped(shape, value)
    if line is None:
        first = problems[0]
        raise RecordError("{field}: {reason}", field=f"{place}.{first.fields['field']}", reason=str(first))
    return line


def _bare(line: Mapping[str, Any], *, same: bool) -> dict[str, Any]:
    """Return a line without its response, where that is the group's; prompts of one wording may differ in family."""
    return {name: value for name, value in line.items() if not same or name not in _ABOUT}


def settled(group: Group, comments: Sequence[Comment], refinements: Sequence[Refinement]) -> Group:
    """Return the group with comments and refinements as they came home: changed ones in place, new ones at the end."""
    changed = {comment.id: comment for comment in comments}
    better = {refinement.id: refinement for refinement in refinements}
    return Group(
        response=group.response,
        comments=tuple(changed.pop(comment.id, comment) for comment in group.comments) + tuple(changed.values()),
        refinements=tuple(better.pop(item.id, item) for item in group.refinements) + tuple(better.values()),
    )
