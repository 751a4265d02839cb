"""A workspace's data set for the configured method goes out as a folder of another trainer."""

from __future__ import annotations

from pathlib import Path

from sayso import registry
from sayso.i18n import gettext as _
from sayso.loop.export import TOOLS, Write, reading
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace
from sayso.store.bridges.results import Written


def tool(name: str) -> Write:
    """Return what writes for a trainer; NotFoundError where there is none of this name."""
    return registry.load(TOOLS, name, kind=_("trainer"))  # type: ignore[no-any-return]


def write(workspace: Workspace, settings: Settings, write_folder: Write, folder: Path) -> Written:
    """Write what the configured method would learn from in this workspace.

    Raises:
        PreflightError: the method has no form there, or there is nothing to learn from.
        RecordError: a file stands in the folder's place.
        StoreError: the disk refused.
    """
    return write_folder(reading.read(workspace, settings), folder)
