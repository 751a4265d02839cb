"""A task's items become conversations: what is asked, and the right answer, learnt like any other answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.records import Message
from sayso.text.corpus import Document

if TYPE_CHECKING:
    from sayso.tasks import Task
    from sayso.tasks.items import Item


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
