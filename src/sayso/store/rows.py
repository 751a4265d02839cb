"""A record becomes the row that keeps it: its body, and the columns that questions are asked of."""

from __future__ import annotations

import json
from typing import Any

from sayso.records import Comment, Prompt, Refinement, Rejection, Response, identity
from sayso.store import search
from sayso.store.bodies import encode

HEAD_CHARACTERS = 200
Row = dict[str, Any]


def prompt_row(prompt: Prompt) -> Row:
    """Return the row of a prompt."""
    return {
        "id": prompt.id,
        "split": prompt.split,
        "family": None if prompt.family is None else kept(prompt.family),
        "head": head(prompt.text),
        "body": encode(prompt),
    }


def response_row(response: Response) -> Row:
    """Return the row of a response nothing is said of yet."""
    return {
        "id": response.id,
        "prompt_id": response.prompt.id,
        "version": response.version,
        "head": head(response.text),
        "shuffle": shuffle(response.id),
        "doubt": 1.0,  # `counted.doubt` without score, rejections and comments
        "body": encode(response),
    }


def comment_row(comment: Comment) -> Row:
    """Return the row of a comment."""
    return {
        "id": comment.id,
        "response_id": comment.response.id if comment.response else None,
        "status": comment.status,
        "author": kept(comment.author),
        "kind": comment.kind,
        "severity": comment.severity,
        "created": comment.created,
        "text": kept(comment.text),
        "said": search.said(comment.text),
        "places": json.dumps([[span.start, span.end] for span in comment.spans]) if comment.spans else "",
        "body": encode(comment),
    }


def refinement_row(refinement: Refinement) -> Row:
    """Return the row of a refinement."""
    return {"id": refinement.id, "response_id": refinement.response.id, "body": encode(refinement)}


def record_row(record: Any) -> Row:
    """Return the row of a record that nothing refers to by content: a version, a run, an evaluation, a rejection."""
    about = {"response_id": record.response.id} if isinstance(record, Rejection) else {}
    return {"id": record_id(record), **about, "body": encode(record)}


def record_id(record: Any) -> str:
    """Return a record's id; that of a rejection, which has none of its own, is made from its content."""
    return f"j-{identity(record)}" if isinstance(record, Rejection) else str(record.id)


def kept(words: str) -> str:
    """Return words as a column can keep them: PostgreSQL's text has no NUL, which the body has as an escape."""
    return words.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def head(words: str) -> str:
    """Return the first characters, for a line of a list."""
    return kept(words[:HEAD_CHARACTERS])


def shuffle(record_id: str) -> int:
    """Return a number that says nothing about a record: 31 bits of a hash."""
    return int(identity(record_id)[:8], 16) >> 1
