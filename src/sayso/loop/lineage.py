"""Where a version comes from: the trainings that made it, and what was learnt on the way."""

from __future__ import annotations

from collections.abc import Iterator

from sayso.errors import NotFoundError
from sayso.loop.workspace import CHAMPION, Workspace
from sayso.records import Run, Version

BEGAN = "began"
"""In a run's settings: the version that a sequence of trainings began with."""
OF = "of"
"""In a run's settings: the versions that were composed."""


def run_of(workspace: Workspace, version: Version) -> Run | None:
    """Return the training that made a version; None where it was none of ours."""
    try:
        return workspace.store.run(version.run) if version.run else None
    except NotFoundError:  # a version that came from outside
        return None


def origin(workspace: Workspace, version: Version) -> Version:
    """Return what a version is to be measured against: what it was trained from, the first of a sequence."""
    run = run_of(workspace, version)
    began = str(run.settings.get(BEGAN, "")) if run else ""
    return workspace.version(began or version.parent or CHAMPION)


def trainings(workspace: Workspace, version: Version) -> tuple[Run, ...]:
    """Return the trainings that lead from a version's origin to it, in order; those of a composed one's parts before it."""
    run = run_of(workspace, version)
    if run is None:
        return ()
    before = [run.parent] if BEGAN in run.settings else list(run.settings.get(OF, ()))
    return (*(step for name in before for step in trainings(workspace, workspace.store.version(name))), run)


def learnt_before(workspace: Workspace, version: Version) -> dict[str, str]:
    """Return the comments learnt on the way to a version and not in its last training, each with who last learnt it."""
    run = run_of(workspace, version)
    if run is None:
        return {}
    composed = OF in run.settings
    found: dict[str, str] = {}
    for earlier in _before(workspace, run):
        last = run_of(workspace, earlier)
        found |= learnt_before(workspace, earlier) | dict.fromkeys(last.comments if last else (), earlier.id)
    return {name: at for name, at in found.items() if composed or name not in run.comments}


def _before(workspace: Workspace, run: Run) -> Iterator[Version]:
    """Yield the versions that a training stood on."""
    for name in run.settings.get(OF, ()) or (run.parent,):
        try:
            yield workspace.store.version(name)
        except NotFoundError:  # registered elsewhere
            continue
