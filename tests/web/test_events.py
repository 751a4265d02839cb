"""Live updates: told as they come, missed ones after a while away, no connection held, nobody kept waiting at the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from sayso.store import answering, people, reviewing, tallies, teamwork
from sayso.store.database import Store
from sayso.store.people import Reviewer
from sayso.store.reviewing import CommentForm
from sayso.web import events
from sayso.web.events import Hub


@pytest.fixture
def mei(store: Store) -> Reviewer:
    return people.ensure_reviewer(store, "Mei", "lead")


def read(told: str) -> dict[str, object]:
    """The events in a piece of the stream, by name."""
    found = {}
    for block in told.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        found[fields["event"]] = json.loads(fields["data"])
    return found


async def settled(hub: Hub, stream: AsyncIterator[str]) -> None:
    """Wait until the listener is there and the hub has had its first look."""
    assert await anext(stream) == ": here\n\n"
    while hub.seen is None:
        await asyncio.sleep(0.01)


def test_a_comment_is_told_to_everybody_who_listens(store: Store, mei: Reviewer) -> None:
    async def listen() -> list[dict[str, object]]:
        hub = Hub(store, every_seconds=0.01)
        ann = people.ensure_reviewer(store, "Ann", "reviewer")
        async with aclosing(hub.listen(mei)) as one, aclosing(hub.listen(ann)) as other:
            await settled(hub, one)
            await settled(hub, other)
            answering.set_state(store, mei, "r-3", "done")
            reviewing.save_comment(store, mei, CommentForm(text="Warm.", response_id="r-2"))
            found = [read(await anext(stream)) for stream in (one, other)]
            hub.close()
            return found

    mine, theirs = asyncio.run(listen())
    assert {"r-2", "r-3"} >= set(mine["changed"]["responses"]) > set()  # type: ignore[index]
    assert (mine["counts"]["todo"], theirs["counts"]["todo"]) == (2, 3)  # type: ignore[index]


def test_a_new_guideline_is_told(store: Store, mei: Reviewer) -> None:
    async def listen() -> dict[str, object]:
        hub = Hub(store, every_seconds=0.01)
        async with aclosing(hub.listen(mei)) as stream:
            await settled(hub, stream)
            teamwork.set_guideline(store, mei, "Be fair.", 0)
            return read(await anext(stream))

    assert asyncio.run(listen())["changed"] == {"responses": [], "guideline": True}


def test_who_comes_back_is_told_what_they_missed(store: Store, mei: Reviewer) -> None:
    seen = tallies.last_event(store)
    reviewing.save_comment(store, mei, CommentForm(text="Warm.", response_id="r-2"))

    async def listen() -> dict[str, object]:
        async with aclosing(Hub(store).listen(mei, seen)) as stream:
            await anext(stream)
            return read(await anext(stream))

    assert asyncio.run(listen())["changed"] == {"responses": ["r-2"], "guideline": False}


def test_a_listener_holds_no_connection_to_the_database(store: Store, mei: Reviewer) -> None:
    async def listen() -> int:
        hub = Hub(store, every_seconds=60)
        streams = [hub.listen(mei) for _number in range(40)]
        for stream in streams:
            await settled(hub, stream)
        held = store.engine.pool.checkedout()  # type: ignore[attr-defined]
        hub.close()
        for stream in streams:
            await stream.aclose()
        return int(held)

    assert asyncio.run(listen()) == 0


def test_at_the_end_everybody_is_let_go(store: Store, mei: Reviewer) -> None:
    async def listen() -> list[str]:
        hub = Hub(store, every_seconds=0.01)
        stream = hub.listen(mei)
        await settled(hub, stream)
        hub.close()
        late = [told async for told in hub.listen(mei)]
        return [told async for told in stream] + late

    assert asyncio.run(listen()) == []


def test_a_quiet_stream_shows_that_it_lives(store: Store, mei: Reviewer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE_SECONDS", 0.01)

    async def listen() -> str:
        async with aclosing(Hub(store).listen(mei)) as stream:
            await anext(stream)
            return await anext(stream)

    assert asyncio.run(listen()).startswith(":")
