"""How soon the review page is there: `sayso review` until it prints its link, and the link until an answer can be read.

The server is started as a user starts it, in a workspace of 200 responses, and chromium opens the link on loopback: a first
visit to a fresh server, and further visits, each in a window that keeps nothing. Needs the packages playwright and chromium.
Milliseconds; the last line is JSON.

    python benchmarks/first_screen.py
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.review import Server, workspace

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
READY = "#text"


def visit(browser: Browser, link: str) -> tuple[float, int]:
    """Open a link in a fresh window; return the milliseconds until the answer stands there, and the bytes that were sent."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    sizes: list[int] = []
    page.on("requestfinished", lambda request: sizes.append(sum(request.sizes()[key] for key in _SENT)))
    page.goto("about:blank")
    started = time.perf_counter()
    page.goto(link, wait_until="commit")
    page.wait_for_selector(READY)
    taken = (time.perf_counter() - started) * 1000
    page.wait_for_load_state("load")
    context.close()
    return taken, sum(sizes)


_SENT = ("responseBodySize", "responseHeadersSize")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", type=int, default=5)
    parser.add_argument("--visits", type=int, default=5, help="visits to each server after the first")
    given = parser.parse_args()
    starts, firsts, others, weights = [], [], [], []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as name:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        visit(browser, "data:text/html,<p id=text>nothing")  # the browser itself wakes up
        server = Server(workspace(Path(name)))
        for _ in range(given.servers):
            began = time.perf_counter()
            server.start()
            starts.append((time.perf_counter() - began) * 1000)
            link = f"{server.address}/?token={server.token}"
            seen = [visit(browser, link) for _ in range(1 + given.visits)]
            firsts.append(seen[0][0])
            others += [taken for taken, _size in seen[1:]]
            weights += [size for _taken, size in seen]
            server.stop()
        browser.close()
    found = {"start": starts, "first visit": firsts, "later visits": others}
    for what, times in found.items():
        print(f"{what:14} n {len(times):3}  median {statistics.median(times):7.0f} ms  longest {max(times):7.0f} ms")
    print(f"{'page weight':14} n {len(weights):3}  most {max(weights) / 1000:8.1f} kB")
    print(json.dumps({what: round(statistics.median(times), 1) for what, times in found.items()} | {"bytes": max(weights)}))


if __name__ == "__main__":
    main()
