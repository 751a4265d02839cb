"""Learn episodes: `python recipes/teachable/learn.py EPISODES.jsonl --model DIR --out RUN [--tokens N] [--set KEY=VALUE …]`.

It is `sayso finetune` with two things beside the answers, without which a small model minds a comment everywhere:

- At the last token of a user's turn under a comment, where nothing is foretold otherwise, *yes* or *no*: whether the comment
  applies to what is to be written. No text changes: what is foretold there is never read back.
- The token at which an answer parts from what it would be if the comment applied (or did not) weighs `DECIDES` times as much
  as another one: there it is decided, and a step holds few of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from sayso.batches import Row  # noqa: E402
from sayso.models.local import LocalModel  # noqa: E402
from sayso.records import Message  # noqa: E402
from sayso.text.corpus import messages_of  # noqa: E402
from sayso.text.tokens import Encoded  # noqa: E402
from sayso.training import finetuning, fitting  # noqa: E402
from sayso.training.material.corrupting import Correcting  # noqa: E402

if TYPE_CHECKING:
    import numpy as np

    from sayso.training.material.data import Encoder

MARKED = 3.0
"""The weight of a mark; an answer's token has 1."""
DECIDES = 6
NO, YES = 2, 3
"""How the two marks stand among the weights of a token file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """A line of the stream, as the reading of documents hands it on."""

    where: str
    messages: tuple[Message, ...]
    applies: tuple[bool | None, ...]
    otherwise: tuple[str, ...]
    starts: bool = True
    ends: bool = True

    def texts(self) -> Iterator[str]:
        """Yield the content of every turn."""
        yield from (turn.content for turn in self.messages)


def lessons(files: Iterable[Path], *, kind: str = "messages") -> Iterator[Lesson]:
    """Yield the lines of files that stream.py wrote."""
    assert kind == "messages", "a stream holds conversations"
    for path in files:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                found, where = json.loads(line), f"{path} line {number}"
                yield Lesson(
                    where=where, messages=messages_of(found["messages"], where), applies=tuple(found["applies"]),
                    otherwise=tuple(found["otherwise"]),
                )  # fmt: skip


class Marked:
    """Turns lessons into rows: what the model says weighs 1, a deciding token `DECIDES`, and marks are YES or NO."""

    def __init__(self, policy: LocalModel, *, longest: int) -> None:
        self._policy, self._longest = policy, longest
        self.left_out = 0

    def __call__(self, lesson: Lesson) -> Iterator[Encoded]:
        """Yield the row of a lesson, when it is not too long."""
        ids: list[int] = []
        learnt: list[int] = []
        applies, otherwise = iter(lesson.applies), iter(lesson.otherwise)
        for number, turn in enumerate(lesson.messages):
            if turn.role == "assistant":
                said = self._policy.encode_response(turn.content)
                new, weights = said, self._decided(said, next(otherwise, ""))
            else:
                answered = [after.role for after in lesson.messages[number + 1 : number + 2]] == ["assistant"]
                new = self._read(lesson.messages[: number + 1], answered=answered)[len(ids) :]
                weights = [0] * len(new)
                mark = next(applies, None) if turn.role == "user" else None
                if mark is not None:
                    weights[self._ends(new)] = YES if mark else NO
            ids, learnt = ids + new, learnt + weights
        if len(ids) > self._longest:
            self.left_out += 1
            return
        size = sum(len(turn.content.encode()) for turn in lesson.messages if turn.role == "assistant")
        yield Encoded(ids=ids, learnt=learnt, num_bytes=size)

    def rest(self) -> Iterator[Encoded]:
        """Yield nothing: no row waits for another."""
        return iter(())

    def _read(self, turns: Sequence[Message], *, answered: bool) -> list[int]:
        """Return the tokens of turns, with the beginning of an answer where one follows."""
        said = [{"role": turn.role, "content": turn.content} for turn in turns]
        return list(self._policy.tokenizer.apply_chat_template(said, add_generation_prompt=answered, return_dict=False))

    def _ends(self, new: Sequence[int]) -> int:
        """Return the place of the token that ends the user's turn."""
        return max(place for place, token in enumerate(new) if token == self._policy.tokenizer.eos_token_id)

    def _decided(self, said: Sequence[int], otherwise: str) -> list[int]:
        """Return the weights of an answer."""
        weights = [1] * len(said)
        if otherwise:
            other = self._policy.encode_response(otherwise)
            parts = [place for place, (one, two) in enumerate(zip(said, other, strict=False)) if one != two]
            if parts:
                weights[parts[0]] = DECIDES
        return weights


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """What rows of a token file stand for: every token foretells the one after it, and marks are foretold where they are."""

    yes: int
    no: int
    foretold: float = 1.0

    def corrupted(self, row: Row, _random: np.random.Generator) -> Row:
        """Return a row with what is foretold at each of its tokens."""
        labels = [*row.ids[1:], 0]
        weights = [0.0 if weight in (YES, NO) else weight for weight in row.weights[1:]] + [0.0]
        for place, weight in enumerate(row.weights):
            if weight in (YES, NO):
                labels[place], weights[place] = (self.yes if weight == YES else self.no), MARKED
        return replace(row, labels=tuple(labels), weights=tuple(weights))


def task(model: str, file: Path, settings: finetuning.Finetuning) -> fitting.Task:
    """Return the training of a model on a stream."""
    found = finetuning.task(model, [file], settings)
    yes, no = (found.policy.encode_response(word)[0] for word in ("Yes.", "No."))
    assert yes != no, "the vocabulary has one first token for yes and no"
    source = replace(
        found.source, documents=cast("Any", lessons), apart=False,
        encoder=lambda: cast("Encoder", Marked(found.policy, longest=found.source.longest)),
    )  # fmt: skip
    method = Correcting(objective=Marks(yes=yes, no=no), learning_rate=found.method.learning_rate)
    return replace(found, source=source, method=method)


def told(*, stage: str, done: int, total: int, unit: str, note: str) -> None:
    """Say how far it is."""
    print(f"{stage} {done:,}/{total:,} {unit} {note}", file=sys.stderr, flush=True)


def main() -> None:
    """Train to the end, or on to the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("episodes", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tokens", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    own = [f"seed={given.seed}", f"data.tokens={given.tokens}", *given.set]
    report = fitting.fit(task(given.model, given.episodes, finetuning.settings_of([], own)), given.out, told)
    print(f"{report.model}: {report.steps} steps, {report.tokens:,} tokens" + (", done before" if report.again else ""))


if __name__ == "__main__":
    main()
