"""A process is really killed, at random moments: what it acknowledged is there, and of what it had not finished, nothing."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.store.conftest import counting_clock

from sayso.store import database, exchange
from sayso.store.database import Store

LINES = 600

ONE_BY_ONE = """
import sys
from sayso.records import Comment, Response, ask
from sayso.store import database
store = database.open(sys.argv[1], clock=lambda: "2026-01-31T00:00:00+00:00")
number = int(sys.argv[2])
while True:
    response = Response(prompt=ask(f"prompt {number}"), text="words " * 50)
    store.add_comments([Comment(id=f"c{number}", text="words", response=response)])
    print(number, flush=True)
    number += 1
"""

# The import tells every statement and waits to be told to go on, so that the killer can choose between them.
WHOLE_FILE = """
import sys
from sqlalchemy import event
from sayso.store import database, exchange
def tell(what):
    print(what, flush=True)
    sys.stdin.readline()
store = database.open(sys.argv[1], clock=lambda: "2026-01-31T00:00:00+00:00")
event.listen(store.engine, "before_cursor_execute", lambda *call: tell(call[2].partition("(")[0]))
event.listen(store.engine, "commit", lambda *_: tell("COMMIT"))
exchange.import_comments(store, sys.argv[2])
tell("done")
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill(process: subprocess.Popen[str]) -> list[str]:
    """Kill a process and return what it had still said."""
    process.send_signal(signal.SIGKILL)
    rest, errors = process.communicate()
    assert errors == ""
    return rest.splitlines()


def reopen(path: Path) -> Store:
    store = database.open(path, clock=counting_clock())
    with store.reading() as db:
        assert db.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert db.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    return store


def kill_while_adding(path: Path, first: int, chance: random.Random) -> int:
    """Kill a process that adds comments one by one; return the first number that is free."""
    process = start(ONE_BY_ONE, path, first)
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(chance.randint(1, 12))]
    time.sleep(chance.random() / 50)
    # A last line may have been cut off in the pipe; only whole ones were acknowledged.
    acknowledged += [int(line) for line in kill(process) if line]
    store = reopen(path)
    present = {comment.id for comment in store.comments()}
    assert {f"c{number}" for number in acknowledged} <= present
    unacknowledged = len(present) - (acknowledged[-1] + 1)
    assert unacknowledged in (0, 1)
    assert len(store.responses()) == len(store.prompts()) == len(present)
    assert [event.subject for event in store.events() if event.kind == "comment.added"] == [
        f"c{n}" for n in range(len(present))
    ]
    store.close()
    return len(present)


def kill_while_importing(path: Path, source: Path, steps: int) -> bool:
    """Kill an import before it takes another step; return whether it is in by then. It is in whole or not at all."""
    process = start(WHOLE_FILE, path, source)
    assert process.stdin is not None
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    for _ in range(steps):
        process.stdin.write("\n")
        process.stdin.flush()
        said = process.stdout.readline().strip()
    kill(process)
    store = reopen(path)
    found = len(store.comments())
    assert found == (LINES if said == "done" else 0)
    assert len(store.events()) == 3 * found
    store.close()
    return said == "done"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "many.jsonl"
    lines = ({"id": f"c{n}", "text": "x", "prompt": f"p{n}", "response": "words " * 40} for n in range(LINES))
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def test_what_was_acknowledged_before_a_kill_is_there(tmp_path: Path) -> None:
    kill_while_adding(tmp_path / "sayso.db", 0, random.Random(1))


def test_an_import_killed_at_its_last_step_left_nothing(tmp_path: Path, source: Path, empty: Path) -> None:
    path = tmp_path / "sayso.db"
    path.write_bytes(empty.read_bytes())
    steps = steps_of_an_import(tmp_path / "other.db", source)
    assert steps[-2:] == ["COMMIT", "done"]
    assert not kill_while_importing(path, source, len(steps) - 2)


@pytest.mark.slow
def test_twenty_kills_in_a_row_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(time.time_ns())
    first = 0
    for _ in range(20):
        first = kill_while_adding(tmp_path / "sayso.db", first, chance)


@pytest.mark.slow
def test_an_import_killed_before_any_of_its_steps_is_in_whole_or_not_at_all(
    tmp_path: Path, source: Path, empty: Path
) -> None:
    steps = steps_of_an_import(tmp_path / "other.db", source)
    ends = []
    for number in range(len(steps)):
        path = tmp_path / f"{number}.db"
        path.write_bytes(empty.read_bytes())
        ends.append(kill_while_importing(path, source, number))
        again = database.open(path, clock=counting_clock())
        assert exchange.import_comments(again, source).faults == ()
        assert len(again.comments()) == LINES
        again.close()
    assert ends == [False] * (len(steps) - 1) + [True]


def steps_of_an_import(path: Path, source: Path) -> list[str]:
    """Return what an import that is let go to its end says at each step, the last of them `done`."""
    said, errors = start(WHOLE_FILE, path, source).communicate("\n" * 100_000)
    assert errors == ""
    return said.splitlines()
