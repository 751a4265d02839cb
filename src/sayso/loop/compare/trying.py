"""One method, trained once from the parent at one seed within the budget, and what the model then answers to the probes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from sayso import config, registry
from sayso.errors import ModelError, PreflightError, SettingsError
from sayso.i18n import gettext as _
from sayso.i18n import say
from sayso.loop import Watcher
from sayso.loop.compare.budgets import Budget, Course, Pace, Spent, exhausted, limited
from sayso.loop.grounding import ground
from sayso.loop.learning import Material, anchors_for, holds
from sayso.loop.measuring import heldout_rows
from sayso.loop.progress import Progress, ignore
from sayso.loop.settings import Settings
from sayso.loop.writing import answer
from sayso.methods import METHODS, Method
from sayso.records import Prompt

if TYPE_CHECKING:
    from sayso.models import Policy, Writer
    from sayso.models.local import LocalModel
    from sayso.models.writing.sampling import Sampling, Written

TRIAL_STEPS = 4
"""The first of them is not counted: it warms up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A method that takes part, with settings of its own."""

    label: str
    """As it was asked for."""
    name: str
    settings: Mapping[str, Any]

    @property
    def own_rate(self) -> bool:
        """Whether it names a learning rate, which then stands over that of the training's settings."""
        return "learning_rate" in self.settings

    def method(self) -> Method:
        """Return the method.

        Raises:
            NotFoundError: no such method.
            SettingsError: it has no such setting.
        """
        kind = registry.load(METHODS, self.name, kind="method")
        return config.build(kind, self.settings, where=f"method {self.name}")  # type: ignore[no-any-return]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ring:
    """What all methods share: the parent, settings, budget, and what they are tested on; it can be sent to a process."""

    base: str
    adapter: str | None
    settings: Settings
    budget: Budget
    prompts: tuple[Prompt, ...]
    """Of all probes."""
    heldout: tuple[tuple[Prompt, str], ...]
    clock: Callable[[], float] = perf_counter


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """One entry at one seed."""

    entry: Entry
    seed: int
    material: Material
    file: Path
    pace: Pace | None = None
    weights: Path | None = None
    """Where the trained weights are kept; None: nowhere."""

    @property
    def name(self) -> str:
        """What people read of it."""
        return _("{method}, seed {seed}").format(method=self.entry.label, seed=self.seed)


def entries(text: str) -> tuple[Entry, ...]:
    """Return the methods named in `NAME[:key=value…],…`; a name may be `module:Class`.

    Raises:
        SettingsError: none is named, one is named twice, or a method has no such setting.
        NotFoundError: no such method.
    """
    found = tuple(_entry(part.strip()) for part in text.split(",") if part.strip())
    if not found:
        raise SettingsError("--methods: expected names with commas between them; known: {known}", known=", ".join(METHODS))
    labels = [entry.label for entry in found]
    if len(set(labels)) < len(labels):
        raise SettingsError("--methods: {methods} names a method twice", methods=text)
    for entry in found:
        entry.method()
    return found


def _entry(text: str) -> Entry:
    parts = text.split(":")
    given = [part for part in parts if "=" in part]
    name = ":".join(part for part in parts if "=" not in part)
    return Entry(label=text, name=name, settings=config.override({}, given))


def load(ring: Ring, seed: int = 0) -> LocalModel:
    """Return the parent's model, loaded afresh and made trainable."""
    from sayso.models import local
    from sayso.training.engine import optimizer

    return optimizer.prepare(local.load(ring.base, adapter=ring.adapter), replace(ring.settings.train, seed=seed))


def course_of(ring: Ring, entry: Entry, material: Material, policy: LocalModel, seed: int) -> Course:
    """Return what a method learns from and how, after the checks that stand before every training.

    Raises:
        PreflightError: it could learn nothing from this.
    """
    method, train = entry.method(), replace(ring.settings.train, seed=seed, save_steps=0)
    if entry.own_rate:
        train = replace(train, learning_rate=None)
    found = ground(method, policy, material, train)
    return Course(method=method, ground=found, anchors=anchors_for(method, policy, ring.settings, material), train=train)


def pace_of(ring: Ring, entry: Entry, material: Material, seed: int) -> Pace:
    """Return what a step takes, from a few that are thrown away."""
    policy = load(ring, seed)
    course = course_of(ring, entry, material, policy, seed)
    short = replace(course, train=replace(course.train, max_steps=TRIAL_STEPS))
    budget = Budget(kind="steps", amount=TRIAL_STEPS)
    marks = [(spent.seconds, spent.tokens) for spent in _steps(ring, short, policy, budget)]
    (first, read), (last, read_all) = marks[0], marks[-1]
    return Pace(seconds=(last - first) / (len(marks) - 1), tokens=(read_all - read) / (len(marks) - 1))


def attempt(ring: Ring, unit: Unit, watch: Watcher = ignore) -> dict[str, Any]:
    """Train and test one unit, and return what is kept of it.

    A training that breaks off is measured as it stands: `diverged` says why, `refused` that nothing could be learnt.
    """
    policy = load(ring, unit.seed)
    course = course_of(ring, unit.entry, unit.material, policy, unit.seed)
    course = replace(course, train=limited(course, ring.budget, unit.pace))
    kept: dict[str, Any] = {"label": unit.entry.label, "seed": unit.seed, "diverged": "", "refused": ""}
    counting = _Counting(policy)
    spent = Spent(clock=ring.clock, began=ring.clock())
    try:
        for spent in _steps(ring, course, counting, ring.budget):
            watch(Progress(stage=unit.name, done=spent.steps, total=course.train.max_steps, unit=_("steps")))
    except ModelError as error:
        kept["diverged"] = say(error)
    except PreflightError as error:
        kept["refused"] = say(error)
    kept |= {"seconds": round(spent.seconds, 3), "steps": spent.steps, "planned": course.train.max_steps}
    kept |= {"tokens_trained": spent.tokens, "tokens_written": counting.tokens + _material_tokens(policy, course, unit)}
    if unit.weights is not None:
        policy.save(unit.weights)
    return {**kept, **measure(ring, policy, unit.name, watch)}


def _steps(ring: Ring, course: Course, policy: LocalModel | _Counting, budget: Budget) -> Iterator[Spent]:
    """Train, and yield what was spent after each step."""
    from sayso.training import steps

    spent = Spent(clock=ring.clock, began=ring.clock())
    records = steps.steps(
        course.method, cast("Policy", policy), course.ground.source, course.train, guard=course.anchors,
        stop=lambda: exhausted(budget, spent), clock=ring.clock,
    )  # fmt: skip
    for record in records:
        spent.steps = record.step
        spent.tokens += record.tokens + course.anchor_tokens(record.step - 1)
        yield spent


def measure(ring: Ring, model: LocalModel, stage: str, watch: Watcher = ignore) -> dict[str, Any]:
    """Return a model's answers to the probes by the prompt's id, and its loss on the held-out text."""
    from sayso.evaluation import heldout

    texts = write(model, ring.prompts, ring.settings.evaluate.sampling, stage, watch)
    rows = heldout_rows(model, ring.heldout)
    loss = heldout.loss(model, rows) if rows else None
    return {
        "answers": {prompt.id: text for prompt, text in zip(ring.prompts, texts, strict=True)},
        "heldout_loss": loss.loss if loss else None, "heldout_tokens": loss.tokens if loss else 0,
    }  # fmt: skip


def write(writer: Writer, prompts: Sequence[Prompt], sampling: Sampling, stage: str, watch: Watcher = ignore) -> list[str]:
    """Return the answers to prompts, some batches at a time."""
    named = _("{stage}: probes").format(stage=stage)
    return [text for _part, texts in answer(writer, prompts, sampling, stage=named, watch=watch) for text in texts]


def _material_tokens(model: LocalModel, course: Course, unit: Unit) -> int:
    """Return the tokens a model wrote beforehand so that this method could learn: responses, and its own refinements."""
    material = unit.material
    beside = (*material.near, *material.out) if course.anchors is not None or holds(course.method) else ()
    texts = [item.response.text for item in (*material.examples, *beside) if item.response is not None]
    if "refinement" in course.method.wants:
        better = [item.refinement for item in material.examples if item.refinement is not None]
        texts += [item.text for item in better if item.source == "model"]
    return sum(len(model.encode_response(text)) for text in texts)


class _Counting:
    """A policy that counts the tokens it writes while it is trained."""

    def __init__(self, policy: LocalModel) -> None:
        self._policy = policy
        self.tokens = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._policy, name)

    def write(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Written]:
        """Write, and count."""
        found = self._policy.write(prompts, sampling)
        self.tokens += sum(len(item.ids) for item in found)
        return found

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """Write, and count."""
        return [item.text for item in self.write(prompts, sampling)]


def labels(some: Iterable[Entry]) -> str:
    """Return the entries as they were asked for."""
    return ",".join(entry.label for entry in some)
