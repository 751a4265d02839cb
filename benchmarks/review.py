"""How the review page stands many reviewers who write at once: no write lost, none doubled, how long one waits.

A server is started as `sayso review` starts it, in a workspace of its own, and asked over loopback. Every reviewer joins by
an invitation, then reads a response, keeps drafts of a comment, says it, and judges the response, again and again, with a
pause between two writes. One comment in ten is sent twice under its key, as a page does that has lost the answer. At the
end the server is stopped and the store is asked what it holds.

    python benchmarks/review.py                                   50 reviewers for 120 s on SQLite
    python benchmarks/review.py --store postgresql://user@/name   on an empty PostgreSQL database
    python benchmarks/review.py --kill 20                         the server is killed (-9) every 20 s and started again
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx

from sayso.loop.workspace import Workspace
from sayso.records import Response, ask

RESPONSES = 200
COMMAND = [sys.executable, "-c", "from sayso.cli.main import main; main()"]


@dataclass(kw_only=True)
class Tally:
    """What the reviewers sent, what was acknowledged, and how long each write took."""

    sent: set[str] = field(default_factory=set)
    """The texts of all comments that were ever sent."""
    acknowledged: set[str] = field(default_factory=set)
    drafts: dict[tuple[int, str], str] = field(default_factory=dict)
    """By reviewer and response: the last draft that was acknowledged and not yet said."""
    verdicts: dict[tuple[int, str], str] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    away: int = 0
    """Requests that found no server."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """How many write for how long, pausing how long between two writes."""

    reviewers: int = 50
    seconds: float = 120.0
    pause_seconds: float = 1.0
    """Mean pause between two writes of one reviewer: somebody who saves something every second, all day."""


def workspace(folder: Path, where: str = "") -> Path:
    """Make a workspace with responses to read, and return its folder."""
    model = folder / "model"
    model.mkdir(parents=True)
    made = Workspace.init(folder / "workspace", model=str(model))
    made.close()
    with contextlib.closing(Workspace.open(folder / "workspace")) as opened:
        opened.store.add_responses(
            [
                Response(prompt=ask(f"Question {number}?"), text=f"Answer {number}. " * 20, version="base")
                for number in range(RESPONSES)
            ]
        )
    return folder / "workspace"


class Server:
    """`sayso review` in a process of its own, that can be killed and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.token = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and return when it has printed its link."""
        command = [*COMMAND, "-C", str(self.folder), "review", "--no-browser", "--name", "Lead", "--port", str(self.port)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )
        assert self._process.stdout is not None
        link = next(line.strip() for line in self._process.stdout if "http://" in line)
        self.token = parse_qs(urlsplit(link).query)["token"][0]

    def kill(self) -> None:
        """Take the power away."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._ended()

    def stop(self) -> int:
        """Ask it to stop, and return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._ended()

    def _ended(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        code = self._process.wait(timeout=60)
        self._process.stdout.close()
        return code


def measure(server: Server, load: Load, *, kill_every: float | None = None) -> Tally:
    """Let the reviewers write; with `kill_every`, kill the server again and again in the meantime."""
    with ThreadPoolExecutor(max_workers=1) as alone:  # whoever calls may have a loop of events running
        return alone.submit(asyncio.run, _measure(server, load, kill_every)).result()


async def _measure(server: Server, load: Load, kill_every: float | None) -> Tally:
    tally = Tally()
    people = [await _join(server, number) for number in range(load.reviewers)]
    ends = time.monotonic() + load.seconds
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_Reviewer(number, client, csrf, tally, load, ends).work())
            for number, (client, csrf) in enumerate(people)
        ]
        if kill_every is not None:
            await _kill_again_and_again(server, kill_every, ends)
        await asyncio.gather(*tasks)
    for client, _csrf in people:
        await client.aclose()
    return tally


async def _kill_again_and_again(server: Server, every: float, ends: float) -> None:
    while time.monotonic() + every < ends:
        await asyncio.sleep(every)
        server.kill()
        await asyncio.to_thread(server.start)


async def _join(server: Server, number: int) -> tuple[httpx.AsyncClient, str]:
    client = httpx.AsyncClient(base_url=server.address, timeout=30)
    lead = {"authorization": f"Bearer {server.token}"}
    invited = await client.post("/api/invitations", json={"name": f"R{number}", "role": "reviewer"}, headers=lead)
    invited.raise_for_status()
    invitation = parse_qs(urlsplit(invited.json()["link"]).query)["invitation"][0]
    joined = await client.post("/join", data={"name": f"R{number}", "invitation": invitation})
    assert joined.status_code == 303, joined.text
    return client, (await client.get("/api/me")).json()["csrf"]


class _Reviewer:
    def __init__(self, number: int, client: httpx.AsyncClient, csrf: str, tally: Tally, load: Load, ends: float) -> None:
        self.number, self.client, self.tally, self.load, self.ends = number, client, tally, load, ends
        self.headers = {"x-sayso-csrf": csrf}
        self.random = random.Random(number)
        self.said = 0

    async def work(self) -> None:
        await asyncio.sleep(self.random.random() * self.load.pause_seconds)
        queue = (await self._ask("read", "GET", "/api/queue?order=random&limit=50")).json()["items"]
        while time.monotonic() < self.ends:
            response = self.random.choice(queue)["id"]
            await self._ask("read", "GET", f"/api/responses/{response}")
            await self._comment(response)

    async def _comment(self, response: str) -> None:
        self.said += 1
        text = f"R{self.number} says for the {self.said}th time that the answer is too long"
        for part in (text[:20], text[:40]):
            await self._write("draft", "PUT", f"/api/responses/{response}/draft", {"body": {"text": part}})
            self.tally.drafts[self.number, response] = part
        self.tally.sent.add(text)
        form = {"key": f"k-{self.number}-{self.said}", "text": text, "kind": "fix", "spans": [{"start": 0, "end": 6}]}
        for _time in range(2 if self.random.random() < 0.1 else 1):
            await self._write("comment", "POST", f"/api/responses/{response}/comments", form)
        self.tally.acknowledged.add(text)
        verdict = self.random.choice(["good", "needs_work", "bad"])
        await self._write("verdict", "PUT", f"/api/responses/{response}/verdict", {"verdict": verdict})
        self.tally.verdicts[self.number, response] = verdict

    async def _write(self, what: str, method: str, path: str, form: object) -> None:
        await self._ask(what, method, path, form)
        await asyncio.sleep(self.load.pause_seconds * self.random.uniform(0.5, 1.5))

    async def _ask(self, what: str, method: str, path: str, form: object = None) -> httpx.Response:
        """Ask until there is an answer: a page keeps what it could not send."""
        while True:
            began = time.perf_counter()
            try:
                answer = await self.client.request(method, path, json=form, headers=self.headers)
            except httpx.TransportError:
                self.tally.away += 1
                await asyncio.sleep(0.2)
                continue
            self.tally.seconds.setdefault(what, []).append(time.perf_counter() - began)
            if answer.is_success:
                return answer
            self.tally.refused[f"{what} {answer.status_code} {answer.text[:100]}"] += 1
            await asyncio.sleep(0.2)


def verify(folder: Path, tally: Tally) -> dict[str, int]:
    """Return how many comments the store holds, and how many were lost, doubled, or never sent; verdicts likewise."""
    with contextlib.closing(Workspace.open(folder)) as opened:
        kept = Counter(comment.text for comment in opened.store.comments(None))
        held = _verdicts(opened)
    return {
        "kept": kept.total(),
        "lost": len(tally.acknowledged - set(kept)),
        "doubled": sum(times - 1 for times in kept.values()),
        "never_sent": len(set(kept) - tally.sent),
        "verdicts": len(tally.verdicts),
        "verdicts_lost": sum(
            held.get((f"R{number}", about)) != verdict for (number, about), verdict in tally.verdicts.items()
        ),
    }


def _verdicts(opened: Workspace) -> dict[tuple[str, str], str]:
    from sayso.store import review

    return {(row.reviewer, row.response_id): row.verdict for row in review.ratings(opened.store)}


def figures(tally: Tally) -> Iterator[str]:
    """Give a line for each sort of request: how many, median, p95, longest, in milliseconds."""
    writes = [seconds for what, found in tally.seconds.items() if what != "read" for seconds in found]
    for what, found in [*tally.seconds.items(), ("all writes", writes)]:
        ranked = sorted(found)
        p95 = ranked[int(0.95 * (len(ranked) - 1))]
        yield (
            f"{what:10}  n {len(ranked):6}  median {1000 * statistics.median(ranked):6.1f} ms  p95 {1000 * p95:6.1f} ms"
            f"  longest {1000 * ranked[-1]:7.1f} ms"
        )


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main() -> int:
    """Measure and print; 1 when a write was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reviewers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between two writes of one reviewer")
    parser.add_argument("--store", default="", help="an empty PostgreSQL database; otherwise SQLite")
    parser.add_argument("--kill", type=float, help="kill the server every so many seconds")
    given = parser.parse_args()
    if given.store:
        os.environ["SAYSO_STORE"] = given.store
    with tempfile.TemporaryDirectory() as temporary:
        folder = workspace(Path(temporary))
        server = Server(folder)
        server.start()
        load = Load(reviewers=given.reviewers, seconds=given.seconds, pause_seconds=given.pause)
        began = time.monotonic()
        tally = measure(server, load, kill_every=given.kill)
        lasted = time.monotonic() - began
        code = server.stop()
        found = verify(folder, tally)
    writes = sum(len(seconds) for what, seconds in tally.seconds.items() if what != "read")
    print(*figures(tally), sep="\n")
    print(f"{writes / lasted:.0f} writes a second; {tally.away} requests found no server; exit code {code}")
    print(json.dumps(found | {"refused": dict(tally.refused)}, ensure_ascii=False))
    return int(bool(found["lost"] or found["doubled"] or found["never_sent"] or found["verdicts_lost"]))


if __name__ == "__main__":
    sys.exit(main())
