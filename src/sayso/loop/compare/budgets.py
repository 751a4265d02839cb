"""An equal budget for methods that are compared: so many optimizer steps, tokens, or seconds, turned into a number of steps.

The learning rate falls to its end over the steps of a run, so the number of steps must be known before the first. With fixed
rows and a budget in tokens it is counted; else it is reckoned from a short trial, and the run is stopped where the budget is
spent before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from sayso.loop.grounding import Ground
from sayso.training.settings import Train

if TYPE_CHECKING:
    from sayso.methods import Method
    from sayso.training.engine.guard import Anchors

Kind = Literal["steps", "tokens", "seconds"]
MOST_STEPS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """How much every method may spend on one seed."""

    kind: Kind
    amount: float
    """Tokens are those that gradients flow through: the method's rows and the anchors."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """What a step took in a short trial."""

    seconds: float
    tokens: float


@dataclass(slots=True)
class Spent:
    """What a run has spent so far."""

    clock: Callable[[], float]
    began: float
    steps: int = 0
    tokens: int = 0

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return self.clock() - self.began


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """What a method learns from, and how it is trained: enough to know what a step reads."""

    method: Method
    ground: Ground
    anchors: Anchors | None
    train: Train

    def tokens_of(self, number: int) -> int:
        """Return the tokens that step `number` (from 0) reads; of the anchors alone where answers are drawn."""
        from sayso.training.engine.order import groups_of_step

        if self.ground.drawing is not None:
            return self.anchor_tokens(number)
        size, rows = self.method.group, self.ground.rows
        groups = groups_of_step(number, self.ground.groups, self.train)
        own = sum(len(row.ids) for group in groups for row in rows[group * size : (group + 1) * size])
        return own + self.anchor_tokens(number)

    def anchor_tokens(self, number: int) -> int:
        """Return the tokens of the anchors of step `number` (from 0)."""
        from sayso.training.engine.order import endless

        if self.anchors is None:
            return 0
        size, seed = self.anchors.settings.rows_per_step, self.train.seed
        kinds = self.anchors.kinds()
        return sum(len(row.ids) for _name, rows, _w in kinds for row in endless(rows, step=number, size=size, seed=seed))

    def num_steps(self) -> int:
        """Return the steps that the settings ask for, whatever the budget."""
        from sayso.training.engine.order import num_steps

        return num_steps(self.ground.groups, self.train)


def needs_trial(budget: Budget, ground: Ground) -> bool:
    """Return whether the number of steps can only be reckoned from a trial."""
    return budget.kind == "seconds" or (budget.kind == "tokens" and ground.drawing is not None)


def limited(course: Course, budget: Budget, pace: Pace | None) -> Train:
    """Return the settings of a training that spends the budget; at least one step is done."""
    if budget.kind == "steps":
        return replace(course.train, max_steps=round(budget.amount))
    if not needs_trial(budget, course.ground):
        return replace(course.train, max_steps=_within(course, budget.amount))
    assert pace is not None, "a trial was made"
    one = pace.seconds if budget.kind == "seconds" else pace.tokens
    return replace(course.train, max_steps=min(MOST_STEPS, max(1, round(budget.amount / max(one, 1e-9)))))


def exhausted(budget: Budget, spent: Spent) -> bool:
    """Return whether nothing of the budget is left."""
    return bool(getattr(spent, budget.kind) >= budget.amount)


def usual(course: Course, pace: Pace | None) -> Budget:
    """Return, as a budget in tokens, what a method reads with the settings as they are."""
    steps = course.num_steps()
    if course.ground.drawing is not None:
        assert pace is not None, "a trial was made"
        return Budget(kind="tokens", amount=round(pace.tokens * steps))
    return Budget(kind="tokens", amount=sum(course.tokens_of(number) for number in range(steps)))


def _within(course: Course, tokens: float) -> int:
    """Return the most steps that read no more than `tokens`, and at least one."""
    read = course.tokens_of(0)
    number = 1
    while number < MOST_STEPS and (read := read + course.tokens_of(number)) <= tokens:
        number += 1
    return number
