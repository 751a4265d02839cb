"""A real server over a small workspace, and a real browser that looks at it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="needs the package playwright (pip install playwright)")

import uvicorn
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from sayso.records import Comment, Message, Prompt, Refinement, Response, Span
from sayso.store import database, review
from sayso.store.database import Store
from sayso.web import app, events

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 360, "height": 740}

LETTER = (
    "Dear Ms. Okafor,\n\nThank you for your patience. Your parcel left our warehouse on Tuesday and should reach you by Friday. "
    "If it does not, we will of course refund you — no questions asked! 🎉\n\nYours,\nThe Team"
)
TABLE = (
    "Here is a short comparison:\n\n| City | Days | Cost |\n|---|---:|---:|\n| Lisbon | 3 | 420 € |\n| Porto | 2 | 260 € |\n\n"
    "```python\nfor day in range(5):\n    print(day)\n```\n\nI would **start** in Porto."
)
CHINESE = "亲爱的王女士：\n\n感谢您的耐心等待。您的包裹已于星期二从仓库发出，预计星期五送达。如果没有收到，我们会为您全额退款。\n\n此致\n敬礼"


def ask(*turns: str, family: str | None = None) -> Prompt:
    roles = ("user", "assistant")
    said = tuple(Message(role=roles[number % 2], content=turn) for number, turn in enumerate(turns))
    return Prompt(messages=said, family=family)


def span(response: Response, words: str) -> Span:
    start = response.text.index(words)
    return Span(start=start, end=start + len(words), quote=words)


def records() -> tuple[list[Response], list[Comment], list[Refinement]]:
    """Seven answers to six prompts, some comments that overlap, two better answers."""
    late = ask("Write a short letter to Ms. Okafor: her parcel is late.", family="letters")
    letter = Response(prompt=late, text=LETTER, version="v2", id="r-letter")
    older = Response(prompt=late, text=LETTER.replace("of course refund you", "refund you").replace(" 🎉", ""), version="v1", id="r-older")
    trip = Response(
        prompt=ask("Plan five days in Portugal.", "Do you prefer cities or beaches?", "Cities. Show me a table.", family="trips"),
        text=TABLE, version="v2", id="r-trip",
    )  # fmt: skip
    chinese = Response(prompt=ask("给王女士写一封短信：她的包裹迟到了。", family="letters"), text=CHINESE, version="v2", id="r-chinese")
    more = [
        Response(prompt=ask(f"Say thanks for gift number {number}.", family="thanks"), text=f"Thank you for gift number {number}! It is lovely.",
            version="v2", id=f"r-thanks-{number}")
        for number in range(3)
    ]  # fmt: skip
    comments = [
        Comment(text="Do not promise what we cannot keep.", response=letter, spans=(span(letter, "we will of course refund you"),), author="Bo", id="c-refund", created="2026-03-02T09:00:00+00:00"),
        Comment(text="No emoji to customers.", response=letter, spans=(span(letter, "refund you — no questions asked! 🎉"),), author="Bo", id="c-emoji", kind="concern", severity="major", created="2026-03-02T09:01:00+00:00"),
        Comment(text="Warm and clear: keep this.", response=letter, spans=(span(letter, "Thank you for your patience."),), author="Bo", id="c-warm", kind="keep", created="2026-03-02T09:02:00+00:00"),
    ]
    better = LETTER.replace("we will of course refund you — no questions asked! 🎉", "please write to us and we will help.")
    refinements = [
        Refinement(response=letter, text=better, addresses=("c-refund", "c-emoji"), refiner="rewrite", source="model", id="f-better"),
        Refinement(response=letter, text=LETTER.replace(" 🎉", ""), addresses=("c-emoji",), refiner="strip-emoji", source="tool", id="f-plain"),
    ]
    return [*more, chinese, trip, older, letter], comments, refinements


@dataclass
class Site:
    """A workspace that is being served."""

    store: Store
    url: str
    lead: review.Reviewer
    reviewer: review.Reviewer
    restart: Callable[[], None] = lambda: None
    stop: Callable[[], None] = lambda: None
    start: Callable[[], None] = lambda: None

    def token(self, person: review.Reviewer | None = None) -> str:
        return review.issue_token(self.store, "session", reviewer_id=(person or self.lead).id)


class Server:
    """The page on one port, which may be stopped and started again."""

    def __init__(self, store: Store) -> None:
        self.store = store
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.start()

    def start(self) -> None:
        self.hub = events.Hub(self.store, every_seconds=0.1)
        served = app.make(self.store, app.Place(), hub=self.hub)
        config = uvicorn.Config(served, host="127.0.0.1", port=self.port, log_level="error", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        until = time.monotonic() + 20
        while not self.server.started:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.01)

    def stop(self) -> None:
        self.hub.close()
        self.server.should_exit = True
        self.thread.join(timeout=20)
        assert not self.thread.is_alive()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A small workspace with a lead and a reviewer, served on a free port."""
    store = database.open(tmp_path / "sayso.db", clock=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    responses, comments, refinements = records()
    store.add_responses(responses)
    store.add_comments(comments)
    store.add_refinements(refinements)
    lead = review.add_reviewer(store, "Ada", "lead")
    reviewer = review.add_reviewer(store, "陈静", "reviewer")
    server = Server(store)
    yield Site(store=store, url=f"http://127.0.0.1:{server.port}", lead=lead, reviewer=reviewer, stop=server.stop, start=server.start)
    server.stop()
    store.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium; nothing is downloaded."""
    if not CHROMIUM.exists():
        pytest.skip("needs the package chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield opened
        opened.close()


@dataclass
class Visit:
    """One person's browser window."""

    site: Site
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str = "/") -> Page:
        self.page.goto(self.site.url + path)
        return self.page

    def read(self, response: str = "r-letter") -> Page:
        """Open one answer and wait until it can be commented on."""
        page = self.go(f"/?response={response}")
        page.wait_for_selector("#text")
        return page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)


Visiting = Callable[..., Visit]


@pytest.fixture
def visiting(site: Site, browser: Browser) -> Iterator[Visiting]:
    """Open windows: `visiting(person, viewport=…)`. At the end none of them may have complained in its console."""
    opened: list[Visit] = []

    def visit(person: review.Reviewer | None = None, *, stranger: bool = False, **wanted: Any) -> Visit:
        context = browser.new_context(**({"viewport": WIDE, "locale": "en-GB"} | wanted))
        if not stranger:
            context.add_cookies([{"name": "sayso_session", "value": site.token(person), "url": site.url, "httpOnly": True, "sameSite": "Strict"}])
        page = context.new_page()
        page.set_default_timeout(8000)
        made = Visit(site=site, context=context, page=page)
        page.on("pageerror", lambda error: made.complaints.append(f"error: {error}"))
        page.on("console", lambda message: _heard(made, message))
        opened.append(made)
        return made

    yield visit
    complaints = [line for one in opened for line in one.complaints]
    for one in opened:
        one.context.close()
    assert complaints == []


def _heard(visit: Visit, message: ConsoleMessage) -> None:
    if message.type in ("error", "warning"):
        visit.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")


@pytest.fixture
def visit(visiting: Visiting) -> Visit:
    """The lead's window."""
    return visiting()
