"""FeedbackQA: questions, passages that were given as answers, and what two people said of each (Li et al., 2022).

Reads the files `feedback_train.json`, `feedback_valid.json` and `feedback_test.json` of
https://github.com/McGill-NLP/feedbackqa. The passage's text is the response; a rating is how good it was found.
"""

from __future__ import annotations

from pathlib import Path

from sayso.i18n import gettext as _
from sayso.records import Comment, Response, ask
from sayso.store.bridges.chat import kind_by
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged
from sayso.store.rules import wrong

RATINGS = {"Excellent": 1.0, "Acceptable": 0.5, "Could be Improved": -0.5, "Bad": -1.0}
"""Each rating on the scale from -1 to 1."""


def read(path: Path) -> Bridged:
    """Read a file of feedback; the files of the retrieval task (`train.json`) have none."""
    return bridged(path.name, read_objects(path), _row)


def _row(fields: Fields) -> Row:
    passage = fields.inner("passage").inner("reference")
    response = Response(prompt=ask(fields.text("question")), text=passage.text("section_content"))
    said, ratings = fields.texts("feedback"), fields.texts("rating")
    if len(said) != len(ratings):
        raise wrong("rating", len(ratings), _("{n} ratings, as many as comments").format(n=len(said)))
    row = Row(responses=[response])
    for number, (words, rating) in enumerate(zip(said, ratings, strict=True)):
        if rating not in RATINGS:
            raise wrong(f"rating[{number}]", rating, ", ".join(RATINGS))
        if not words.strip():
            row.lost.append(("rating[]", _("a rating without words is no comment")))
            continue
        polarity = RATINGS[rating]
        row.comments.append(
            Comment(
                text=words, response=response, polarity=polarity, kind=kind_by(polarity),
                author=f"reader {number + 1}",
            )
        )  # fmt: skip
    return row
