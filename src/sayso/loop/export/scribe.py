"""A method's rows as texts: they are made by a policy whose tokens are whole turns, so that each can be read back.

The rows are the method's own, and so are the choices behind them: which examples it leaves out, what it tells and weighs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sayso.records import Example, Message, Prompt

if TYPE_CHECKING:
    from sayso.batches import Row
    from sayso.methods import Method
    from sayso.models import Policy


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """An answer that a row learns, with what stands before it."""

    prompt: Prompt
    answer: str
    weight: float = 1.0
    kind: str = ""
    label: str = ""


class Scribe:
    """Encodes a turn as one token and can read it back; it has no weights and writes nothing."""

    max_length = 1 << 30
    """Whatever is said fits: how long a row is, the trainer that learns it finds out."""

    def __init__(self) -> None:
        self._turns: list[Message] = []
        self._numbers: dict[Message, int] = {}

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """Return a token for every turn."""
        return [self._number(message) for message in prompt.messages]

    def encode_response(self, text: str) -> list[int]:
        """Return the one token of an answer: the same as that of the turn which it becomes in a longer conversation."""
        return [self._number(Message(role="assistant", content=text))]

    def token_spans(self, text: str, spans: Sequence[tuple[int, int]]) -> list[range]:
        """Return the one token for every span: where in an answer something stands is not known here."""
        return [range(1) for _span in spans]

    def read(self, row: Row) -> Iterator[Line]:
        """Yield the answers that a row learns."""
        turns = [self._turns[number] for number in row.ids]
        for place, weight in enumerate(row.weights):
            if weight:
                before = Prompt(messages=tuple(turns[:place]))
                yield Line(prompt=before, answer=turns[place].content, weight=weight, kind=row.kind, label=row.label)

    def _number(self, message: Message) -> int:
        number = self._numbers.setdefault(message, len(self._turns))
        if number == len(self._turns):
            self._turns.append(message)
        return number


def lines_of(method: Method, examples: Iterable[Example]) -> list[list[Line]]:
    """Return the rows of a method as texts, each the list of the answers that it learns."""
    scribe = Scribe()
    # Rows are made by encoding alone; what else a policy can do (write, score) no method asks for while it makes them.
    return [list(scribe.read(row)) for row in method.rows(examples, cast("Policy", scribe))]
