"""How soon the review page is there: `sayso review` until it prints its link, and the link until an answer can be read.

The server is started as a user starts it, in a workspace of 200 responses, and chromium opens the link on loopback: a first
visit to a fresh server, at once when the link is printed, and further visits, each in a window that keeps nothing.

`readable` and `usable` go by the browser's own clock, from the start of the navigation, the redirect that signs in included:
until the answer's text is on the screen (element timing), and until the page has drawn its buttons, whose keys work then.
`wall` is what this script sees, with what it takes to steer a browser from outside: from asking for the link until it is
told that the text is visible. Needs the packages playwright and chromium. Milliseconds; the last line is JSON.

    python benchmarks/first_screen.py
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.review import Server, workspace

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
READY = "#text"
CLOCK = """
  new PerformanceObserver((list) => { window.readable ??= list.getEntries()[0].renderTime; }).observe({ type: "element" });
  new MutationObserver(() => {
    const text = document.querySelector("#text:not([elementtiming])");
    if (text) text.setAttribute("elementtiming", "answer");
    if (document.querySelector("#actions:not([hidden]) button")) window.usable ??= performance.now();
  }).observe(document, { attributes: true, childList: true, subtree: true });
"""
"""Runs in every page before anything else does."""
WEIGHT = """performance.getEntries().reduce((sum, entry) => sum + (entry.transferSize ?? 0), 0)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One visit, in milliseconds and bytes."""

    wall: float
    readable: float
    usable: float
    weight: int


def visit(browser: Browser, link: str) -> Seen:
    """Open a link in a fresh window, and return what it took."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.add_init_script(CLOCK)
    page.goto("about:blank")
    started = time.perf_counter()
    page.goto(link, wait_until="commit")
    page.wait_for_selector(READY)
    wall = (time.perf_counter() - started) * 1000
    page.wait_for_load_state("load")
    while not all(found := page.evaluate("[window.readable ?? 0, window.usable ?? 0]")):
        page.wait_for_timeout(50)
    weight = page.evaluate(WEIGHT)
    context.close()
    return Seen(wall=wall, readable=found[0], usable=found[1], weight=weight)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", type=int, default=5)
    parser.add_argument("--visits", type=int, default=5, help="visits to each server after the first")
    given = parser.parse_args()
    starts, firsts, others = [], [], []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as name:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        browser.new_page().goto("data:text/html,<p>nothing")  # the browser itself wakes up
        server = Server(workspace(Path(name)))
        for _ in range(given.servers):
            began = time.perf_counter()
            server.start()
            starts.append((time.perf_counter() - began) * 1000)
            link = f"{server.address}/?token={server.token}"
            first, *more = [visit(browser, link) for _ in range(1 + given.visits)]
            firsts.append(first)
            others += more
            server.stop()
        browser.close()
    found = {"start": starts}
    for what, visits in (("first visit", firsts), ("later visits", others)):
        for clock in ("readable", "usable", "wall"):
            found[f"{what}, {clock}"] = [getattr(seen, clock) for seen in visits]
    for what, times in found.items():
        print(f"{what:22} n {len(times):3}  median {statistics.median(times):7.0f} ms  longest {max(times):7.0f} ms")
    weight = max(seen.weight for seen in firsts + others)
    print(f"{'page weight':22} n {len(firsts + others):3}  most {weight / 1000:8.1f} kB")
    print(json.dumps({what: round(statistics.median(times), 1) for what, times in found.items()} | {"bytes": weight}))


if __name__ == "__main__":
    main()
