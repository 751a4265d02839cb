"""How long the overview and the team's agreement take to gather in a large store.

A store is filled with responses in families, comments in English and Chinese by fifty reviewers, and verdicts; then what the
two pages show is gathered, as it is when somebody looks at them for the first time after a change.

    python benchmarks/overview.py                                  100,000 responses, 300,000 comments, 150,000 verdicts
    python benchmarks/overview.py --responses 1000 --comments 3000
    python benchmarks/overview.py --store big.db                   keeps the store there, and uses it if it is there

The second figure is the time the processor worked, which other processes change less.
"""

from __future__ import annotations

import argparse
import itertools
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from sqlalchemy import insert

from sayso.records import Comment, Response, Span, ask
from sayso.store import counted, database, overview, people, questions, tables
from sayso.store.database import Store
from sayso.web import agreeing, themes
from sayso.web import overview as page

Item = TypeVar("Item")
REVIEWERS = 50
CHUNK = 5_000
ABOUT = ("letter", "note", "answer", "summary", "story", "greeting", "list", "paragraph", "table", "recipe")
SAID = (
    "The {about} is too long, {n} lines would do",
    "Much too long a {about}: cut {n} words",
    "It invents the number {n} in the {about}",
    "Where does {n} come from? The {about} does not say",
    "Keep the friendly tone of this {about}, at least in line {n}",
    "I like how warm the {about} sounds in sentence {n}",
    "The {about} does not answer what was asked in point {n}",
    "Off topic: the {about} talks about something else after line {n}",
    "Line {n} of the {about} repeats line 1",
    "这封信太长了，删到{n}行",
    "第{n}行的数字是编造的",
    "语气很亲切，第{n}句请保留",
    "没有回答第{n}个问题",
)


def pieces(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield lists of `CHUNK` items."""
    rest = iter(items)
    while piece := list(itertools.islice(rest, CHUNK)):
        yield piece


def responses(number: int) -> Iterator[Response]:
    """Yield responses in families of twenty-five prompts, by two versions."""
    for place in range(number):
        prompt = ask(f"Write {ABOUT[place % 10]} number {place}", family=f"{ABOUT[place % 10]}-{place // 250}")
        yield Response(prompt=prompt, text=f"Here it is, number {place}. " * 6, version=f"v{1 + place % 2}")


def comments(made: list[Response], number: int, names: list[str], generator: random.Random) -> Iterator[Comment]:
    """Yield comments, about three on a response, each on a span."""
    for place in range(number):
        about = made[place % len(made)]
        start = generator.randrange(60)
        text = SAID[generator.randrange(len(SAID))].format(about=generator.choice(ABOUT), n=generator.randrange(2000))
        yield Comment(
            text=text, response=about, kind=generator.choice(("fix", "fix", "fix", "keep", "question", "concern")),
            author=names[generator.randrange(REVIEWERS)],
            created=f"2026-{1 + place % 9:02}-{1 + place % 28:02}T00:00:00+00:00",
            spans=(Span(start=start, end=start + 20, quote=about.text[start : start + 20]),),
        )  # fmt: skip


def fill(store: Store, num_responses: int, num_comments: int) -> None:
    """Put everything in, in pieces."""
    generator = random.Random(1)
    reviewers = [people.add_reviewer(store, f"Reviewer {place}", "reviewer") for place in range(REVIEWERS)]
    made = list(responses(num_responses))
    for piece in pieces(made):
        store.add_responses(piece)
    said = comments(made, num_comments, [person.name for person in reviewers], generator)
    for piece in pieces(said):
        store.add_comments(piece)
    for piece in pieces(made[: num_responses // 2]):
        rows = []
        for about in piece:
            truth = generator.choice(counted.VERDICTS)
            for person in generator.sample(reviewers, 3):
                given = truth if generator.random() < 0.7 else generator.choice(counted.VERDICTS)
                rows.append({"response_id": about.id, "reviewer_id": person.id, "verdict": given, "updated": "2026-10-01"})
        with store.writing() as db:
            db.execute(insert(tables.verdicts), rows)
            questions.log(db, "2026-01-01T00:00:00+00:00", "verdict.set", [row["response_id"] for row in rows])


def timed(name: str, work: Callable[[], object]) -> None:
    began, worked = time.perf_counter(), time.process_time()
    found = work()
    spent = time.process_time() - worked
    print(f"{name:46} {time.perf_counter() - began:7.2f} s, {spent:7.2f} s of one core   {found}")


def measure(store: Store) -> None:
    """Print how long each part takes."""
    with store.reading() as db:
        voices = [themes.Said(*row) for row in overview.said(db, page.SAMPLE)]
    timed("themes alone, first call (loads scikit-learn)", lambda: len(themes.find(voices).themes))
    timed("themes alone", lambda: len(themes.find(voices).themes))
    timed("the whole overview", lambda: page.gather(store).counts.comments)
    timed("the overview's sentences and pictures", lambda: len(str(page.shown(page.gather(store)))))
    timed("agreement of the team", lambda: len(agreeing.gather(store)["verdicts"].pairs))


def main() -> None:
    """Fill a store unless it is there, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--responses", type=int, default=100_000)
    parser.add_argument("--comments", type=int, default=300_000)
    parser.add_argument("--store", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = asked.store or Path(folder) / "sayso.db"
        there = path.exists()
        store = database.open(path, clock=lambda: "2026-10-01T00:00:00+00:00")
        if not there:
            timed("filling the store", lambda: fill(store, asked.responses, asked.comments))
        measure(store)
        store.close()


if __name__ == "__main__":
    main()
