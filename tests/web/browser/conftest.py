"""A real server over a small workspace, and a real browser that looks at it."""

from __future__ import annotations

import itertools
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import uvicorn
from tests.web.browser.answers import records

from sayso.records import Comment
from sayso.store import database, review
from sayso.store.database import Store
from sayso.web import app, events, gathered

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE = 60  # seconds; a machine may have much else to do
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 360, "height": 740}


@dataclass
class Site:
    """A workspace that is being served."""

    store: Store
    server: Server
    lead: review.Reviewer
    reviewer: review.Reviewer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

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
        self.hub = events.Hub(self.store, every_seconds=0.3)
        served = app.make(self.store, app.Place(), hub=self.hub)
        config = uvicorn.Config(served, host="127.0.0.1", port=self.port, log_level="error", timeout_graceful_shutdown=1)
        self.running = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.running.run, daemon=True)
        self.thread.start()
        until = time.monotonic() + PATIENCE
        while not self.running.started:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.01)
        self.wake()

    def wake(self) -> None:
        """Ask once: routes are made with the first question, and not while a test changes what a warning does."""
        somebody = review.reviewers(self.store)[0]
        token = review.issue_token(self.store, "session", reviewer_id=somebody.id)
        # Nothing is there, so that every route is looked at.
        asked = Request(f"http://127.0.0.1:{self.port}/api/nothing", headers={"Authorization": f"Bearer {token}"})
        with pytest.raises(HTTPError, match="404"):
            urlopen(asked, timeout=PATIENCE)

    def stop(self) -> None:
        self.hub.close()
        self.running.should_exit = True
        self.thread.join(timeout=PATIENCE)
        assert not self.thread.is_alive()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the records, made once."""
    path = tmp_path_factory.mktemp("browser") / "written.db"
    store = database.open(path, clock=now)
    responses, comments, refinements = records()
    store.add_responses(responses)
    store.add_comments(comments)
    store.add_refinements(refinements)
    store.close()
    return path


@pytest.fixture(scope="session")
def served(written: Path) -> Iterator[Server]:
    """One server for all tests: making one takes longer than most tests do."""
    store = database.open(shutil.copy(written, written.with_name("sayso.db")), clock=now)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathered, "STALE_SECONDS", 0.0)  # on a busy machine a test would be shown another one's numbers
        review.add_reviewer(store, "Ada", "lead")
        server = Server(store)
        yield server
        server.stop()
    store.close()


FRESH = itertools.count(1)


@pytest.fixture
def site(served: Server, written: Path) -> Site:
    """The small workspace as it was at first, with a lead and a reviewer, served on a free port."""
    with closing(sqlite3.connect(written)) as first, closing(sqlite3.connect(written.with_name("sayso.db"))) as present:
        first.backup(present)
        # What the server remembers goes by the last event: none of another test may look like the present one.
        place = 1_000_000 * next(FRESH)
        present.execute(
            "INSERT INTO events (seq, at, kind, subject, payload) VALUES (?, ?, 'test.begun', '', '{}')", (place, now())
        )
        present.commit()
    # People are new in every test, so that nothing that another test has begun is theirs when it comes late.
    lead, reviewer = (review.add_reviewer(served.store, *one) for one in (("Ada", "lead"), ("陈静", "reviewer")))
    return Site(store=served.store, server=served, lead=lead, reviewer=reviewer)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium; nothing is downloaded."""
    playwright_api = pytest.importorskip(
        "playwright.sync_api", reason="needs the package playwright (pip install playwright)"
    )
    if not CHROMIUM.exists():
        pytest.skip("needs the package chromium (apt-get install chromium)")
    with playwright_api.sync_playwright() as playwright:
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
    expected: list[str] = field(default_factory=list)
    """What the console may say in this test: of a server that is away on purpose, of a refusal that is the point."""

    def go(self, path: str = "/") -> Page:
        self.page.goto(self.site.url + path)
        return self.page

    def read(self, response: str = "r-letter") -> Page:
        """Open one answer and wait until it can be commented on."""
        page = self.go(f"/?response={response}")
        try:
            page.wait_for_selector("[data-mode] #text")
        except Exception as error:
            error.add_note(f"the page: {self.state()}; complaints: {self.complaints}")
            raise
        return page

    def state(self) -> str:
        """Say how far the page has come."""
        try:
            return str(self.page.locator("body").evaluate(STATE, timeout=10_000))
        except Exception as error:  # of whatever kind; a page that does not even answer is what is to be known
            return f"does not answer ({error})"

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def write(self, words: str) -> None:
        """Type into what has the focus."""
        self.page.keyboard.type(words)

    def choose(self, words: str) -> None:
        """Select words of the answer as a mouse would: press, drag, let go."""
        box = self.page.evaluate(WHERE, words)
        self.page.mouse.move(box["x1"], box["y1"])
        self.page.mouse.down()
        self.page.mouse.move(box["x2"], box["y2"], steps=4)
        self.page.mouse.up()

    def said(self, text: str) -> Comment:
        """Return the comment that was stored with this text, once it is there."""
        until = time.monotonic() + PATIENCE
        while True:
            found = [item for item in self.site.store.comments(status=None) if item.text == text]
            if found:
                return found[-1]
            assert time.monotonic() < until, f"no comment says {text!r}"
            self.page.wait_for_timeout(30)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(words in message.text for words in self.expected):
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")


STATE = """() => ({
  ready: document.readyState, hidden: document.hidden, work: { ...document.getElementById("work")?.dataset },
  blank: document.getElementById("blank")?.innerText, asked: document.querySelectorAll("link[rel=modulepreload]").length,
  came: performance.getEntriesByType("resource").map((one) => [one.name.split("/").at(-1), one.responseStatus]),
})"""
"""How far a page has come, for a test that waits in vain."""

WHERE = """(words) => {
  const text = document.getElementById("text");
  const start = text.textContent.indexOf(words);
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  let at = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (start >= at && start < at + node.length) range.setStart(node, start - at);
    if (start + words.length > at && start + words.length <= at + node.length) range.setEnd(node, start + words.length - at);
    at += node.length;
  }
  const boxes = [...range.getClientRects()];
  const [first, last] = [boxes[0], boxes.at(-1)];
  return { x1: first.left + 1, y1: first.top + first.height / 2, x2: last.right - 1, y2: last.top + last.height / 2 };
}"""

Visiting = Callable[..., Visit]


@pytest.fixture
def visiting(site: Site, browser: Browser) -> Iterator[Visiting]:
    """Open windows: `visiting(person, viewport=…)`. At the end none of them may have complained in its console."""
    opened: list[Visit] = []

    def visit(person: review.Reviewer | None = None, *, stranger: bool = False, **wanted: Any) -> Visit:
        context = browser.new_context(**({"viewport": WIDE, "locale": "en-GB"} | wanted))
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        opened.append(listening(Visit(site=site, context=context, page=page)))
        if not stranger:
            sign_in(opened[-1], person)
        return opened[-1]

    yield visit
    complaints = [line for one in opened for line in one.complaints]
    for one in opened:
        one.context.clear_cookies()
        one.context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def desk(browser: Browser, served: Server) -> Iterator[BrowserContext]:
    """A window that most tests share: opening one takes as long as using it."""
    context = browser.new_context(viewport=WIDE, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(f"http://127.0.0.1:{served.port}/join", timeout=0)  # the first page of a browser takes as long as it takes
    yield context
    context.close()


@pytest.fixture
def visit(site: Site, desk: BrowserContext) -> Iterator[Visit]:
    """The lead's window, as if it had never been used."""
    page = desk.pages[0]
    desk.clear_cookies()
    made = listening(Visit(site=site, context=desk, page=page))
    sign_in(made)
    yield made
    page.remove_listener("console", made.hear)
    desk.clear_cookies()  # a page that is left sends its draft: without a name it cannot come late, into the next test
    page.goto("about:blank")
    storage = {"origin": site.url, "storageTypes": "local_storage"}
    session = desk.new_cdp_session(page)
    session.send("Storage.clearDataForOrigin", storage)
    session.detach()
    page.set_viewport_size(WIDE)
    assert made.complaints == []


def listening(visit: Visit) -> Visit:
    visit.page.on("console", visit.hear)
    visit.page.on("pageerror", lambda error: visit.complaints.append(f"error: {error}"))
    return visit


def sign_in(visit: Visit, person: review.Reviewer | None = None) -> None:
    token = {"name": "sayso_session", "value": visit.site.token(person), "url": visit.site.url}
    visit.context.add_cookies([{**token, "httpOnly": True, "sameSite": "Strict"}])  # type: ignore[typeddict-item]
