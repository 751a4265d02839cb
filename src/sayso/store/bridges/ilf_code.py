"""ILF for code: programs for MBPP's problems, what a person said of each, and the person's program (Chen et al., 2023).

Reads `surge_annotations.jsonl` of https://github.com/nyu-mll/ILF-for-code-generation. Where a program begins by repeating
the prompt, the repetition is taken off, from the response and from the refinement.
"""

from __future__ import annotations

from pathlib import Path

from sayso.records import Comment, Refinement, Response, ask
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged


def read(path: Path) -> Bridged:
    """Read a JSONL file of annotations."""
    return bridged(path.name, read_objects(path), _row)


def _row(fields: Fields) -> Row:
    prompt = fields.text("prompt")
    response = Response(prompt=ask(prompt), text=fields.text("original_model_completion").removeprefix(prompt))
    author = fields.label("worker_id")
    comment = Comment(text=fields.text("Feedback"), response=response, author=author, polarity=-1.0)
    written = fields.words("unedited_annotator_completion") or fields.words("completion")
    fields.raw("completion")  # the same program, edited to run alone
    row = Row(comments=[comment], responses=[response])
    if written.strip():
        better = Refinement(response=response, text=written.removeprefix(prompt), addresses=(comment.id,))
        row.refinements.append(better)
    return row
