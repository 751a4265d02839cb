"""DeFacto: summaries, with a person's explanation of the facts, an instruction, and a corrected summary (Liu et al., 2023).

Reads the JSONL files of https://github.com/microsoft/DeFacto. The explanation and the instruction are comments, the
corrected summary is the refinement that addresses both.
"""

from __future__ import annotations

from pathlib import Path

from sayso.records import Comment, Refinement, Response, ask
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged

TASK = "Summarize the article in one sentence."
"""What the models were asked for; the file has the article only."""


def read(path: Path) -> Bridged:
    """Read a JSONL file."""
    return bridged(path.name, read_objects(path), _row)


def _row(fields: Fields) -> Row:
    response = Response(prompt=ask(f"{TASK}\n\n{fields.text('article')}"), text=fields.text("candidate"))
    feedback = fields.inner("feedback")
    wrong_facts = fields.flag("has_error") or False
    explanation, instruction = feedback.words("explanation"), feedback.words("instruction")
    feedback.raw("instruction_list")  # the same words, one by one
    row = Row(responses=[response])
    if explanation.strip():
        kind, polarity = ("fix", -1.0) if wrong_facts else ("keep", 1.0)
        row.comments.append(Comment(text=explanation, response=response, kind=kind, polarity=polarity))  # type: ignore[arg-type]
    if instruction.strip() and instruction != explanation:
        row.comments.append(Comment(text=instruction, response=response, polarity=-1.0 if wrong_facts else None))
    summary = feedback.words("summary")
    if summary.strip():
        addresses = tuple(comment.id for comment in row.comments)
        row.refinements.append(Refinement(response=response, text=summary, addresses=addresses))
    return row
