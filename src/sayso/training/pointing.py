"""Learning to point at answers: a question and its passage become windows, in which the answer's tokens are marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sayso.batches import Row
from sayso.text.tokens import Encoded

if TYPE_CHECKING:
    from sayso.models.forms.extractive import Passages
    from sayso.training.material.lessons import Posed

AROUND, PASSAGE, ANSWER = 0, 1, 2
"""What stands for a token in a token file: around the passage, in it, in the answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pointing:
    """Learn where an answer begins and ends.

    Source:
        BERT (Devlin et al. 2019, arXiv 1810.04805, section 4.2); a window without the answer: section 4.3.
    Wants:
        Windows of passages, with a mark at each token of the passage and of the answer.
    Loss:
        -log p(begins) - log p(ends), over the places of the passage and the first one, which stands for "not here".
    Differs:
        Places of the question and of padding take no part in the softmax.
    """

    foretold: float = 1.0
    """Of the bytes that are counted, which are those of the answers."""

    def corrupted(self, row: Row, random: np.random.Generator) -> Row:
        """Return the row that learns its two places; nothing is drawn."""
        held = [place for place, mark in enumerate(row.weights) if mark == ANSWER] or [0]
        rest = len(row.ids) - 2
        return Row(
            ids=row.ids, weights=(1.0, 1.0, *(0.0,) * rest), labels=(held[0], held[-1], *(0,) * rest), label=row.label
        )


class Windows:
    """Questions with their passages: rows of the context's length, each token of an answer marked."""

    def __init__(self, chat: Passages) -> None:
        self._chat = chat
        self.left_out = 0

    def __call__(self, posed: Posed) -> Iterator[Encoded]:
        """Yield the windows of a passage; the bytes of the answer go with those that hold it whole."""
        for window in self._chat.windows(posed.question, posed.passage):
            held = window.marks(posed.start, posed.end)
            marks = [AROUND] * len(window.ids)
            marks[window.first : window.first + len(window.places)] = [PASSAGE] * len(window.places)
            for place in held:
                marks[place] = ANSWER
            size = len(posed.passage[posed.start : posed.end].encode()) if held else 0
            yield Encoded(ids=window.ids, learnt=marks, num_bytes=size)

    def rest(self) -> Iterator[Encoded]:
        """Yield nothing: no row waits for another."""
        return iter(())
