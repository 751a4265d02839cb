"""CUT: answers to instructions with a judgment in words, or none where the answer was found good (Xu et al., 2024).

Reads the JSON files of https://github.com/wwxu21/CUT.
"""

from __future__ import annotations

from pathlib import Path

from sayso.records import Comment, Response, ask
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged


def read(path: Path) -> Bridged:
    """Read a JSON file of judgments."""
    return bridged(path.name, read_objects(path), _row)


def _row(fields: Fields) -> Row:
    parts = [fields.text("instruction"), fields.words("input")]
    response = Response(prompt=ask("\n\n".join(part for part in parts if part)), text=fields.text("output"))
    row = Row(responses=[response])
    judgment = fields.words("judgment")
    if judgment.strip():
        row.comments.append(Comment(text=judgment, response=response, source="model", polarity=-1.0))
    return row
