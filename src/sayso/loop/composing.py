"""Adapters of several versions become one version: composed into an adapter, or merged into the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

from sayso.errors import PreflightError, SettingsError
from sayso.loop import Watcher, learning
from sayso.loop.learning import Learnt
from sayso.loop.lineage import OF, origin, run_of
from sayso.loop.progress import ignore
from sayso.loop.settings import Settings
from sayso.loop.staging import in_turn, stages_of
from sayso.loop.workspace import CANDIDATE, Workspace
from sayso.records import Run, Version, identity
from sayso.training.engine.place import by_first

if TYPE_CHECKING:
    from sayso.models.adapters import Combination
    from sayso.models.local import LocalModel


@dataclass(frozen=True, kw_only=True, slots=True)
class Composed:
    """The candidate, and what it was made of."""

    version: Version
    run: Run
    parts: tuple[str, ...]
    """The ids of the versions."""
    again: bool
    """True when these very versions were composed before in this way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Apart:
    """Comments that were learnt each in an adapter of its own, and the version composed of them."""

    parts: tuple[Learnt, ...]
    composed: Composed | None
    """None where there was a single comment to learn."""


def compose(
    workspace: Workspace, names: Sequence[str], *, weights: Sequence[float] = (), combination_type: Combination = "cat",
    merge: bool = False,
) -> Composed:  # fmt: skip
    """Make the adapters of versions into one version, the candidate; with `merge` into a full model.

    It is measured against what its parts were trained from. `weights` are 1 each unless given.

    Raises:
        NotFoundError: there is no such version.
        SettingsError: a version is no adapter, they stand on different models or on one another, or weights are missing.
    """
    versions = [workspace.store.version(name) for name in names]
    shares = [float(weight) for weight in weights] or [1.0] * len(versions)
    _expect_fit(workspace, versions, shares, merge=merge)
    run = _run(workspace, versions, {"weights": shares, "combination_type": combination_type, "merge": merge})
    done = next((version for version in workspace.store.versions() if version.run == run.id), None)
    if done is not None:
        workspace.store.set_alias(CANDIDATE, done.id)
        return Composed(version=done, run=workspace.store.run(run.id), parts=_ids(versions), again=True)
    started = perf_counter()
    version = learning.keep_version(
        workspace, _composed(workspace, versions, shares, combination_type, merge=merge), origin(workspace, versions[0]), run
    )
    run = replace(run, seconds=round(perf_counter() - started, 2))
    workspace.store.add_run(run)
    workspace.store.add_version(version)
    workspace.store.set_alias(CANDIDATE, version.id)
    return Composed(version=version, run=run, parts=_ids(versions), again=False)


def apart(workspace: Workspace, settings: Settings, *, watch: Watcher = ignore) -> Apart:
    """Learn every comment in an adapter of its own, from the same version, and compose them into the candidate.

    Raises:
        PreflightError: nothing could be learnt, or the version is an adapter itself.
        SettingsError: the training's settings want all weights trained, not adapters.
    """
    if not settings.train.use_lora:
        raise SettingsError("train.use_lora: found false; comments are learnt apart in adapters, which can be composed")
    parent = by_first(lambda: workspace.version(settings.model_name_or_path))
    if parent.form == "adapter":
        raise PreflightError(
            "{version} is an adapter itself, and what it learnt would count once for every comment; make it a full model "
            "first: sayso compose {version} --merge, then sayso promote",
            version=parent.id,
        )  # fmt: skip
    stages = stages_of(by_first(lambda: in_turn(workspace, settings)))
    parts = tuple(
        learning.learn(workspace, stage, watch=learning.in_stage(watch, number, len(stages)))
        for number, stage in enumerate(stages, start=1)
    )
    names = [part.version.id for part in parts]
    composed = by_first(lambda: compose(workspace, names)) if len(parts) > 1 else None
    return Apart(parts=parts, composed=composed)


def _expect_fit(workspace: Workspace, versions: Sequence[Version], weights: Sequence[float], *, merge: bool) -> None:
    if len(versions) < (1 if merge else 2):
        raise SettingsError("expected two versions or more to compose, or one and --merge to make it a full model")
    if len(weights) != len(versions):
        raise SettingsError(
            "--weights: found {found} numbers for {count} versions; expected one for each",
            found=len(weights), count=len(versions),
        )  # fmt: skip
    full = [version.id for version in versions if version.form != "adapter"]
    if full:
        raise SettingsError("{version} is no adapter and cannot be composed; sayso models lists the forms", version=full[0])
    bases = {version.base: version.id for version in versions}
    if len(bases) > 1:
        one, other, *_rest = bases.values()
        raise SettingsError(
            "{one} and {other} stand on different models; only adapters of one base go together", one=one, other=other
        )
    seen: dict[str, str] = {}
    for version in versions:
        for inside in _lineage(workspace, version):
            if inside in seen:
                raise SettingsError(
                    "{one} and {other} both hold what {inside} learnt, which would count twice; compose adapters that began "
                    "with the same full model",
                    one=seen[inside], other=version.id, inside=inside,
                )  # fmt: skip
            seen[inside] = version.id


def _lineage(workspace: Workspace, version: Version) -> set[str]:
    """Return the adapters whose changes a version's adapter holds, its own among them."""
    if version.form != "adapter":
        return set()
    run = run_of(workspace, version)
    before = (run.settings.get(OF, ()) or (run.parent,)) if run else ()
    return {version.id}.union(*(_lineage(workspace, workspace.store.version(name)) for name in before))


def _composed(
    workspace: Workspace, versions: Sequence[Version], weights: Sequence[float], how: Combination, *, merge: bool
) -> LocalModel:
    from sayso.models import adapters, local

    base = local.load(workspace.place_of(versions[0].base))
    places = [workspace.folder / version.path for version in versions]
    parts = list(zip(places, weights, strict=True))
    model = adapters.compose(base, parts, combination_type=how)
    return adapters.merge(model) if merge else model


def _run(workspace: Workspace, versions: Sequence[Version], how: dict[str, object]) -> Run:
    runs = [run_of(workspace, version) for version in versions]
    comments = sorted({comment for run in runs if run for comment in run.comments})
    settings = {OF: list(_ids(versions)), **how}
    run_id = f"compose-{identity([settings, [version.sha256 for version in versions]])[:8]}"
    return Run(
        id=run_id, method="compose", parent=origin(workspace, versions[0]).id, folder=f"runs/{run_id}", settings=settings,
        comments=tuple(comments), created=workspace.clock(),
    )  # fmt: skip


def _ids(versions: Sequence[Version]) -> tuple[str, ...]:
    return tuple(version.id for version in versions)
