"""Style sheets and scripts, read once and kept for good by the browser: their address changes when they do."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

FOLDER = Path(__file__).parent / "static"
FOR_GOOD = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json"}


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file as it is sent, as it is and packed."""

    body: bytes
    packed: bytes
    media: str


class Statics:
    """The files under `static/`; a name that is not among them is not served, so no path leads out of the folder."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self._seen: tuple[tuple[str, int], ...] = ()
        self._files: dict[str, File] = {}
        self._digest = ""
        self.refresh()

    def refresh(self) -> None:
        """Read the files again if one of them has changed."""
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        seen = tuple((path.relative_to(self.folder).as_posix(), path.stat().st_mtime_ns) for path in found)
        if seen == self._seen:
            return
        self._files = {name: _read(path) for (name, _changed), path in zip(seen, found, strict=True)}
        whole = hashlib.sha256()
        for name, file in self._files.items():
            whole.update(name.encode() + b"\0" + file.body + b"\0")
        self._digest, self._seen = whole.hexdigest()[:12], seen

    def address(self, name: str) -> str:
        """Return where a page finds a file, such as `js/app.js`."""
        return f"/static/{self._digest}/{name}"

    def get(self, name: str) -> File | None:
        """Return a file, or None."""
        return self._files.get(name)

    def is_current(self, digest: str) -> bool:
        """Say whether an address names the files as they are now."""
        return digest == self._digest


def install(app: FastAPI, statics: Statics) -> None:
    """Let an application serve the files: from memory, without a thread, for a page asks for many at once."""

    async def static(request: Request) -> Response:
        digest = request.path_params["digest"]
        if not statics.is_current(digest):
            await run_in_threadpool(statics.refresh)
        file = statics.get(request.path_params["name"])
        if file is None:
            return Response(status_code=404)
        headers = {"cache-control": FOR_GOOD if statics.is_current(digest) else "no-cache", "vary": "accept-encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(file.body, media_type=file.media, headers=headers)
        return Response(file.packed, media_type=file.media, headers=headers | {"content-encoding": "gzip"})

    app.add_route("/static/{digest}/{name:path}", static, methods=["GET"], include_in_schema=False)


def _read(path: Path) -> File:
    body = path.read_bytes()
    media = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return File(body=body, packed=gzip.compress(body, mtime=0), media=media)
