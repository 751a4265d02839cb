"""What a model is wanted for: chat, writing, classes, summaries, translation, answers, code.

A task knows the form of its prompts, reads its items from files or named data sets, reads an answer out of what a model
wrote, and counts how good the answers are. A name here, or `module:Thing` from outside, becomes the task.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sayso.records import Check, Prompt
    from sayso.tasks.items import Item
    from sayso.tasks.metrics import Counted

TASKS: dict[str, str] = {
    "code": "sayso.tasks.code:Code",
    "classify": "sayso.tasks.classify.task:Classify",
    "summarize": "sayso.tasks.summarize:Summarize",
    "translate": "sayso.tasks.translate:Translate",
    "answer": "sayso.tasks.answer:Answer",
    "retrieval": "sayso.tasks.retrieval:Retrieval",
    "chat": "sayso.tasks.chat:Chat",
    "write": "sayso.tasks.write:Write",
}


class Task(Protocol):
    """One application."""

    @property
    def name(self) -> str:
        """Its name in TASKS."""
        ...

    @property
    def first(self) -> str:
        """The metric by which models are chosen; more of it is better."""
        ...

    def items(self, source: str, *, split: str = "") -> Iterator[Item]:
        """Yield the items of a file, a folder or a named data set; a wrong line is named with what is expected there."""
        ...

    def prompt(self, item: Item) -> Prompt:
        """Return what a model is asked; a person could answer it."""
        ...

    def answer(self, item: Item) -> str:
        """Return the words that a model should write, to be learnt from."""
        ...

    def parse(self, item: Item, written: str) -> str | None:
        """Return the answer in what a model wrote; None where there is none."""
        ...

    def count(self, items: Sequence[Item], answers: Sequence[str | None]) -> list[Counted]:
        """Return the task's metrics of one answer an item."""
        ...

    def checks(self, item: Item) -> tuple[Check, ...]:
        """Return what can be checked of an answer without knowing the right one."""
        ...


class Baseline(Protocol):
    """A task that knows an answer which costs nothing; a model that is no better has learnt nothing of use."""

    @property
    def baseline(self) -> str:
        """What it does, in a word: `lead-3`, `bm25`."""
        ...

    def guess(self, items: Sequence[Item]) -> list[str]:
        """Return one answer an item, made without a model."""
        ...


__all__ = ["TASKS", "Baseline", "Task"]
