"""One training before it is done: its model and rows, how large its micro-batches are, and some steps that stand for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sayso.batches import Row, micro_batches
from sayso.training.engine.drawing import Drawing
from sayso.training.engine.order import endless, groups_of_step, num_steps

if TYPE_CHECKING:
    from sayso.methods import Method
    from sayso.models import Policy
    from sayso.training.engine.guard import Anchors
    from sayso.training.settings import Train

SAMPLED_STEPS = 64
"""Steps of the schedule that are looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """One training, with its model made ready to learn."""

    method: Method
    policy: Policy
    rows: Sequence[Row] | Drawing
    train: Train
    anchors: Anchors

    @property
    def groups(self) -> int:
        """Groups of rows, or prompts that answers are drawn for."""
        return len(self.rows) if isinstance(self.rows, Drawing) else len(self.rows) // self.method.group

    @property
    def steps(self) -> int:
        """Optimizer steps."""
        return num_steps(self.groups, self.train)

    @property
    def epochs(self) -> float:
        """How often a row is seen."""
        return self.steps * self.train.groups_per_step / max(1, self.groups)

    @property
    def uses_reference(self) -> bool:
        """Whether the model as it was before training is kept beside it."""
        return self.method.uses_reference or bool(self.anchors.kinds() and self.anchors.settings.kl_share)


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How large a micro-batch is."""

    tokens: int
    """That go through the model, padding among them."""
    work: float
    """Multiplications of matrices, attention and the output head, forward."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """The micro-batches of some steps, which stand for all."""

    steps: int
    own: tuple[tuple[tuple[Row, ...], ...], ...]
    """A step's micro-batches."""
    anchors: tuple[tuple[tuple[Row, ...], ...], ...]


class Sizes:
    """Reads the size of micro-batches off the rows and the model's shape."""

    def __init__(self, policy: Policy) -> None:
        module = getattr(policy, "inner", policy.module)
        head = module.get_output_embeddings() if hasattr(module, "get_output_embeddings") else None
        apart = {id(part) for part in (head.weight if head is not None else None, *_embeddings(module))}
        matrices = [item for item in module.parameters() if item.ndim > 1 and id(item) not in apart]
        self._matrix = sum(item.numel() for item in matrices)
        self.states = sum(sum(item.shape) for item in matrices)
        """How many numbers go into all matrices of the model and come out of them, for one token."""
        self._head = head.weight.numel() if head is not None else 0
        self.vocabulary = head.weight.shape[0] if head is not None else 0
        config = module.config.get_text_config()
        layers, width = getattr(config, "num_hidden_layers", 0) or 0, getattr(config, "hidden_size", 0) or 0
        self._attention = int(layers) * int(width)
        self._packed = policy.packed

    def of(self, rows: Sequence[Row]) -> Size:
        """Return the size of a micro-batch."""
        lengths = [len(item.ids) for item in rows]
        tokens = sum(lengths) if self._packed else max(lengths) * len(lengths)
        square = sum(length**2 for length in lengths)
        targets = sum(item.num_targets for item in rows)
        return Size(tokens=tokens, work=float(tokens * self._matrix + square * self._attention + targets * self._head))


def _embeddings(module: Any) -> Iterator[Any]:
    found = module.get_input_embeddings() if hasattr(module, "get_input_embeddings") else None
    if found is not None:
        yield getattr(found, "weight", None)


def schedule(lesson: Lesson, drawn: Sequence[Row] = (), *, sampled: int = SAMPLED_STEPS) -> Schedule:
    """Return the micro-batches of steps spread evenly over a training; `drawn` stand for the answers of any step."""
    total = lesson.steps
    count = min(sampled, total)
    numbers = [round(place * (total - 1) / max(1, count - 1)) for place in range(count)]
    most = lesson.train.max_tokens
    own, held = [], []
    for number in numbers:
        rows = list(drawn) if isinstance(lesson.rows, Drawing) else _rows_of(lesson, lesson.rows, number)
        own.append(tuple(map(tuple, micro_batches(rows, group=lesson.method.group, max_tokens=most))))
        held.append(tuple(_anchors_of(lesson, number)))
    return Schedule(steps=total, own=tuple(own), anchors=tuple(held))


def _rows_of(lesson: Lesson, rows: Sequence[Row], number: int) -> list[Row]:
    size = lesson.method.group
    chosen = groups_of_step(number, lesson.groups, lesson.train)
    members = [list(rows[group * size : (group + 1) * size]) for group in chosen]
    if not lesson.policy.packed:  # as the loop lays them out
        members.sort(key=lambda some: max(len(item.ids) for item in some))
    return [item for some in members for item in some]


def _anchors_of(lesson: Lesson, number: int) -> Iterator[tuple[Row, ...]]:
    size = lesson.anchors.settings.rows_per_step
    for _name, rows, _weight in lesson.anchors.kinds():
        chosen = endless(rows, step=number, size=size, seed=lesson.train.seed)
        yield from map(tuple, micro_batches(chosen, group=1, max_tokens=lesson.train.max_tokens))
