"""A program that nobody has read can do no harm, and what stopped it has a name."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from sayso.errors import SettingsError
from sayso.tasks.sandbox import running, world
from sayso.tasks.sandbox.running import Program, run, run_all
from sayso.tasks.sandbox.world import Limits

needs_sandbox = pytest.mark.skipif(bool(world.missing()), reason=world.missing() or "there is a sandbox")
SHORT = Limits(seconds=1.0, memory_mb=200, processes=12, disk_mb=4, output_kb=16)
HOSTILE = {
    "a fork bomb": ("processes", "import os\nwhile True: os.fork()"),
    "a fork bomb of those who do not care": (
        "processes", "import os\nwhile True:\n try: os.fork()\n except OSError: pass"),
    "threads without end": (
        "processes", "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(9,)).start()"),
    "a memory bomb": ("memory", "kept = []\nwhile True: kept.append(bytearray(10**7))"),
    "a memory bomb in many processes": (
        "memory",
        "import os, time\nfor _ in range(3):\n    if os.fork() == 0: break\nkept = b'x' * 90_000_000\ntime.sleep(9)"),
    "an endless loop": ("time", "while True: pass"),
    "a long sleep": ("time", "import time\ntime.sleep(99)"),
    "a loop that hears no signal": (
        "time", "import signal\nfor n in (1, 2, 15, 24): signal.signal(n, signal.SIG_IGN)\nwhile True: pass"),
    "huge output": ("output", "while True: print('x' * 10_000)"),
    "huge output through another process": ("output", "import os\nos.system('yes')"),
    "one huge file": ("disk", "file = open('big', 'wb')\nwhile True: file.write(b'x' * 10**6)"),
    "many files": ("disk", "for n in range(99): open(f'f{n}', 'wb').write(b'x' * 10**6)"),
    "reading the users of the machine": ("files", "open('/etc/passwd').read()"),
    "writing among the machine's programs": ("files", "open('/usr/bin/python', 'w')"),
    "writing into this Python": ("files", "import json\nopen(json.__file__, 'a')"),
    "deleting what there is": ("files", "import shutil\nshutil.rmtree('/usr')"),
    "a connection to the world": ("network", "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=9)"),
    "a connection to this machine": ("network", "import socket\nsocket.create_connection(('127.0.0.1', 22))"),
    "a name to be looked up": ("network", "import socket\nsocket.getaddrinfo('example.org', 80)"),
    "a signal to everyone": ("signal",
        "import os\nfor n in (1, -1):\n try: os.kill(n, 9)\n except OSError: pass\nos.kill(os.getpid(), 9)"),
    "a crash": ("signal", "import ctypes\nctypes.string_at(0)"),
    "an early end with a good status": ("ended", "import os\nos._exit(0)"),
    "an early end by exception": ("ended", "raise SystemExit"),
    "a forged report": (
        "ended", "import os, json\nfor n in range(3, 30):\n try: os.write(n, json.dumps("
        "{'word': '', 'verdict': 'passed', 'detail': ''}).encode())\n except OSError: pass\nos._exit(0)"),
    "becoming the superuser again": ("files", "import os\nos.setuid(0)"),
    "mounting": (
        "files", "import ctypes, os\nfound = ctypes.CDLL(None, use_errno=True)\n"
        "if found.mount(b'none', b'/tmp', b'tmpfs', 0, None): raise OSError(ctypes.get_errno(), 'mount')"),
}  # fmt: skip


@needs_sandbox
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_program_is_contained_and_named(name: str) -> None:
    verdict, text = HOSTILE[name]
    found = run(Program(text=text), SHORT)
    assert found.verdict == verdict, (found.detail, found.output[-500:])
    assert found.detail
    assert not found.passed
    assert len(found.output) <= 16 * 1024


@needs_sandbox
def test_nothing_of_a_program_outlives_it() -> None:
    mark = f"left-behind-{os.getpid()}"
    text = f"import os, subprocess\nsubprocess.Popen(['sleep', '77'], env={{'MARK': '{mark}'}}, start_new_session=True)"
    assert run(Program(text=text), SHORT).passed
    deadline = time.monotonic() + 5
    while _with_mark(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _with_mark(mark)


def _with_mark(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            found += [str(path)] if mark.encode() in path.read_bytes() and str(os.getpid()) not in path.parts else []
        except OSError:
            continue
    return found


@needs_sandbox
def test_it_cannot_see_or_signal_what_runs_outside() -> None:
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        look = "print(sorted(n for n in os.listdir('/proc') if n.isdigit()))"
        text = f"import os\n{look}\nos.kill({sleeper.pid}, {signal.SIGKILL})"
        found = run(Program(text=text), SHORT)
        assert found.verdict in ("error", "files")
        assert str(sleeper.pid) not in found.output
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


@needs_sandbox
def test_what_one_program_writes_the_next_does_not_find() -> None:
    assert run(Program(text="open('note', 'w').write('here')", tests="assert open('note').read() == 'here'")).passed
    assert run(Program(text="open('note')")).verdict == "files"


@needs_sandbox
def test_a_failed_test_is_shown_with_its_line() -> None:
    found = run(
        Program(text="def add(a, b):\n    return a - b", tests="assert add(1, 0) == 1\nassert add(1, 2) == 3, 'sum'")
    )
    assert found.verdict == "failed"
    assert found.detail == "AssertionError: sum (assert add(1, 2) == 3, 'sum')"


@needs_sandbox
def test_an_error_names_the_line_of_the_program() -> None:
    found = run(Program(text="def half(n):\n    return n / 0", tests="half(1)"))
    assert (found.verdict, found.detail) == ("error", "ZeroDivisionError: division by zero (line 2 of program.py)")


@needs_sandbox
def test_ordinary_programs_find_what_they_need() -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nimport multiprocessing, numpy, tempfile\n"
        "@dataclass\nclass Point:\n    x: int\n    y: 'int' = 2\n"
        "def double(n): return 2 * n\n"
    )
    tests = (
        "assert Point(1).y == 2 and numpy.arange(3).sum() == 3\n"
        "with tempfile.TemporaryFile() as file: file.write(b'x')\n"
        "with multiprocessing.Pool(2) as pool: assert pool.map(len, ['a', 'bb']) == [1, 2]\n"
        "assert double(4) == 8"
    )
    found = run(Program(text=text, tests=tests))
    assert found.passed, found


@needs_sandbox
def test_a_long_program_and_words_of_any_script_arrive_whole() -> None:
    text = "# " + "长" * 300_000 + "\nname = '你好 🎉'\nprint(name)"
    found = run(Program(text=text, tests="assert name == '你好 🎉'"))
    assert found.passed, found.detail
    assert found.output == "你好 🎉\n"


@needs_sandbox
def test_many_programs_come_back_in_their_order() -> None:
    found = list(run_all([Program(text=f"print({number})") for number in range(6)], workers=3))
    assert [item.output for item in found] == [f"{number}\n" for number in range(6)]


def test_without_a_sandbox_nothing_is_run_and_the_reason_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    world.missing.cache_clear()
    try:
        with pytest.raises(SettingsError, match=r"only run in a sandbox.*bubblewrap is not installed"):
            run(Program(text="print(1)"))
    finally:
        world.missing.cache_clear()


@pytest.mark.parametrize("key", ["seconds", "memory_mb", "processes", "disk_mb", "output_kb"])
def test_a_limit_is_more_than_nothing(key: str) -> None:
    with pytest.raises(SettingsError, match=f"{key}: found 0; expected more than 0"):
        Limits(**{key: 0})


@needs_sandbox
@pytest.mark.slow
def test_programs_that_people_judged_and_mended_are_judged_as_they_were(shared: Path) -> None:
    path = shared / "data" / "ilf_code_mbpp" / "surge_annotations.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 195
    original = [_program(row, "original_model_completion") for row in rows]
    mended = [_program(row, "unedited_annotator_completion") for row in rows]
    assert sum(found.passed for found in running.run_all(original)) == 0
    assert sum(found.passed for found in running.run_all(mended)) == 195


def _program(row: dict[str, str], column: str) -> Program:
    name = row["prompt"].rsplit("def ", 1)[1].split("(")[0].strip()
    return Program(text=row[column], tests=f"{row['test']}\n\ncheck({name})")
