"""Do what is missing in a folder, one file a finished unit: whoever is stopped goes on where they were."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso import registry
from sayso.errors import NotFoundError, SettingsError, StoreError
from sayso.i18n import gettext as _
from sayso.loop import Watcher
from sayso.loop.bench import answering, material, sequences, suite, teaching, together
from sayso.loop.bench.suite import Item, Suite
from sayso.loop.bench.tiers import SMALL_RATES, Condition, Tier, conditions
from sayso.loop.learning import holds
from sayso.loop.processes import in_processes
from sayso.loop.progress import Progress, ignore
from sayso.loop.workspace import write_whole
from sayso.methods import METHODS, Method
from sayso.records import plain

if TYPE_CHECKING:
    from sayso.models.local import LocalModel

RUN = "run.json"
WITHOUT = ("sft", "rationale")
"""Methods that learn from no feedback, or teach classifiers; the suite is for models that write."""
TOGETHER = 8
"""Comments whose prompts are answered in one go."""
STAGES = ("base", "told", "drafts", "teach", "together", "sequence")


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What is measured, how, and where it is kept."""

    model: str
    adapter: str | None
    methods: tuple[str, ...]
    tier: Tier
    tier_name: str
    folder: Path
    suite: Path | None = None
    """Another suite than the package's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """Some units that are done in one go: comments to answer for, one lesson, one of several comments, or a sequence."""

    stage: str
    items: tuple[str, ...]
    seed: int = 0
    condition: Condition | None = None
    drafts: int = 0

    def files(self) -> tuple[str, ...]:
        """Return the names of the files that it writes, in the folder of its stage."""
        if self.stage == "base":
            return self.items
        if self.condition is None:
            return tuple(f"{item}.s{self.seed}" for item in self.items)
        name = slug(self.condition.name)
        if self.stage == "sequence":
            return (f"{name}.{self.items[0]}.s{self.seed}",)
        if self.stage == "together":
            return (f"{name}.k{len(self.items)}.{self.items[0]}.s{self.seed}",)
        return (f"{name}.n{self.drafts}.{self.items[0]}.s{self.seed}",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The tasks of every stage, and how many of their units are done."""

    tasks: dict[str, list[Task]]
    done: dict[str, int]
    units: dict[str, int] = field(default_factory=dict)

    def left(self, stage: str) -> int:
        """Return how many units of a stage are still to be done."""
        return self.units[stage] - self.done[stage]


def check(job: Job, known: Suite) -> None:
    """Refuse what cannot be run, before anything is loaded.

    Raises:
        NotFoundError: no such method.
        SettingsError: the tier asks for more than the suite has, a method is named twice or missing, or the folder holds
            another run.
    """
    if not job.methods:
        raise SettingsError("--methods: expected names with commas between them; known: {known}", known=", ".join(METHODS))
    for name in job.methods:
        registry.load(METHODS, name, kind="method")
        if name in WITHOUT:
            raise SettingsError(
                "--methods: {name} learns from no feedback, or teaches classifiers alone, so no comment of the suite can "
                "take; refine_sft learns from refinements",
                name=name,
            )
    if len(set(job.methods)) < len(job.methods):
        raise SettingsError("--methods: {methods} names a method twice", methods=",".join(job.methods))
    least = known.items[0]
    limits = {
        "comments": len(known.items), "tests": len(least.test["in"]), "drafts": len(least.learn["in"]),
        "anchors": len(least.learn["near"]),
    }  # fmt: skip
    for key, most in limits.items():
        found = getattr(job.tier, key)
        if not 1 <= found <= most:
            raise SettingsError("{key}: found {found}; expected a number from 1 to {most}", key=key, found=found, most=most)
    if job.tier.seeds < 1:
        raise SettingsError("{key}: found {found}; expected at least {least}", key="seeds", found=job.tier.seeds, least=1)
    for size in job.tier.together:
        if size < 2:
            raise SettingsError("{key}: found {found}; expected at least {least}", key="together", found=size, least=2)
    _same_run(job, known)


def _same_run(job: Job, known: Suite) -> None:
    path = job.folder / RUN
    if not path.is_file():
        if job.folder.is_dir() and any(job.folder.iterdir()):
            raise SettingsError("{folder!r} is not empty and holds no benchmark; name another folder with --out",
                                folder=str(job.folder))  # fmt: skip
        return
    before, now = read(path), _described(job, known)
    for key in ("model", "adapter", "weights", "suite", "tier", "rates"):
        if before.get(key) != now[key]:
            raise SettingsError(
                "{folder!r} holds a run with another {key}; name another folder with --out, or repeat what began it",
                folder=str(job.folder), key=key,
            )  # fmt: skip


def _described(job: Job, known: Suite) -> dict[str, Any]:
    return {
        "model": job.model, "adapter": job.adapter, "weights": weights(job), "tier_name": job.tier_name,
        "methods": list(job.methods), "suite": {"version": known.version, "sha256": known.sha256},
        "tier": json.loads(json.dumps(plain(asdict(job.tier)))), "rates": dict(SMALL_RATES),
    }  # fmt: skip


def weights(job: Job) -> dict[str, str]:
    """Return the SHA-256 of the weights of the model and of the adapter.

    Raises:
        NotFoundError: there is no such model or adapter.
    """
    from sayso.models import folders

    found = {"model": _sha256(folders.find(job.model))}
    return found | ({"adapter": _sha256(folders.find(job.adapter))} if job.adapter else {})


def _sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        raise NotFoundError("no *.safetensors in {folder!r}; expected an ordinary model folder", folder=str(folder))
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def plan(job: Job, known: Suite) -> Plan:
    """Return all tasks, those that are done included."""
    tasks: dict[str, list[Task]] = {stage: [] for stage in STAGES}
    for task in _tasks(job, known):
        tasks[task.stage].append(task)
    units = {stage: sum(len(task.files()) for task in some) for stage, some in tasks.items()}
    done = {
        stage: sum(place(job, stage, name).is_file() for task in some for name in task.files())
        for stage, some in tasks.items()
    }
    return Plan(tasks=tasks, done=done, units=units)


def _tasks(job: Job, known: Suite) -> Iterator[Task]:
    tier = job.tier
    ids = tuple(item.id for item in known.items[: tier.comments])
    parts = [ids[start : start + TOGETHER] for start in range(0, len(ids), TOGETHER)]
    yield from (Task(stage="base", items=part) for part in parts)
    for seed in tier.all_seeds:
        yield from (Task(stage=stage, items=part, seed=seed) for stage in ("told", "drafts") for part in parts)
    for seed in tier.all_seeds:
        for item in ids:
            for condition, drafts in lessons(job):
                yield Task(stage="teach", items=(item,), seed=seed, condition=condition, drafts=drafts)
    length = tier.sequence_length
    several = [("together", tuple(item.id for item in some)) for some in at_once(job, known)]
    for number in range(min(tier.sequences, len(ids) // length) if length > 1 else 0):
        several.append(("sequence", ids[number * length :][:length]))
    for seed in tier.all_seeds:
        for stage, some in several:
            for method in job.methods:
                yield Task(stage=stage, items=some, seed=seed, condition=Condition(name=method, method=method))


def at_once(job: Job, known: Suite) -> Iterator[tuple[Item, ...]]:
    """Yield the sets of comments that are learnt at once, the small ones first."""
    items = known.items[: job.tier.comments]
    for size in sorted(set(job.tier.together)):
        yield from together.sets(items, size, job.tier.sets) if size <= len(items) else ()


def lessons(job: Job) -> Iterator[tuple[Condition, int]]:
    """Yield every trained condition with its number of drafts, the points of the learning curves after the full numbers."""
    for condition in job_conditions(job):
        yield condition, job.tier.drafts
    for method in job.methods[: job.tier.curve_methods]:
        yield from ((Condition(name=method, method=method), n) for n in job.tier.points)


def job_conditions(job: Job) -> list[Condition]:
    """Return the trained conditions of a job.

    A method that reads no refinement has none made by the model itself, and one that holds the model itself no guard to be
    without.
    """
    return [condition for condition in conditions(job.methods, job.tier.controls) if _sensible(condition)]


def _sensible(condition: Condition) -> bool:
    method: Method = registry.load(METHODS, condition.method, kind="method")()
    reads = "refinement" in method.wants or condition.refinements != "self"
    return reads and (condition.guard or not holds(method))


def run(job: Job, *, workers: int = 1, watch: Watcher = ignore) -> Suite:
    """Do every unit that has no file yet, and return the suite.

    Raises:
        SettingsError: see `check`.
        StoreError: the disk refused.
    """
    known = suite.load(job.suite)
    check(job, known)
    described = json.dumps(_described(job, known), indent=1, ensure_ascii=False) + "\n"
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
        write_whole(job.folder / RUN, described)
    except OSError as error:
        raise StoreError("{folder!r} cannot be written: {reason}", folder=str(job.folder), reason=error.strerror) from error
    for stage in STAGES:
        found = plan(job, known)
        waiting = [task for task in found.tasks[stage] if not _done(job, task)]
        done = found.done[stage]
        for files in _worked(job, waiting, workers):
            done += files
            watch(Progress(stage=_stage(stage), done=done, total=found.units[stage], unit=_("units")))
    return known


def _stage(stage: str) -> str:
    words = {
        "base": _("answer the test prompts"), "told": _("answer them told the comment"), "drafts": _("draft"),
        "teach": _("teach"), "together": _("teach several at once"), "sequence": _("teach in sequence"),
    }  # fmt: skip
    return words[stage]


def _done(job: Job, task: Task) -> bool:
    return all(place(job, task.stage, name).is_file() for name in task.files())


def _worked(job: Job, tasks: Sequence[Task], workers: int) -> Iterator[int]:
    """Do tasks, here or in processes of one thread each, and yield the number of units of each as it ends."""
    if workers <= 1 or len(tasks) <= 1:
        for task in tasks:
            work(job, task)
            yield len(task.files())
        return
    threads = max(1, (os.cpu_count() or 1) // workers)
    count = min(workers, len(tasks))
    for task in in_processes(partial(work, job), tasks, count, begin=_begin, given=(threads,)):
        yield len(task.files())


def _begin(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def work(job: Job, task: Task) -> None:
    """Do one task and write its files, each whole or not at all."""
    known = _suite(job.suite)
    items = [known.item(name) for name in task.items]
    if task.stage == "base":
        records = answering.base(_base(job.model, job.adapter), items, job.tier)
    elif task.stage == "told":
        answers = [read(place(job, "base", item.id)) for item in items]
        records = answering.told(_base(job.model, job.adapter), items, answers, job.tier, task.seed)
    elif task.stage == "drafts":
        records = answering.drafts(_base(job.model, job.adapter), items, job.tier, task.seed)
    else:
        assert task.condition is not None
        records = [_taught(job, task, known)]
    for name, record in zip(task.files(), records, strict=True):
        path = place(job, task.stage, name)
        path.parent.mkdir(exist_ok=True)
        write_whole(path, json.dumps(record, ensure_ascii=False) + "\n")


def _taught(job: Job, task: Task, known: Suite) -> dict[str, Any]:
    assert task.condition is not None
    model = _open(job.model, job.adapter)
    items = [known.item(name) for name in task.items]
    if task.stage == "sequence":
        return sequences.learn(model, items, task.condition.method, job.tier, task.seed)
    written = [read(place(job, "drafts", f"{item.id}.s{task.seed}")) for item in items]
    before = [read(place(job, "base", item.id)) for item in items]
    if task.stage == "together":
        return together.learn(model, items, written, before, task.condition.method, job.tier, task.seed)
    item = items[0]
    other = known.item(item.shuffled)
    lesson = material.Lesson(item=item, other=other, condition=task.condition, seed=task.seed, drafts=task.drafts)
    return teaching.teach(model, lesson, written[0], before[0], job.tier)


def place(job: Job, stage: str, name: str) -> Path:
    """Return the file of a unit."""
    return job.folder / stage / f"{name}.json"


def read(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file of a run."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def slug(name: str) -> str:
    """Return the name of a condition as part of a file's name."""
    return name.replace(", ", "-").replace(" ", "_").replace(":", "_")


@lru_cache(maxsize=1)
def _suite(path: Path | None) -> Suite:
    return suite.load(path)


@lru_cache(maxsize=1)
def _base(model: str, adapter: str | None) -> LocalModel:
    """Return the untaught model, opened once a process: it is only ever asked."""
    return _open(model, adapter)


def _open(model: str, adapter: str | None) -> LocalModel:
    from sayso.models import local

    return local.load(model, adapter=adapter)
