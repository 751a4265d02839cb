"""Answers that are drawn while training: what stands in the place of rows where a method asks the policy to write.

Which prompts a step takes, and the seed its answers are drawn with, are functions of the training's seed and the step: a run
that is taken up again from a checkpoint draws the very answers it would have drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sayso.batches import Drawn
from sayso.methods import Method, OnPolicy
from sayso.records import identity
from sayso.training.engine.order import groups_of_step
from sayso.training.engine.together import together
from sayso.training.settings import Train

if TYPE_CHECKING:
    from sayso.batches import Row
    from sayso.models import Policy
    from sayso.records import Example


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """What new answers are drawn for, as the method put it together; `steps` takes it in the place of rows."""

    method: OnPolicy
    tasks: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.tasks)

    def digest(self) -> str:
        """Return the hash of all tasks, in order."""
        return identity(self.tasks)

    def of_step(self, policy: Policy, number: int, settings: Train) -> Drawn:
        """Draw what step `number` (from 0) learns from; of several processes each writes a part, and all are given all."""
        chosen = [self.tasks[place] for place in groups_of_step(number, len(self.tasks), settings)]
        return self.method.draw(together(policy), chosen, step=number, seed=settings.seed)


def drawing_of(method: Method, examples: Iterable[Example], policy: Policy) -> Drawing | None:
    """Return what a method draws answers for, or None where it learns from fixed rows.

    Raises:
        PreflightError: it would draw, but cannot: the method says why.
    """
    if isinstance(method, OnPolicy) and method.on_policy:
        return Drawing(method=method, tasks=tuple(method.tasks(examples, policy)))
    return None


def source(method: Method, examples: Sequence[Example], policy: Policy) -> Sequence[Row] | Drawing:
    """Return what `steps` is to be given for these examples: a method's rows, or what it draws answers for."""
    drawing = drawing_of(method, examples, policy)
    return list(method.rows(examples, policy)) if drawing is None else drawing
