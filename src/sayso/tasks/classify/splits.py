"""What is learnt from, what is chosen on, and what is measured on once: given, or held back by a seed.

What is held back keeps the classes' shares, and neither a text nor a family stands on both sides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sayso.errors import RecordError, SettingsError
from sayso.tasks.classify.task import Classify
from sayso.tasks.items import Item


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """How much is held back where a split is not given."""

    validation: float = 0.1
    """Of what is learnt from, to choose on."""
    test: float = 0.2
    """Of all, to measure on."""

    def __post_init__(self) -> None:
        for name in ("validation", "test"):
            if not 0 < getattr(self, name) < 1:
                raise SettingsError(
                    "shares.{key}: found {found}; expected a share between 0 and 1", key=name, found=getattr(self, name)
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class Splits:
    """The items of a task, and the task with its classes."""

    task: Classify
    train: tuple[Item, ...]
    validation: tuple[Item, ...]
    test: tuple[Item, ...]
    held_back: tuple[str, ...] = ()
    """Which of the splits were not given, but held back."""


def split(
    task: Classify, sources: Sequence[str], *, validation: Sequence[str] = (), test: Sequence[str] = (),
    shares: Shares | None = None, seed: int = 0,
) -> Splits:  # fmt: skip
    """Read the items of all splits.

    A preset knows its splits; of own files `sources` are learnt from, and what is not named is held back from them.

    Raises:
        NotFoundError: a file is not there.
        RecordError: a line is wrong, or a class stands in validation or test that was never learnt; it is named.
    """
    shares = shares or Shares()
    train = _read(task, sources, "train")
    named = {"validation": validation, "test": test}
    given = {
        name: _read(task, files or sources, name) if files or _knows(task, sources, name) else ()
        for name, files in named.items()
    }
    held = tuple(name for name, items in given.items() if not items)
    if "test" in held:
        train, given["test"] = held_back(train, shares.test, seed=seed)
    if "validation" in held:
        train, given["validation"] = held_back(train, shares.validation, seed=seed)
    full = task.with_classes_of(train)
    for items in given.values():
        _expect_learnt(full, train, items)
    return Splits(task=full, train=train, validation=given["validation"], test=given["test"], held_back=held)


def held_back(items: Sequence[Item], share: float, *, seed: int) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Return what stays and what is held back: about `share` of every class, families and equal texts kept together."""
    units: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, item in enumerate(items):
        units[(item.family,) if item.family else ("", *map(str.strip, item.inputs.values()))].append(number)
    classes: dict[str, list[list[int]]] = defaultdict(list)
    for members in units.values():
        classes[items[members[0]].answers[0]].append(members)
    generator = np.random.default_rng(seed)
    back: set[int] = set()
    for label in sorted(classes):
        order = generator.permutation(len(classes[label]))
        wanted = share * sum(map(len, classes[label]))
        count = 0
        for place in order[: len(order) - 1]:  # one at least stays, to be learnt from
            if count >= round(wanted):
                break
            back.update(classes[label][place])
            count += len(classes[label][place])
    stays = tuple(item for number, item in enumerate(items) if number not in back)
    return stays, tuple(item for number, item in enumerate(items) if number in back)


def _knows(task: Classify, sources: Sequence[str], name: str) -> bool:
    """Whether a preset has a split, where it is read from; a file of its own is no folder with all of them."""
    if not task.preset or any(Path(source).is_file() for source in sources):
        return False
    there = any(Path(source).exists() for source in sources)
    return bool((task.about.files if there else task.about.hub_splits).get(name))


def _read(task: Classify, sources: Sequence[str], name: str) -> tuple[Item, ...]:
    return tuple(item for source in sources for item in task.items(str(source), split=name))


def _expect_learnt(task: Classify, train: Sequence[Item], items: Sequence[Item]) -> None:
    learnt = {item.answers[0] for item in train}
    if task.about.scores:
        return
    for item in items:
        if item.answers[0] not in learnt:
            raise RecordError(
                "{where}: the class {found!r} stands in no text that is learnt from, where there are {known}; "
                "add such texts, or correct its name",
                where=item.where, found=item.answers[0], known=", ".join(sorted(learnt)[:20]),
            )  # fmt: skip
