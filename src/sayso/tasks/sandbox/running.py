"""One program and its tests, followed to its end or brought to one."""

from __future__ import annotations

import json
import os
import secrets
import selectors
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sayso.errors import SettingsError
from sayso.i18n import gettext as _
from sayso.tasks.sandbox.world import HOME, MEGABYTE, Limits, command, missing, of_the_kernel, user

Verdict = Literal[
    "passed", "failed", "error", "ended", "time", "memory", "processes", "output", "disk", "network", "files", "signal"
]
_LOOK_EVERY = 0.02  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A program, and the tests that run after it in the same process; without tests it only has to run to its end."""

    text: str
    tests: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a program."""

    verdict: Verdict
    """`passed` and `failed` are the tests'; the others name what stopped it."""
    detail: str
    output: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the program ran and its tests held."""
        return self.verdict == "passed"


def run(program: Program, limits: Limits | None = None) -> Outcome:
    """Run one program where it can do no harm, and say what came of it.

    Raises:
        SettingsError: there is no sandbox here; nothing was run.
    """
    why_not = missing()
    if why_not:
        raise SettingsError("programs are only run in a sandbox, and there is none: {reason}", reason=why_not)
    return _Running(program, limits or Limits()).outcome()


def run_all(programs: Iterable[Program], limits: Limits | None = None, *, workers: int = 0) -> Iterator[Outcome]:
    """Run many programs, some at a time (0: as many as there are processors), and yield what came of each, in order.

    Raises:
        SettingsError: there is no sandbox here.
    """
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        yield from pool.map(lambda program: run(program, limits), programs)


class _Running:
    """One program in its world."""

    def __init__(self, program: Program, limits: Limits) -> None:
        self._limits = limits
        self._word = secrets.token_hex(16)
        self._started = time.monotonic()
        self._output, self._reported = bytearray(), bytearray()
        report, write = os.pipe()
        try:
            self._process = subprocess.Popen(
                command(limits),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=(write,),
                env={"PATH": "/usr/bin:/bin", "HOME": HOME, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"},
                start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(write)
        self._report = report
        order = {
            "program": program.text, "tests": program.tests, "word": self._word, "report": write, "user": user(),
            "limits": of_the_kernel(limits),
        }  # fmt: skip
        self._order = memoryview(json.dumps(order).encode())

    def outcome(self) -> Outcome:
        """Wait for its end, or make one."""
        try:
            stopped = self._followed()
        finally:
            self._end()
        verdict, detail = stopped or self._ended()
        return Outcome(
            verdict=verdict, detail=detail, output=self._output.decode("utf-8", "replace"),
            seconds=time.monotonic() - self._started,
        )  # fmt: skip

    def _followed(self) -> tuple[Verdict, str] | None:
        """Read what it says until it ends; return what it used too much of, or None."""
        assert self._process.stdin
        assert self._process.stdout
        with selectors.DefaultSelector() as ready:
            for file in (self._process.stdout, self._report):
                ready.register(file, selectors.EVENT_READ)
            ready.register(self._process.stdin, selectors.EVENT_WRITE)
            while self._process.poll() is None:
                for key, _events in ready.select(_LOOK_EVERY):
                    self._serve(ready, key.fileobj)
                too_much = self._too_much()
                if too_much:
                    return too_much
            while any(self._serve(ready, key.fileobj) for key, _events in ready.select(0)):
                if len(self._output) > self._limits.output_kb * 1024:
                    break
        return self._too_much()

    def _serve(self, ready: selectors.BaseSelector, file: object) -> bool:
        """Take what stands in a pipe, or give some of the order; return whether there may be more."""
        if self._process.stdin and file is self._process.stdin:
            try:
                self._order = self._order[os.write(self._process.stdin.fileno(), self._order[:4096]) :]
            except BrokenPipeError:
                self._order = self._order[:0]
            if not self._order:
                ready.unregister(self._process.stdin)
                self._process.stdin.close()
            return False
        number = file if isinstance(file, int) else file.fileno()  # type: ignore[attr-defined]
        found = os.read(number, 1 << 16)
        if not found:
            ready.unregister(file)  # type: ignore[arg-type]
            return False
        (self._reported if file == self._report else self._output).extend(found)
        return True

    def _too_much(self) -> tuple[Verdict, str] | None:
        limits = self._limits
        if len(self._output) > limits.output_kb * 1024:
            del self._output[limits.output_kb * 1024 :]
            return "output", _("it wrote more than {n} kB").format(n=limits.output_kb)
        if self._process.poll() is not None:
            return None
        if time.monotonic() - self._started > limits.seconds:
            return "time", _("it ran longer than {n} seconds").format(n=limits.seconds)
        memory, processes = _used(self._process.pid)
        if memory > limits.memory_mb * MEGABYTE:
            return "memory", _("it used more than {n} MB").format(n=limits.memory_mb)
        if processes > limits.processes:
            return "processes", _("it started more than {n} processes").format(n=limits.processes)
        return None

    def _ended(self) -> tuple[Verdict, str]:
        """Return what the program's end says: its report, or how it ended without one."""
        try:
            report = json.loads(self._reported)
            if secrets.compare_digest(report["word"], self._word):
                return report["verdict"], report["detail"]
        except (ValueError, KeyError, TypeError):  # no report, half of one, or a forged one
            pass
        code = self._process.returncode
        number = -code if code < 0 else code - 128  # bubblewrap gives a signal's number as a shell does
        if number == signal.SIGXCPU:
            return "time", _("it used more than {n} seconds of processor time").format(n=self._limits.seconds)
        if number == signal.SIGXFSZ:
            return "disk", _("it wrote a file of more than {n} MB").format(n=self._limits.disk_mb)
        if 0 < number < signal.NSIG:
            return "signal", _("it was ended by {name}").format(name=signal.Signals(number).name)
        return "ended", _("it ended itself with status {code} before its tests were done").format(code=code)

    def _end(self) -> None:
        """End the world, with everything in it: its first process takes all others with it."""
        inner = _children(self._process.pid)
        for number in inner or [self._process.pid]:
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            self._process.wait(timeout=10)  # bubblewrap ends when its world does, and buries it
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._report)
        for file in (self._process.stdin, self._process.stdout):
            if file and not file.closed:
                try:
                    file.close()
                except BrokenPipeError:
                    continue


def _descendants(first: int) -> list[int]:
    """Return the processes that a process started, and those that they started."""
    found: list[int] = []
    waiting = [first]
    while waiting:
        children = _children(waiting.pop())
        waiting += children
        found += children
    return found


def _children(number: int) -> list[int]:
    """Return the processes that a process started; none when it ended meanwhile."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{number}/task").iterdir():
            found += map(int, (task / "children").read_text(encoding="ascii").split())
    except (FileNotFoundError, ProcessLookupError):
        return found
    return found


def _used(first: int) -> tuple[int, int]:
    """Return the bytes of memory that a process and its descendants hold, and how many threads the program has."""
    memory = threads = 0
    page = os.sysconf("SC_PAGE_SIZE")
    for number in _descendants(first):
        try:
            held = Path(f"/proc/{number}/statm").read_text(encoding="ascii").split()
            threads += sum(1 for _task in Path(f"/proc/{number}/task").iterdir())
        except (FileNotFoundError, ProcessLookupError):
            continue
        memory += (int(held[1]) - int(held[2])) * page  # resident, without what is shared with files
    return memory, max(0, threads - 1)  # the first is bubblewrap's own
