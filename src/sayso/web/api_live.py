"""Live updates as server-sent events."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from sayso.web.asking import Asks, Of

routes = APIRouter(prefix="/api", tags=["live"])


@routes.get("/events", response_class=StreamingResponse)
async def listen(asker: Asks, served: Of, request: Request) -> StreamingResponse:
    """Tell of changes as they come: events `changed` and `counts`, until the reader leaves."""
    last = request.headers.get("last-event-id", "")
    seen = int(last) if last.isdecimal() and len(last) < 16 else None
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(served.hub.listen(asker.reviewer, seen), media_type="text/event-stream", headers=headers)
