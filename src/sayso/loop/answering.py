"""A model is measured on a task's items, beside the task's baseline and another model; its answers are kept as responses."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso import config, registry
from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.loop import Watcher
from sayso.loop.progress import Progress
from sayso.models.writing.sampling import Sampling
from sayso.records import plain
from sayso.store import lines
from sayso.tasks import TASKS
from sayso.training.engine.place import by_first, each, together

if TYPE_CHECKING:
    from sayso.evaluation.answering import Answered
    from sayso.tasks import Task
    from sayso.tasks.items import Item
    from sayso.tasks.metrics import Metric

VERB = "evaluate"
BASELINE = "baseline"
"""In the place of a model: the task's own answer that costs nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measuring:
    """Settings of measuring a model on a task; the task's own stand beside them under its name."""

    split: str = ""
    """Of a data set by name: which split; empty: as the task knows it, else test."""
    max_items: int = 0
    """Measure on so many items, drawn by the seed; 0: on all."""
    generate: Sampling = field(default_factory=lambda: Sampling(max_new_tokens=128, temperature=0.0))
    """How the model writes; temperature 0 is greedy."""
    seed: int = 0
    """Of which items are drawn, and of the intervals."""
    device: str = "auto"
    """Where the model runs: auto is the GPU where there is one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A task with its settings, and its items."""

    task: Task
    items: tuple[Item, ...]
    settings: Measuring


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What one model (or baseline) came to, and by how much the first one is better."""

    name: str
    metrics: tuple[Metric, ...]
    changes: tuple[Metric, ...] = ()
    """The first model's metrics less these, with paired intervals; empty of the first one itself."""
    too_long: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What measuring gave: the model first, then what it is compared with."""

    task: str
    first: str
    items: int
    standings: tuple[Standing, ...]
    answers: str = ""
    """The file of the model's answers, where one was asked for."""

    @property
    def form(self) -> Mapping[str, Any]:
        """As plain values."""
        return asdict(self)


def asked(name: str, files: Sequence[str], layers: Sequence[Mapping[str, Any]], assignments: Sequence[str]) -> Asked:
    """Return a task and its items; `NAME.key=value` sets the task's own settings, other keys those of measuring.

    Raises:
        NotFoundError: no such task or file.
        SettingsError: a wrong setting.
        RecordError: a line is wrong, or there is nothing to measure on.
    """
    given = config.override(config.merged(*layers), assignments)
    own = given.pop(name.partition(":")[0] if ":" not in name else "task", {})
    task: Task = config.build(registry.load(TASKS, name, kind="task"), own, where=f"{VERB} --task {name}")
    settings = config.build(Measuring, given, where=VERB)
    items = [item for file in files for item in task.items(file, split=settings.split)]
    known = [item for item in items if item.answers] if name != "retrieval" else items
    if not known:
        raise RecordError("{files}: holds no item with a right answer; expected at least one", files=", ".join(files))
    if 0 < settings.max_items < len(known):
        kept = sorted(random.Random(settings.seed).sample(range(len(known)), settings.max_items))
        known = [known[number] for number in kept]
    return Asked(task=task, items=tuple(known), settings=settings)


def known() -> list[dict[str, str]]:
    """Return every task by name: the metric it is chosen by, its baseline, and what it is."""
    found = []
    for name in TASKS:
        made: Any = registry.load(TASKS, name, kind="task")()
        about = (type(made).__doc__ or "").strip().partition("\n")[0]
        found.append({"name": name, "first": made.first, "baseline": getattr(made, "baseline", ""), "about": about})
    return found


def measured(wanted: Asked, model: str, *, others: Sequence[str] = (), answers: Path | None = None, watch: Watcher) -> Found:
    """Measure a model, the task's baseline and other models on the same items.

    Of several processes (`training.place`) that call this together each answers and scores a part, and the first writes.

    Raises:
        ModelError: a model cannot be opened.
        StoreError: the file of answers cannot be written.
    """
    from sayso.evaluation import answering

    first = _answered(wanted, model, watch)
    rest = [_answered(wanted, other, watch) for other in others if other != BASELINE]
    guessed = answering.by_guess(wanted.task, wanted.items) if model != BASELINE else None
    seed = wanted.settings.seed
    standings = [Standing(name=first.name, metrics=tuple(first.metrics(seed=seed)), too_long=first.too_long)]
    for other in [*([guessed] if guessed else []), *rest]:
        change = tuple(answering.changes(first, other, seed=seed))
        found = tuple(other.metrics(seed=seed))
        standings.append(Standing(name=other.name, metrics=found, changes=change, too_long=other.too_long))
    if answers is not None:
        by_first(lambda: _keep(answers, wanted, first))
    return Found(
        task=wanted.task.name, first=wanted.task.first, items=len(wanted.items), standings=tuple(standings),
        answers=str(answers or ""),
    )  # fmt: skip


def _answered(wanted: Asked, model: str, watch: Watcher) -> Answered:
    from sayso.evaluation import answering

    if model == BASELINE:
        guessed = answering.by_guess(wanted.task, wanted.items)
        if guessed is None:
            raise RecordError("the task {task} has no baseline; give a model's folder", task=wanted.task.name)
        return guessed
    from sayso.models import local, remote

    def told(done: int) -> None:
        watch(Progress(stage=_("answer"), done=done, total=len(wanted.items), unit=_("items"), note=model))

    writer = remote.load(model) if remote.is_address(model) else local.load(model, device=wanted.settings.device)
    return answering.by_model(
        together(writer), wanted.task, wanted.items, wanted.settings.generate, name=_short(model), told=told, each=each
    )


def _short(model: str) -> str:
    path = Path(model)
    return path.parent.name if path.name == "model" and path.parent.name else (path.name or model)


def _keep(path: Path, wanted: Asked, found: Answered) -> None:
    """Write the answers as lines of responses, which `sayso schema responses` describes."""
    written = zip(wanted.items, found.written, strict=True)
    lines.write_lines(
        path,
        ({"prompt": _prompt(wanted.task, item), "response": text, "version": found.name} for item, text in written),
    )


def _prompt(task: Task, item: Item) -> dict[str, Any]:
    prompt = task.prompt(item)
    form: dict[str, Any] = {"messages": plain(prompt.messages)}
    return form | ({"family": prompt.family} if prompt.family else {})
