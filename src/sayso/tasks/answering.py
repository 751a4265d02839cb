"""A model answers a task's items: what it is asked, what it wrote, and what that comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sayso.models.writing.sampling import Sampling
    from sayso.records import Prompt
    from sayso.tasks import Task
    from sayso.tasks.items import Item
    from sayso.tasks.metrics import Counted

Told = Callable[[int], None]
"""Is told how many items are answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """What a model wrote to items."""

    written: tuple[str, ...]
    """One text an item; empty where the prompt did not fit."""
    too_long: int
    """Prompts that are longer than the model's context: they have no answer, which counts."""


def prompts(model: Any, task: Task, items: Sequence[Item]) -> list[Prompt]:
    """Return what a model is asked: in words, or the task's texts alone where it reads nothing else."""
    asked: Callable[[Item], Prompt] = getattr(task, "plain", task.prompt) if reads_plain(model) else task.prompt
    return [asked(item) for item in items]


def reads_plain(model: Any) -> bool:
    """Whether a model points at its answer in the task's texts, and is asked nothing in words."""
    return bool(getattr(getattr(model, "chat", None), "plain", False))


def written(model: Any, prompts: Sequence[Prompt], sampling: Sampling, told: Told = lambda _done: None) -> Answers:
    """Return what a model writes to prompts, one batch after another."""
    fitting = [number for number, prompt in enumerate(prompts) if _fits(model, prompt)]
    found = [""] * len(prompts)
    for first in range(0, len(fitting), sampling.batch_size):
        some = fitting[first : first + sampling.batch_size]
        for number, text in zip(some, model.generate([prompts[n] for n in some], sampling), strict=True):
            found[number] = text
        told(first + len(some))
    return Answers(written=tuple(found), too_long=len(prompts) - len(fitting))


def counted(task: Task, items: Sequence[Item], texts: Sequence[str]) -> list[Counted]:
    """Return the task's metrics of one written text an item."""
    return task.count(items, [task.parse(item, text) for item, text in zip(items, texts, strict=True)])


def value(task: Task, items: Sequence[Item], texts: Sequence[str]) -> float:
    """Return the metric by which models are chosen; more of it is better."""
    found = next(one for one in counted(task, items, texts) if one.name == task.first)
    return float(found.of(found.table.sum(axis=0, keepdims=True))[0])


def _fits(model: Any, prompt: Prompt) -> bool:
    """Whether there is room for an answer; of a model that has no tokens of ours it is not known.

    One that points at its answer needs none, and reads a long passage in parts.
    """
    if reads_plain(model) or not hasattr(model, "encode_prompt") or not hasattr(model, "max_length"):
        return True
    return bool(len(model.encode_prompt(prompt)) < model.max_length)
