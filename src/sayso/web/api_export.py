"""What was said, as a file for other tools: one archive with the files, and with the list of what they cannot hold."""

from __future__ import annotations

import json
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from sayso.records import plain
from sayso.store.bridges import EXPORTERS, moving
from sayso.store.database import Store
from sayso.store.rules import wrong
from sayso.web import forms
from sayso.web.asking import Kept, Leads

OURS = "sayso"
FORMATS = (OURS, *(name for name in EXPORTERS if name != "datasets"))
"""What the page offers; a folder of `datasets` is for the command line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Formats:
    """The names of the formats."""

    items: list[str]


routes = APIRouter(prefix="/api", tags=["export"])


@routes.get("/export", response_class=FileResponse)
def export(_lead: Leads, store: Kept, asked: Annotated[forms.ExportQuery, Query()]) -> FileResponse:
    """Return everything in a format as a zip archive; `lost.json` in it lists what the format has no place for."""
    if asked.format not in FORMATS:  # a name of ours, never one that leads to code elsewhere
        raise wrong("format", asked.format, ", ".join(FORMATS))
    folder = tempfile.TemporaryDirectory(prefix="sayso-export-")
    path = _packed(store, asked.format, Path(folder.name))
    return FileResponse(
        path, media_type="application/zip", filename=f"{asked.format}.zip", background=BackgroundTask(folder.cleanup)
    )


@routes.get("/export/formats")
def formats(_lead: Leads) -> Formats:
    """Return the formats everything can be written in."""
    return Formats(items=list(FORMATS))


def _packed(store: Store, name: str, folder: Path) -> Path:
    inside = folder / "files"
    inside.mkdir()
    written = moving.write_out(store, inside / f"{name}.jsonl", name)
    path = folder / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(found for found in inside.rglob("*") if found.is_file()):
            archive.write(file, file.relative_to(inside).as_posix())
        lost = {"format": name, "rows": written.count, "lost": plain(written.lost)}
        archive.writestr("lost.json", json.dumps(lost, ensure_ascii=False, indent=1) + "\n")
    return path
