"""QA-Feedback: long answers with marked errors, missing information and a corrected answer (Wu et al., 2023).

Reads `train_feedback.json` and `dev_feedback.json` of https://github.com/allenai/FineGrainedRLHF. Every marked error is a
comment on its span, every missing sentence a comment that quotes it; the corrected answer addresses them all. The three
other answers to a question are kept as responses.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sayso.i18n import gettext as _
from sayso.records import Comment, Prompt, Refinement, Response, ask
from sayso.store.anchors import anchored
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged
from sayso.store.rules import wrong
from sayso.store.wire import SpanLine

OTHERS = ("prediction 2", "prediction 3", "prediction 4")


def read(path: Path) -> Bridged:
    """Read a JSON file of feedback."""
    return bridged(path.name, read_objects(path), _row)


def _row(fields: Fields) -> Row:
    passages = _passages(fields)
    prompt = _prompt(fields.text("question"), passages)
    response = Response(prompt=prompt, text=fields.text("prediction 1"))
    feedback = fields.inner("feedback")
    row = Row(comments=[_error(error, response) for error in feedback.each("errors")])
    row.comments += [_gap(gap, response, passages) for gap in feedback.each("missing-info")]
    row.comments = list({comment.id: comment for comment in row.comments}.values())
    row.responses = [response, *(Response(prompt=prompt, text=fields.words(name)) for name in OTHERS if name in fields)]
    corrected = feedback.words("corrected-prediction")
    if corrected.strip():
        addresses = tuple(comment.id for comment in row.comments)
        row.refinements.append(Refinement(response=response, text=corrected, addresses=addresses))
    return row


def _passages(fields: Fields) -> list[list[str]]:
    found = fields.many("passages")
    for number, passage in enumerate(found):
        if not isinstance(passage, list) or not all(isinstance(item, str) for item in passage):
            raise wrong(f"passages[{number}]", passage, _("a list of sentences"))
    return found


def _prompt(question: str, passages: Sequence[Sequence[str]]) -> Prompt:
    # A passage's first sentence is its title.
    read = "\n\n".join(" ".join(passage[1:]) for passage in passages)
    return ask(f"{question}\n\n{read}" if read else question)


def _error(error: Fields, response: Response) -> Comment:
    start, end = error.whole("start"), error.whole("end")
    span = anchored(response.text, SpanLine(start=start, end=end), error.path)
    name, explanation = error.text("error type"), error.words("explanation").strip()
    text = f"{name}: {explanation}" if explanation else name
    return Comment(text=text, response=response, spans=(span,), polarity=-1.0)


def _gap(gap: Fields, response: Response, passages: Sequence[Sequence[str]]) -> Comment:
    name, number = gap.text("error type"), gap.whole("passage_id")
    places: list[Any] = gap.many("sentence_id")
    if number is None or not 1 <= number <= len(passages):  # passages are counted from 1, a title is sentence 0
        raise wrong(gap.name("passage_id"), number, _("the number of a passage"))
    sentences = passages[number - 1]
    if not all(isinstance(place, int) and 0 <= place < len(sentences) for place in places):
        raise wrong(gap.name("sentence_id"), places, _("numbers of sentences of the passage"))
    quoted = " ".join(sentences[place].strip() for place in places)
    return Comment(text=f"{name}: {quoted}" if quoted else name, response=response, polarity=-1.0)
