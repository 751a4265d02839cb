"""A task's items become conversations: what is asked, and the right answer, learnt like any other answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.errors import RecordError
from sayso.records import Message
from sayso.text.corpus import Document

if TYPE_CHECKING:
    from sayso.tasks import Task
    from sayso.tasks.answer import Answer
    from sayso.tasks.items import Item


@dataclass(frozen=True, kw_only=True, slots=True)
class Posed:
    """A question on a passage, and which characters of it are the answer; read like a document that comes whole."""

    where: str
    question: str
    passage: str
    start: int
    end: int
    starts: bool = True

    def texts(self) -> Iterator[str]:
        """Yield what is read."""
        yield from (self.question, self.passage)


def items(task: Task, files: Sequence[Path], *, split: str = "train") -> Iterator[Item]:
    """Yield the items of the files whose answer somebody knows.

    Raises:
        RecordError: a line is wrong; it is named.
    """
    for file in files:
        yield from (item for item in task.items(str(file), split=split) if item.answers)


def documents(task: Task, files: Sequence[Path]) -> Iterator[Document]:
    """Yield one conversation an item of the files; items whose answer nobody knows are left out.

    Raises:
        RecordError: a line is wrong; it is named.
    """
    for item in items(task, files):
        said = Message(role="assistant", content=task.answer(item))
        yield Document(where=item.where, messages=(*task.prompt(item).messages, said))


def digest(task: Task, files: Sequence[Path]) -> str:
    """Return a hash of every conversation that a task makes of files."""
    found = hashlib.sha256()
    for document in documents(task, files):
        parts: list[Any] = [(turn.role, turn.content) for turn in document.messages]
        found.update(repr(parts).encode())
    return found.hexdigest()


def posed(task: Answer, files: Sequence[Path]) -> Iterator[Posed]:
    """Yield the questions of files with the place of the answer; questions whose answer nobody knows are left out.

    Raises:
        RecordError: a line is wrong, or none of its answers stands in its passage; it is named.
    """
    for item in items(task, files):
        place = task.place(item)
        if place is None:
            raise RecordError(
                "{where}: the answer {answer!r} does not stand in its passage; expected words of the passage as they are, "
                "or a model that writes (causal, or with an encoder and a decoder)",
                where=item.where, answer=item.answers[0][:60],
            )  # fmt: skip
        texts = item.inputs
        yield Posed(where=item.where, question=texts["question"], passage=texts["passage"], start=place[0], end=place[1])


def posed_digest(task: Answer, files: Sequence[Path]) -> str:
    """Return a hash of every question of files with its passage and the place of its answer.

    Raises:
        RecordError: a line is wrong; it is named.
    """
    found = hashlib.sha256()
    for one in posed(task, files):
        found.update(repr((one.question, one.passage, one.start, one.end)).encode())
    return found.hexdigest()


def longest_answer(task: Answer, files: Sequence[Path], encode: Callable[[str], Sequence[int]]) -> int:
    """Return how many tokens the longest answer of files has."""
    return max((len(encode(one.passage[one.start : one.end])) for one in posed(task, files)), default=0)
