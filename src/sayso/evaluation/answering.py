"""How good a model is at a task: it answers every item, what it wrote is read and counted, beside the task's baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from sayso.batches import Row, collate, micro_batches
from sayso.evaluation.parts import Each, alone
from sayso.models.arithmetic import quick_products
from sayso.tasks import answering
from sayso.tasks.items import families
from sayso.tasks.metrics import Counted, Metric, difference, measure, ratio

if TYPE_CHECKING:
    from sayso.models.writing.sampling import Sampling
    from sayso.records import Prompt
    from sayso.tasks import Task
    from sayso.tasks.answering import Told
    from sayso.tasks.items import Item

MAX_TOKENS = 4096
"""Tokens of right answers that are scored at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What somebody answered to items, and what that comes to."""

    name: str
    written: tuple[str, ...]
    """One text an item, as it was written; empty where the prompt did not fit."""
    counted: tuple[Counted, ...]
    too_long: int = 0
    """Prompts that are longer than the model's context: they have no answer, which counts."""

    def metrics(self, *, seed: int = 0) -> list[Metric]:
        """Return the metrics with their 95 % intervals."""
        return [measure(found, seed=seed) for found in self.counted]


def by_model(
    model: Any, task: Task, items: Sequence[Item], sampling: Sampling, *, name: str, told: Told, each: Each = alone
) -> Answered:
    """Return what a model answers. Of one that can be scored, it is counted too how probable the right answers are."""
    prompts = answering.prompts(model, task, items)
    found = answering.written(model, prompts, sampling, told)
    (counted,) = each(lambda written: answering.counted(task, items, written), [found.written])  # code is run once
    counted = [*counted, *_probable(model, task, items, prompts, each)]
    return Answered(name=name, written=found.written, counted=tuple(counted), too_long=found.too_long)


def by_guess(task: Any, items: Sequence[Item]) -> Answered | None:
    """Return what the task's own baseline answers; None where it has none."""
    if not hasattr(task, "guess"):
        return None
    written = task.guess(items)
    return Answered(name=task.baseline, written=tuple(written), counted=tuple(answering.counted(task, items, written)))


def by_file(task: Task, items: Sequence[Item], written: Sequence[str], *, name: str) -> Answered:
    """Return what answers that were written before come to."""
    return Answered(name=name, written=tuple(written), counted=tuple(answering.counted(task, items, written)))


def changes(after: Answered, before: Answered, *, seed: int = 0) -> list[Metric]:
    """Return by how much each metric that both have differs, with its paired 95 % interval."""
    earlier = {found.name: found for found in before.counted}
    return [difference(found, earlier[found.name], seed=seed) for found in after.counted if found.name in earlier]


def _probable(model: Any, task: Task, items: Sequence[Item], prompts: Sequence[Prompt], each: Each) -> list[Counted]:
    """Return nats a token and bits a byte of the right answers; of items that do not fit nothing is counted.

    Nor is it of a model that points: its probabilities are those of places.
    """
    if not hasattr(model, "token_logprobs") or answering.reads_plain(model):
        return []
    rows = []
    for number, (item, prompt) in enumerate(zip(items, prompts, strict=True)):
        context = model.encode_prompt(prompt)
        said = model.encode_response(task.answer(item)) if item.answers else []
        if said and len(context) + len(said) <= model.max_length:
            rows.append(Row(ids=(*context, *said), weights=(0.0,) * len(context) + (1.0,) * len(said), label=str(number)))
    if not rows:
        return []
    costs = _costs(model, rows, each)
    nats, bits = [[0.0, 0.0] for _item in items], [[0.0, 0.0] for _item in items]
    for row, cost in zip(rows, costs, strict=True):
        number = int(row.label)
        nats[number] = [cost, float(row.num_targets)]
        bits[number] = [cost / math.log(2), float(len(task.answer(items[number]).encode()))]
    together = families(items)
    return [ratio("nats a token", nats, families=together), ratio("bits a byte", bits, families=together)]


def _costs(model: Any, rows: Sequence[Row], each: Each) -> list[float]:
    """Return the negative log-probability of every row's answer, in the order of the rows."""
    order = sorted(range(len(rows)), key=lambda number: len(rows[number].ids))
    parts = micro_batches([rows[number] for number in order], group=1, max_tokens=MAX_TOKENS)
    found = [0.0] * len(rows)
    costs = each(lambda part: _costs_of(model, part), parts)
    for number, cost in zip(order, (cost for some in costs for cost in some), strict=True):
        found[number] = cost
    return found


def _costs_of(model: Any, rows: Sequence[Row]) -> list[float]:
    batch = collate(rows, packed=model.packed, pad_id=model.pad_id, device=getattr(model, "device", "cpu"))
    with torch.no_grad(), quick_products():
        sums = batch.row_sums(model.token_logprobs(batch).double().to(batch.weights.device))
    found: list[float] = (-sums).tolist()
    return found
