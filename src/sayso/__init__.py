"""Tell a model what is wrong, in words. It learns, and shows you that it did.

`sayso.open(workspace)` opens a user's folder and offers the verbs of the command line. Importing sayso is light: torch,
transformers and the database are loaded by the verb that needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sayso.loop.workspace import Workspace

__version__ = "0.1.0"


def open(folder: str | Path = ".") -> Workspace:  # noqa: A001 - `sayso.open` is what a user would write
    """Open the workspace in `folder`; make one with `sayso init` or `sayso.init`.

    Raises:
        NotFoundError: the folder is no workspace.
    """
    from sayso.loop.workspace import Workspace

    return Workspace.open(folder)


def init(folder: str | Path, *, model: str) -> Workspace:
    """Make a workspace in `folder` for `model` (a folder or a Hugging Face id) and open it.

    Raises:
        SettingsError: the folder already holds a workspace.
    """
    from sayso.loop.workspace import Workspace

    return Workspace.init(folder, model=model)


__all__ = ["init", "open", "__version__"]
