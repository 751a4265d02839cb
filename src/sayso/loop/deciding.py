"""Gate, promote, roll back: which version is the champion, and why."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from sayso.errors import NotFoundError, StoreError
from sayso.loop.settings import Settings
from sayso.loop.workspace import CHAMPION, Workspace
from sayso.records import Evaluation, Version, identity


@dataclass(frozen=True, kw_only=True, slots=True)
class Promotion:
    """The champion before and after."""

    before: str
    after: str


def latest(workspace: Workspace) -> Evaluation:
    """Return the newest evaluation.

    Raises:
        NotFoundError: nothing was evaluated yet.
    """
    evaluations = workspace.store.evaluations()
    if not evaluations:
        raise NotFoundError("nothing was evaluated yet; run sayso learn, then sayso evaluate")
    return evaluations[-1]


def gate(workspace: Workspace, settings: Settings) -> Evaluation:
    """Decide again on the latest evaluation, with the gate's settings of now; the new verdict is kept beside the old."""
    from sayso.evaluation.gate import decide

    found = latest(workspace)
    verdict = decide(found.takes, found.outcomes, found.heldout, settings.gate, seed=settings.evaluate.seed)
    if verdict == found.verdict:
        return found
    created = workspace.clock()
    decided = replace(found, verdict=verdict, created=created, id=f"e-{identity([found.id, verdict, created])}")
    workspace.store.add_evaluation(decided)
    return decided


def promote(workspace: Workspace, name: str) -> Promotion:
    """Make a version the champion: the alias in the store and the link `models/champion` move, each in one step."""
    version = workspace.store.version(name)
    before = workspace.store.alias(CHAMPION) or ""
    if version.id != before:
        workspace.store.set_alias(CHAMPION, version.id)
    _point(workspace, version)
    return Promotion(before=before, after=version.id)


def rollback(workspace: Workspace) -> Promotion:
    """Make the champion before this one the champion again.

    Raises:
        NotFoundError: there was no other champion.
    """
    stack: list[str] = []
    for _at, version_id in workspace.store.alias_history(CHAMPION):
        # Coming back to a version undoes what stood above it, so that two rollbacks go two versions back.
        stack = stack[: stack.index(version_id) + 1] if version_id in stack else [*stack, version_id]
    if len(stack) < 2:
        raise NotFoundError("there is no earlier champion to roll back to; sayso models lists the versions")
    return promote(workspace, stack[-2])


def _point(workspace: Workspace, version: Version) -> None:
    """Let `models/champion` lead to the version's folder, for tools that know nothing of the store."""
    link = workspace.folder / "models" / CHAMPION
    target = workspace.place_of(version.path)
    if not os.path.isdir(target):  # noqa: PTH112 - a Hugging Face id is no folder
        link.unlink(missing_ok=True)
        return
    inside = workspace.folder / version.path
    temporary = link.with_name(f".{CHAMPION}.{os.getpid()}.tmp")
    try:
        temporary.symlink_to(os.path.relpath(target, link.parent) if inside.exists() else target)
        temporary.replace(link)
    except OSError as error:
        raise StoreError("{link!r} cannot be written: {reason}", link=str(link), reason=error.strerror) from error
