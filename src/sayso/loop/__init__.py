"""One round: generate, comment, refine, learn, evaluate, gate, promote; and the workspace in which rounds happen.

The workspace is a user's folder: `sayso.yaml` (settings), `sayso.db` (everything that was said and measured), `runs/` (one
folder a training), `models/` (one folder a version, and the pointer `champion`), `reports/`. Each step reads the store and
writes the store, so that a round can be done in one go or step by step, and taken up where it stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sayso.loop.progress import Progress


class Watcher(Protocol):
    """Is told how far a step has come; the command line draws it."""

    def __call__(self, progress: Progress) -> None:
        """Take note of one progress record."""
        ...


__all__ = ["Watcher"]
