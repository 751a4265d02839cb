"""Self-Refine: reviews rewritten in another mood, each attempt with the model's own feedback (Madaan et al., 2023).

Reads the JSONL outputs of the sentiment task of https://github.com/madaan/self-refine. The next attempt at a review is the
refinement that addresses the feedback on this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sayso.records import Comment, Refinement, Response, ask
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged

TASK = "Rewrite this review so that it is {mood}."


def read(path: Path) -> Bridged:
    """Read a JSONL file of attempts."""
    lines = read_objects(path)
    texts = {_place(line.value, 0): str(line.value.get("transferred_review") or "") for line in lines if line.value}
    return bridged(path.name, lines, lambda fields: _row(fields, texts))


def _place(value: Mapping[str, Any], further: int) -> tuple[str, int]:
    attempt = value.get("attempt")
    return str(value.get("record_id")), (attempt if isinstance(attempt, int) else 0) + further


def _row(fields: Fields, texts: Mapping[tuple[str, int], str]) -> Row:
    task = TASK.format(mood=fields.text("target_sentiment"))
    response = Response(prompt=ask(f"{task}\n\n{fields.text('review')}"), text=fields.text("transferred_review"))
    fields.raw("record_id"), fields.raw("attempt")
    row = Row(responses=[response])
    words = fields.words("feedback")
    if words.strip():
        row.comments.append(Comment(text=words, response=response, source="model"))
        better = texts.get(_place(fields.value, 1), "")
        if better.strip():
            addresses = (row.comments[0].id,)
            row.refinements.append(Refinement(response=response, text=better, addresses=addresses, source="model"))
    return row
