"""EXCGEC: Chinese sentences by learners, with every edit explained, and the sentence corrected (Ye et al., 2024).

Reads the JSON files of https://github.com/THUKElab/EXCGEC. The sentence is the response, the corrected one its refinement;
every explained edit is a comment on the words it is about. Severities 1 and 2 are minor, 3 major, 4 and 5 critical.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sayso.i18n import gettext as _
from sayso.records import Comment, Refinement, Response, Severity, Span, ask
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged
from sayso.store.rules import wrong

TASK = "改正下面句子中的错误。"
_SEVERITIES: dict[int, Severity] = {1: "minor", 2: "minor", 3: "major", 4: "critical", 5: "critical"}


def read(path: Path) -> Bridged:
    """Read a JSON file of samples."""
    return bridged(path.name, read_objects(path, under=("samples",)), _row)


def _row(fields: Fields) -> Row:
    source, target = fields.text("source"), fields.text("target")
    response = Response(prompt=ask(f"{TASK}\n\n{source}"), text=source)
    row = Row(comments=[_edit(edit, response) for edit in fields.each("edits")], responses=[response])
    row.comments = list({comment.id: comment for comment in row.comments}.values())
    if target.strip() and target != source:
        addresses = tuple(comment.id for comment in row.comments)
        row.refinements.append(Refinement(response=response, text=target, addresses=addresses))
    return row


def _edit(edit: Fields, response: Response) -> Comment:
    words, name = edit.words("error_description"), edit.words("error_type")
    severity = edit.whole("error_severity")
    if severity is not None and severity not in _SEVERITIES:
        raise wrong(edit.name("error_severity"), severity, _("a number from 1 to 5"))
    return Comment(
        text=f"{name}：{words}" if words.strip() else name, response=response, spans=tuple(_spans(edit, response.text)),
        severity=_SEVERITIES[severity] if severity else None, polarity=-1.0,
    )  # fmt: skip


def _spans(edit: Fields, text: str) -> list[Span]:
    """Return where the edited words stand; an insertion is at no word, and counts by tokens may miss the place."""
    place: Any = edit.raw("src_interval")
    quote = edit.words("src_content")
    edit.raw("src_tokens")
    start = place[0] if isinstance(place, list) and place and isinstance(place[0], int) else -1
    if not quote or start < 0:
        return []
    if not text.startswith(quote, start):
        places = [at for at in range(len(text)) if text.startswith(quote, at)]
        if not places:
            return []
        start = min(places, key=lambda at: abs(at - start))
    return [Span(start=start, end=start + len(quote), quote=quote)]
