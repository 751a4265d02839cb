"""A comment whose words changed under the same id becomes its next revision, which supersedes the one before.

`no-question` is followed by `no-question@2`, then `no-question@3`: what was said first stays, and can be looked up.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from sqlalchemy import Connection

from sayso.records import Comment, Refinement
from sayso.store import questions
from sayso.store.bodies import same


def revised(db: Connection, comment: Comment) -> Comment:
    """Return the comment as it is, if new or unchanged since its latest revision; else as the next revision."""
    latest, number = _latest(db, comment.id)
    if latest is None:
        return comment
    as_before = dataclasses.replace(latest, id=comment.id, supersedes=comment.supersedes, status=comment.status)
    if same(as_before, comment):
        return latest
    return dataclasses.replace(comment, id=_name(comment.id, number + 1), supersedes=(*comment.supersedes, latest.id))


def next_id(db: Connection, comment_id: str) -> str:
    """Return the id of the revision after the last one of a comment, itself a revision or not."""
    stem, at, number = comment_id.rpartition("@")
    first = stem if at and stem and number.isdecimal() else comment_id
    return _name(first, _latest(db, first)[1] + 1)


def follow(refinements: Sequence[Refinement], old: str, new: str) -> tuple[Refinement, ...]:
    """Return refinements that address a comment by its new id; their own ids, where derived, are derived again."""
    return tuple(_follow(item, old, new) for item in refinements)


def _follow(refinement: Refinement, old: str, new: str) -> Refinement:
    derived = dataclasses.replace(refinement, id="").id == refinement.id
    addresses = tuple(new if item == old else item for item in refinement.addresses)
    return dataclasses.replace(refinement, addresses=addresses, id="" if derived else refinement.id)


def _latest(db: Connection, comment_id: str) -> tuple[Comment | None, int]:
    """Return the last revision the store has of an id, and its number."""
    latest, number = None, 0
    while found := questions.comments_by_id(db, [_name(comment_id, number + 1)]):
        number += 1
        latest = found[_name(comment_id, number)]
    return latest, number


def _name(comment_id: str, number: int) -> str:
    return comment_id if number == 1 else f"{comment_id}@{number}"
