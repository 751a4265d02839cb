"""What records hold that a file of another tool has no place for, named field by field."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from sayso.i18n import gettext as _
from sayso.store.bridges.results import Records

_OWN = ("id", "status", "text", "response", "prompt")
"""Fields that are what the record is about; they are not named one by one."""


def filled(record: Any) -> Iterator[str]:
    """Give the names of the fields in which a record says more than the usual."""
    for item in dataclasses.fields(record):
        usual = item.default_factory() if item.default_factory is not dataclasses.MISSING else item.default
        if item.name not in _OWN and getattr(record, item.name) != usual:
            yield item.name


def held_back(records: Records) -> Iterator[tuple[str, str]]:
    """Give the comments that no training file says anything of."""
    for comment in records.comments:
        if comment.status != "open":
            yield "comment", _("it was withdrawn or superseded")
        elif comment.response is None:
            yield "comment", _("it stands without a response")
        elif comment.response.prompt.split == "test":
            yield "comment", _("its prompt is of the test split")


def unsaid(records: Records) -> Iterator[tuple[str, str]]:
    """Give what comments and refinements hold that a training file has no column for; first of all the words."""
    for comment in records.comments:
        if comment.status == "open" and comment.response is not None and comment.response.prompt.split != "test":
            yield "comment.text", _("the file has no words about answers")
            yield from ((f"comment.{name}", "") for name in filled(comment))
    for refinement in records.refinements:
        if refinement.response.prompt.split != "test":
            yield from ((f"refinement.{name}", "") for name in filled(refinement))


def unjudged(records: Records) -> Iterator[tuple[str, str]]:
    """Give the verdicts of reviewers and their rejections, which only some files have a place for."""
    yield from (("verdict", "") for verdicts in records.verdicts.values() for _verdict in verdicts)
    yield from (("refinement.rejected", "") for _name in records.rejected)
