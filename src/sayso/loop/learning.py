"""Learn: examples become rows, rows a candidate; taken up again where it stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from sayso import config, registry
from sayso.critics import conflicts
from sayso.errors import PreflightError, SettingsError
from sayso.i18n import gettext as _
from sayso.loop import Watcher, competence
from sayso.loop.grounding import Ground, ground
from sayso.loop.improving import Wanting, judge
from sayso.loop.lineage import BEGAN
from sayso.loop.progress import Progress, ignore
from sayso.loop.settings import Settings
from sayso.loop.staging import stages_of
from sayso.loop.workspace import CANDIDATE, Workspace
from sayso.loop.writing import Field, survey
from sayso.methods import METHODS, Method
from sayso.records import Comment, Example, Prompt, Refinement, Response, Run, Scope, Version, identity
from sayso.training.engine.place import by_first, place
from sayso.training.settings import INDIFFERENT

if TYPE_CHECKING:
    from sayso.models.local import LocalModel
    from sayso.training.engine.guard import Anchors
    from sayso.training.foresight.lesson import Lesson
    from sayso.training.settings import Train


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """What a method is given: examples, and the model's own answers that must stay as they are."""

    examples: tuple[Example, ...]
    near: tuple[Example, ...]
    out: tuple[Example, ...]
    unrefined: int
    """Responses that wanted a refinement and have none."""
    left_out: int
    """Those of them that the method cannot learn from as they are."""

    def given(self, method: Method) -> tuple[Example, ...]:
        """Return what the method reads: the examples, and the answers to stay as they are where it holds them itself."""
        return (*self.examples, *self.near, *self.out) if holds(method) else self.examples


@dataclass(frozen=True, kw_only=True, slots=True)
class Learnt:
    """The candidate and how it was made."""

    version: Version
    run: Run
    material: Material
    again: bool
    """True when this very training was done before and its version was taken."""
    warnings: tuple[str, ...] = ()
    """What the rules of preflight said before it was trained."""
    earlier: tuple[Learnt, ...] = ()
    """The stages before, where trainings stand in sequence; each has a version of its own."""


def method_of(settings: Settings) -> Method:
    """Return the method of the settings.

    Raises:
        NotFoundError: no such method.
        SettingsError: the method has no such setting.
    """
    name = settings.method_name
    if not name:
        raise SettingsError(
            "method: expected a name, or a mapping with the key name; known: {known}", known=", ".join(METHODS)
        )
    kind = registry.load(METHODS, name, kind="method")
    return config.build(kind, settings.method_settings, where=f"method {name}")  # type: ignore[no-any-return]


def holds(method: Method) -> bool:
    """Return whether a method holds the model near and out of scope itself; the guard is left off for it."""
    return "anchors" in method.wants


def gather(workspace: Workspace, settings: Settings, method: Method) -> Material:
    """Return the examples for a method, and the anchors: answers to which no unmet comment applies.

    Raises:
        PreflightError: there is no open comment, or none that asks for anything here.
    """
    field = survey(workspace, settings)
    praised = field.praised if "praise" in method.wants else ()
    if not field.comments and not field.bound and not praised:
        raise PreflightError("there is no open comment to learn from; add one with sayso comments add or import")
    refinements = {item.response.id: item for item in workspace.store.wanted_refinements()}
    judged = judge(workspace, settings, field)
    conflicts.refuse(_contradictory(field))
    wanting = [_example(item, refinements, method) for item in judged if not item.good]
    unmet = {item.response.id for item in judged if not item.good}
    liked = _liked(praised, unmet)
    if not wanting and not liked:
        raise _nothing(field, len(judged))
    needed = "refinement" in method.wants
    examples = [item for item in wanting if item.refinement is not None or not needed]
    good = [item for item in judged if item.response.id not in unmet]
    return Material(
        examples=(*examples, *liked),
        near=tuple(_own(item, "near") for item in good if item.near),
        out=tuple(_own(item, "out") for item in good if not item.near),
        unrefined=sum(item.refinement is None for item in wanting),
        left_out=len(wanting) - len(examples),
    )


def _contradictory(field: Field) -> list[tuple[Comment, Comment]]:
    """Return the pairs of comments that apply to one prompt, or are on one response, and cannot both be met."""
    by_id = {comment.id: comment for comment in field.comments}
    applying = {placed.inside for placed in field.placed}
    pairs = sorted({pair for inside in applying for pair in combinations(inside, 2)})
    standing = [(by_id[one], by_id[other]) for one, other in pairs if conflicts.disagree(by_id[one], by_id[other])]
    return [*standing, *conflicts.contradictory((*field.bound, *field.praised))]


def _nothing(field: Field, responses: int) -> PreflightError:
    """Return why no response wants anything better."""
    named = {comment_id for placed in field.placed for comment_id in placed.inside}
    idle = [comment for comment in field.comments if comment.id not in named]
    if idle:
        return PreflightError(
            "comment {id!r} has no prompt in its scope to learn from (its probes of a single wording are kept for testing); "
            "give it probes in scope of two families or more, twenty are better",
            id=idle[0].id,
        )  # fmt: skip
    if not responses:
        return PreflightError("no prompt was answered yet; run sayso generate first")
    return PreflightError(
        "all {count} responses meet every comment that applies already; nothing is left to learn", count=responses
    )


def learn(workspace: Workspace, settings: Settings, *, watch: Watcher = ignore) -> Learnt:
    """Train a candidate; with stages, each from what the one before came to, and the last is the candidate.

    All stages learn from the responses of the version that the first begins with. Of several processes (`training.place`)
    that call this together the first alone reads and writes the records, and the model that comes of it.

    Raises:
        PreflightError: nothing could be learnt; said of every stage before anything is loaded onto the device or trained.
    """
    stages = stages_of(settings)
    methods = [method_of(stage) for stage in stages]
    lessons = by_first(lambda: [_lesson(workspace, *pair) for pair in zip(stages, methods, strict=True)])
    first = parent = by_first(lambda: workspace.version(settings.model_name_or_path))
    done: list[Learnt] = []
    for number, lesson in enumerate(lessons, start=1):
        named = watch if len(lessons) == 1 else in_stage(watch, number, len(lessons))
        done.append(_learnt(workspace, lesson, parent, first, named))
        parent = done[-1].version
    by_first(lambda: workspace.store.set_alias(CANDIDATE, parent.id))
    return replace(done[-1], earlier=tuple(done[:-1]))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lesson:
    """One training: its settings, and what it learns from."""

    settings: Settings
    method: Method
    material: Material


def _lesson(workspace: Workspace, settings: Settings, method: Method) -> _Lesson:
    return _Lesson(settings=settings, method=method, material=gather(workspace, settings, method))


def in_stage(watch: Watcher, number: int, of: int) -> Watcher:
    """Return a watcher that says which stage it is."""

    def named(progress: Progress) -> None:
        stage = _("stage {number} of {of}: {stage}").format(number=number, of=of, stage=progress.stage)
        watch(replace(progress, stage=stage))

    return named


def _learnt(workspace: Workspace, lesson: _Lesson, parent: Version, first: Version, watch: Watcher) -> Learnt:
    """Train one version from `parent`, of a sequence that began with `first`; what was done before is taken."""
    settings, method, material = lesson.settings, lesson.method, lesson.material
    run, done = by_first(lambda: _before(workspace, lesson, parent, first))
    if done is not None:
        return Learnt(version=done, run=run, material=material, again=True)
    warnings = by_first(lambda: foreseen(workspace, settings, method, parent, material, watch))
    started = perf_counter()
    policy, steps = train(workspace, settings, method, parent, material, workspace.folder / run.folder, watch)

    def kept() -> tuple[Version, Run]:
        version = keep_version(workspace, policy, parent, run)
        ended = replace(run, steps=steps, seconds=round(perf_counter() - started, 2))
        workspace.store.add_run(ended)
        workspace.store.add_version(version)
        return version, ended

    version, run = by_first(kept)
    return Learnt(version=version, run=run, material=material, again=False, warnings=warnings)


def _before(workspace: Workspace, lesson: _Lesson, parent: Version, first: Version) -> tuple[Run, Version | None]:
    """Return the run that a training is, and the version that came of it when it was done before."""
    run = _run(workspace, lesson.settings, parent, lesson.material)
    if first.id != parent.id:
        run = replace(run, settings={**run.settings, BEGAN: first.id})
    done = next((version for version in workspace.store.versions() if version.run == run.id), None)
    return (run if done is None else workspace.store.run(run.id)), done


def foreseen(
    workspace: Workspace, settings: Settings, method: Method, parent: Version, material: Material, watch: Watcher = ignore
) -> tuple[str, ...]:
    """Return what the rules that do not stop a training say; how well a model follows comments is measured where needed."""
    from sayso.training import warnings
    from sayso.training.signs import look

    given = material.given(method)
    signs = look(given)
    found = [*warnings.of_edits(method, given, signs), *warnings.of_words(signs)]
    if settings.method_name in competence.NEEDED:
        measured = competence.measure(workspace, settings, parent, watch=watch)
        found += warnings.of_competence(measured.share, measured.n) if measured else []
    return tuple(item.sentence for item in found)


def train(
    workspace: Workspace,
    settings: Settings,
    method: Method,
    parent: Version,
    material: Material,
    folder: Path,
    watch: Watcher,
) -> tuple[LocalModel, int]:
    """Run the one training loop and return the trained policy and its number of steps.

    Raises:
        KeyboardInterrupt: SIGINT or SIGTERM came; a checkpoint was written, and the same call goes on from it.
    """
    from sayso.training import run as running
    from sayso.training import steps as loop
    from sayso.training.engine import stopping
    from sayso.training.foresight import outlook

    policy = policy_for(workspace, settings, parent)
    found_on = ground(method, policy, material, settings.train)
    anchors = anchors_for(method, policy, settings, material)
    decided = outlook.decided(lesson_of(method, policy, found_on, settings.train, anchors), found_on.rows)
    with stopping.signals() as stop:
        records = loop.steps(
            method, policy, found_on.source, decided, guard=anchors, folder=folder, resume=folder.exists(), stop=stop,
            clock=perf_counter,
        )  # fmt: skip
        for step in running.keep(records, folder):
            said = _("loss {loss:.3f}")
            if holds(method):
                said = _("loss {loss:.3f}; guard left off, the method holds near and out itself")
            if step.reward is not None:
                said = _("loss {loss:.3f}, reward {reward:.2f}")
            note = said.format(loss=step.loss, reward=step.reward)
            watch(Progress(stage=_("learn"), done=step.step, total=step.num_steps, unit=_("steps"), note=note))
        if place().first:  # the others end when it does
            stop.leave()
    return policy, len(running.read(folder))


def policy_for(workspace: Workspace, settings: Settings, parent: Version) -> LocalModel:
    """Return the parent's model, loaded afresh and made trainable: a new adapter, the parent's own, or all weights."""
    from sayso.models import local
    from sayso.training.engine import optimizer

    base = parent.base if parent.form == "adapter" else parent.path
    adapter = workspace.place_of(parent.path) if parent.form == "adapter" else None
    return optimizer.prepare(local.load(workspace.place_of(base), adapter=adapter), settings.train)


def lesson_of(method: Method, policy: LocalModel, found_on: Ground, train: Train, anchors: Anchors | None) -> Lesson:
    """Return a training as it is tried beforehand, for the time and memory it takes."""
    from sayso.training.engine import guard
    from sayso.training.foresight import lesson

    held = guard.Anchors() if anchors is None else anchors
    return lesson.Lesson(method=method, policy=policy, rows=found_on.source, train=train, anchors=held)


def anchors_for(method: Method, policy: LocalModel, settings: Settings, material: Material) -> Anchors | None:
    """Return the scope guard's rows; None when it is off, nothing is out of scope, or the method holds the model itself."""
    from sayso.training.engine import guard

    if holds(method) or not settings.guard.enabled or not (material.near or material.out):
        return None
    return guard.Anchors(
        settings=settings.guard,
        near=guard.anchor_rows(policy, _said(material.near)),
        out=guard.anchor_rows(policy, _said(material.out)),
    )


def _example(item: Wanting, refinements: dict[str, Refinement], method: Method) -> Example:
    """Return a response with what it does not meet; new answers are judged by all that applies to the prompt."""
    refinement = refinements.get(item.response.id)
    comments = item.applying if "check" in method.wants else item.failing
    return Example(prompt=item.response.prompt, response=item.response, comments=comments, refinement=refinement)


def _said(examples: Iterable[Example]) -> Iterator[tuple[Prompt, str]]:
    for example in examples:
        if example.response is not None:
            yield example.prompt, example.response.text


def _own(item: Wanting, scope: Scope) -> Example:
    return Example(prompt=item.response.prompt, response=item.response, scope=scope)


def _liked(praised: Iterable[Comment], wanting: Container[str]) -> list[Example]:
    """Return an example a response of which only good was said."""
    said: dict[Response, list[Comment]] = {}
    for comment in praised:
        if comment.response is not None and comment.response.id not in wanting:
            said.setdefault(comment.response, []).append(comment)
    return [Example(prompt=item.prompt, response=item, comments=tuple(comments)) for item, comments in said.items()]


def _run(workspace: Workspace, settings: Settings, parent: Version, material: Material) -> Run:
    kept = {name: getattr(settings, name) for name in ("method", "train", "guard")}
    form = {name: value if isinstance(value, str | dict) else asdict(value) for name, value in kept.items()}
    learnt = [(item.response and item.response.id, item.refinement and item.refinement.id) for item in material.examples]
    anchors = [item.response and item.response.id for item in (*material.near, *material.out)]
    comments = sorted({comment.id for item in material.examples for comment in item.comments})
    train = {key: value for key, value in asdict(settings.train).items() if key not in INDIFFERENT}
    run_id = f"{settings.method_name}-{identity([parent.id, {**form, 'train': train}, learnt, anchors, comments])[:8]}"
    return Run(
        id=run_id, method=settings.method_name, parent=parent.id, folder=f"runs/{run_id}", settings=form,
        comments=tuple(comments), created=workspace.clock(),
    )  # fmt: skip


def keep_version(workspace: Workspace, policy: LocalModel, parent: Version, run: Run) -> Version:
    """Write a trained model into the workspace and return it as the next version."""
    number = 1 + sum(version.form != "base" for version in workspace.store.versions())
    folder = workspace.folder / "models" / f"v{number}"
    policy.save(folder)
    adapter = (folder / "adapter_config.json").exists()
    base = (parent.base if parent.form == "adapter" else parent.path) if adapter else ""
    return Version(
        id=f"v{number}", path=f"models/v{number}", form="adapter" if adapter else "full", base=base, parent=parent.id,
        run=run.id, sha256=_sha256(folder), created=workspace.clock(),
    )  # fmt: skip


def _sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in _weights(folder):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _weights(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob("*.safetensors"))
