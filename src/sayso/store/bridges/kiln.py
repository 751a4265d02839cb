"""Kiln's project folder: task runs with their outputs, feedback, repair instructions and repaired outputs.

Reads a folder of `.kiln` files, or one `task_run.kiln` (https://kiln-ai.github.io/Kiln/kiln_core_docs/kiln_ai.html). The
instruction of a run's task is the system's turn. Feedback and repair instructions are comments, a repaired output is the
refinement that addresses them. A rating counts with the words that stand beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.records import Comment, Message, Prompt, Refinement, Response
from sayso.store.bridges import joining
from sayso.store.bridges.chat import kind_by
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged
from sayso.store.bridges.times import moment

_RUN, _TASK, _FEEDBACK = "task_run.kiln", "task.kiln", "feedback.kiln"


def read(path: Path) -> Bridged:
    """Read every task run of a folder, or the one run of a file."""
    files = sorted(path.rglob(_RUN)) if path.is_dir() else [path]
    if not files:
        raise RecordError(
            "{where}: found no {name} in this folder; give the folder of a project", where=str(path), name=_RUN
        )
    parts = []
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        parts.append(_run(file, name, inside=path.is_dir()))
    return joining.together(parts)


def _run(file: Path, name: str, *, inside: bool) -> Bridged:
    system = _instruction(file) if inside else ""
    notes = [note for path in sorted(file.parent.glob(f"feedback/*/{_FEEDBACK}")) for note in read_objects(path)]
    said = [note.value for note in notes if note.value is not None] if inside else []
    return bridged(name, read_objects(file), lambda fields: _row(fields, system, said))


def _instruction(file: Path) -> str:
    """Return the instruction of the task that a run is of: its file stands in one of the folders above."""
    for folder in list(file.parents)[:4]:
        if (folder / _TASK).is_file():
            return next((line.value.get("instruction") or "" for line in read_objects(folder / _TASK) if line.value), "")
    return ""


def _row(fields: Fields, system: str, said: list[dict[str, Any]]) -> Row:
    output = fields.inner("output")
    turns = [Message(role="system", content=system)] if system else []
    prompt = Prompt(messages=(*turns, Message(role="user", content=fields.text("input"))))
    response = Response(prompt=prompt, text=output.text("output"), version=_model(output))
    row = Row(responses=[response])
    polarity = _rating(output)
    created = moment(fields.raw("created_at"), "created_at")
    author = fields.words("created_by")
    words = fields.words("repair_instructions")
    if words.strip():
        row.comments.append(Comment(text=words, response=response, polarity=polarity, author=author, created=created))
    row.comments += [_note(Fields(note), response, polarity) for note in said]
    repaired = fields.inner("repaired_output")
    if "output" in repaired:
        addresses = tuple(comment.id for comment in row.comments if comment.kind != "keep")
        row.refinements.append(Refinement(response=response, text=repaired.words("output"), addresses=addresses))
    if polarity is not None and not row.comments:
        row.lost.append(("output.rating", _("a rating without words is no comment")))
    return row


def _note(note: Fields, response: Response, polarity: float | None) -> Comment:
    name = note.label("id")
    return Comment(
        text=note.text("feedback"), response=response, polarity=polarity, kind=kind_by(polarity),
        author=note.words("created_by"), created=moment(note.raw("created_at"), "created_at"),
        id=f"kiln-{name}" if name else "",
    )  # fmt: skip


def _model(output: Fields) -> str:
    return output.inner("source").inner("properties").words("model_name")


def _rating(output: Fields) -> float | None:
    """Return a rating on the scale from -1 to 1; None for ratings on a scale of one's own."""
    rating = output.inner("rating")
    value, kind = rating.number("value"), rating.words("type") or "five_star"
    if value is None:
        return None
    scales = {
        "five_star": (value - 3) / 2,
        "pass_fail": 2 * value - 1,
        "pass_fail_critical": value * 2 - 1 if value > 0 else -1.0,
    }
    found = scales.get(kind)
    return found if found is not None and -1 <= found <= 1 else None
