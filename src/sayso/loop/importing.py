"""The files that settings name come in before a step works on them: prompts, and comments whose checks can work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sayso.critics.checking import load_check
from sayso.errors import RecordError
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace
from sayso.records import Comment

if TYPE_CHECKING:
    from sayso.store.lines import Fault


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """What the files that settings name hold, read and not imported."""

    comments: tuple[Comment, ...]
    prompts: int


def verify(comment: Comment) -> None:
    """Pass silently if the comment's check, where it has one, can be asked of a text.

    Raises:
        SaysoError: no check has this name, its module cannot be imported, or an argument is wrong.
    """
    if comment.check is not None:
        load_check(comment.check)


def take_in(workspace: Workspace, settings: Settings) -> Settings:
    """Import the files that settings name, and let the step work on the comments of its file alone.

    Raises:
        NotFoundError: there is no such file.
        RecordError: a line is wrong; nothing of its file was imported.
    """
    from sayso.store import exchange

    look(settings, workspace.folder)  # all the files, before any of them is imported
    if settings.prompts:
        workspace.store.add_prompts(exchange.good_prompts(_place(settings.prompts, workspace.folder)))
    if not settings.comments:
        return settings
    path = _place(settings.comments, workspace.folder)
    imported = exchange.import_comments(workspace.store, path, revise=True, verify=verify)
    if imported.faults:
        raise _faulty(imported.faults, settings.comments)
    return replace(settings, learn_from=tuple(comment.id for comment in imported.comments))


def look(settings: Settings, folder: Path | None = None) -> Files:
    """Read the files that settings name, relative to `folder` or from here, and import nothing.

    Raises:
        NotFoundError: there is no such file.
        RecordError: a line is wrong.
    """
    from sayso.store import exchange

    prompts = exchange.good_prompts(_place(settings.prompts, folder)) if settings.prompts else ()
    if not settings.comments:
        return Files(comments=(), prompts=len(prompts))
    reading = exchange.read_comments(_place(settings.comments, folder), verify=verify)
    if reading.faults:
        raise _faulty(reading.faults, settings.comments)
    return Files(comments=reading.comments, prompts=len(prompts))


def _faulty(faults: Sequence[Fault], path: str) -> RecordError:
    return RecordError(
        "{fault} ({count} faults in all; sayso comments import {path} lists them)",
        fault=faults[0].message, count=len(faults), path=path,
    )  # fmt: skip


def _place(name: str, folder: Path | None) -> Path:
    beside = (folder or Path()) / name
    return beside if beside.exists() else Path(name)
