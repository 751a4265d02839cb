"""What a method would learn from, as a folder that another trainer runs: its data set, a script or a configuration.

`reading` asks the method itself for its rows and reads them as texts, `settings` says which settings the other trainer has,
one file a tool writes the folder. What a tool has no place for is listed, never dropped silently.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sayso.loop.export.reading import DataSet
    from sayso.store.bridges.results import Written


class Write(Protocol):
    """Write a data set as a folder that a trainer runs."""

    def __call__(self, found: DataSet, folder: Path, /) -> Written: ...  # noqa: D102


TOOLS = {
    "trl": "sayso.loop.export.trl:write",
    "llama-factory": "sayso.loop.export.llama_factory:write",
    "ms-swift": "sayso.loop.export.ms_swift:write",
}
"""The trainers that a method's data set can be taken to."""

__all__ = ["TOOLS", "Write"]
