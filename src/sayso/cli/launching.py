"""`--processes`: a command in several processes, one of which speaks; started here or by a launcher such as accelerate's."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sayso.cli.lazy import GIVEN
from sayso.cli.options import Call, option
from sayso.errors import PeerError, SaysoError, SettingsError
from sayso.training.engine.place import MEETING, Place, place

if TYPE_CHECKING:
    from types import FrameType

VERBS = ("generate", "refine", "learn", "evaluate", "loop", "finetune", "pretrain")
"""What several processes can share; `main` refuses the others where a launcher started several."""
_LOOK_EVERY_SECONDS = 0.05
_GRACE_SECONDS = 15.0
"""So long the others may take to notice that one has failed."""
_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"

Command = Callable[..., Any]


def with_processes(function: Command) -> Command:
    """Add `--processes`, and do the command in as many, or in as many as a launcher started."""

    @functools.wraps(function)
    def shared(call: Call, processes: int | None, **given: Any) -> Any:
        here = place()
        if here.size > 1:
            _expect_as_started(here, processes)
            with _joined(here):
                return function(call, **given)
        if processes is None or processes == 1 or call.dry_run:
            return function(call, **given)
        context = click.get_current_context()
        return context.exit(launch(processes, context.meta[GIVEN]))

    return option(
        "--processes", type=click.IntRange(min=1), metavar="N",
        help="Work in so many processes of this machine, one for each GPU, that do together what one would; accelerate "
        "launch -m sayso does so on several machines.",
    )(shared)  # fmt: skip


def expect_one_process(verb: str | None) -> None:
    """Pass silently unless a launcher started several processes of a command that does not share its work.

    Raises:
        SettingsError: it did; said by the first process, the others end without a word.
    """
    here = place()
    if here.size == 1 or verb is None or verb in VERBS:
        return
    if not here.first:
        raise click.exceptions.Exit(SettingsError.exit_code)
    raise SettingsError(
        "sayso {verb} works in one process, and a launcher started {count}; start it by itself (in several work: {known})",
        verb=verb, count=here.size, known=", ".join(VERBS),
    )  # fmt: skip


def expect_alone(what: str) -> None:
    """Pass silently unless there are several processes, for something that is done in one.

    Raises:
        SettingsError: there are.
    """
    if place().size > 1:
        raise SettingsError("{what} works in one process; leave --processes out", what=what)


def _expect_as_started(here: Place, processes: int | None) -> None:
    if processes not in (None, here.size):
        if not here.first:
            raise click.exceptions.Exit(SettingsError.exit_code)
        raise SettingsError(
            "--processes: found {found}, but the launcher started {count}; leave the option out",
            found=processes, count=here.size,
        )  # fmt: skip


@contextmanager
def _joined(here: Place) -> Iterator[None]:
    """Join the others for the time of a block; only the first says anything, also what went wrong elsewhere."""
    from sayso.training.engine import distributed

    if here.first:
        with distributed.joined(here):
            yield
        return
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        try:
            with distributed.joined(here):
                yield
        except SaysoError as error:
            raise click.exceptions.Exit(error.exit_code) from error
        except (KeyboardInterrupt, click.Abort) as error:
            raise click.exceptions.Exit(128 + signal.SIGINT) from error


def launch(count: int, words: Sequence[str]) -> int:
    """Run `sayso` with these words in `count` processes of this machine, and return the exit code of the first that failed.

    They find each other by a file, and talk over the loopback interface alone. A signal is passed on to all of them.

    Raises:
        PeerError: one was ended by a signal.
        KeyboardInterrupt: a signal came before they could hear it.
    """
    with tempfile.TemporaryDirectory() as folder:
        environ = _environ(count, Path(folder) / "meeting")
        started = [
            # a group of its own: Ctrl-C in the terminal reaches it once, from here
            subprocess.Popen(
                [sys.executable, "-m", "sayso", *words],
                env={**environ, "RANK": str(rank), "LOCAL_RANK": str(rank)}, process_group=0,
            )
            for rank in range(count)
        ]  # fmt: skip
        try:
            with _passed_on(started) as came:
                _wait(started)
        finally:
            _end(started, signal.SIGKILL)
    return _code([process.returncode for process in started], came)


def _environ(count: int, meeting: Path) -> Mapping[str, str]:
    threads = max(1, (os.cpu_count() or 1) // count)
    usual = {
        "OMP_NUM_THREADS": str(threads), "GLOO_SOCKET_IFNAME": _LOOPBACK, "NCCL_SOCKET_IFNAME": _LOOPBACK,
        "TORCH_CPP_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    return {**usual, **os.environ, "WORLD_SIZE": str(count), MEETING: str(meeting)}


@contextmanager
def _passed_on(started: Sequence[subprocess.Popen[bytes]]) -> Iterator[list[int]]:
    """Pass signals on for the time of a block, and yield which came."""
    came: list[int] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        _end(started, number)

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(started: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait until all have ended; when one fails, the others have a while to notice it."""
    failed: float | None = None
    while any(process.poll() is None for process in started):
        time.sleep(_LOOK_EVERY_SECONDS)
        if failed is None and any(process.returncode for process in started):
            failed = time.monotonic()
        if failed is not None and time.monotonic() - failed > _GRACE_SECONDS:
            late = time.monotonic() - failed > 2 * _GRACE_SECONDS
            _end(started, signal.SIGKILL if late else signal.SIGTERM)


def _end(started: Sequence[subprocess.Popen[bytes]], number: int) -> None:
    for process in started:
        if process.poll() is None:
            process.send_signal(number)


def _code(codes: Sequence[int], came: Sequence[int]) -> int:
    """Return the exit code that stands for all: that of the first process, which has said what went wrong, if it has one."""
    if codes[0] > 0 or not any(codes):
        return codes[0]
    if came:
        raise KeyboardInterrupt(came[0])
    rank, code = next((rank, code) for rank, code in enumerate(codes) if code)
    if code > 0:
        return code
    raise PeerError(
        "process {number} of {count} was ended by {signal}; run the same command again to go on from the last checkpoint",
        number=rank + 1, count=len(codes), signal=signal.Signals(-code).name,
    )  # fmt: skip
