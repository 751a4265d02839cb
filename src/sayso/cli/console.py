"""What is drawn: progress on stderr, results on stdout. rich is imported where something is drawn with it."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from sayso.i18n import gettext as _
from sayso.loop.progress import ignore
from sayso.records import plain

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from sayso.loop import Watcher
    from sayso.loop.progress import Progress

_LINE_EVERY_SECONDS = 5.0


def emit(found: Mapping[str, Any]) -> None:
    """Print a result as the one JSON object of a command; a number that JSON cannot say is null."""
    click.echo(json.dumps(_finite(plain(found)), ensure_ascii=False, allow_nan=False, default=str))


def lines(*sentences: str) -> None:
    """Print sentences on stdout."""
    for sentence in sentences:
        click.echo(sentence)


def warn(*sentences: str) -> None:
    """Print sentences on stderr: what a person should know, beside the result."""
    for sentence in sentences:
        click.echo(sentence, err=True)


def in_colour() -> bool:
    """Return whether stdout is a terminal that may be written to in colour (NO_COLOR is not set)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """Print a table on stdout; `right` names the columns of numbers."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = None if sys.stdout.isatty() else 160
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(columns):
        drawn.add_column(name, justify="right" if number in right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console(file=sys.stdout, width=width, highlight=False).print(drawn)


@contextmanager
def watching(*, quiet: bool) -> Iterator[Watcher]:
    """Draw progress for the time of a block: a live bar on a terminal, else a line now and then; nothing when quiet."""
    if sys.stderr.isatty():
        with _bar() as bar:
            yield _live(bar)
    elif quiet:
        yield ignore
    else:
        yield plain_watcher(lambda line: click.echo(line, err=True), clock=monotonic)


def plain_watcher(write: Callable[[str], None], *, clock: Callable[[], float]) -> Watcher:
    """Return a watcher that writes a line when a stage begins or ends, and every few seconds between."""
    began: dict[str, tuple[float, int]] = {}
    shown: dict[str, float] = {}

    def watch(progress: Progress) -> None:
        now = clock()
        first = progress.stage not in began
        start, base = began.setdefault(progress.stage, (now, progress.done))
        if first or progress.done >= progress.total or now - shown[progress.stage] >= _LINE_EVERY_SECONDS:
            shown[progress.stage] = now
            write(_line(progress, now - start, progress.done - base))

    return watch


def _line(progress: Progress, seconds: float, done: int) -> str:
    rate = done / seconds if seconds > 0 and done > 0 else 0.0
    parts = [f"{progress.stage}: {progress.done}/{progress.total} {progress.unit}".rstrip()]
    if rate:
        parts.append(_("{rate} a second").format(rate=f"{rate:.3g}"))
    if rate and progress.done < progress.total:
        parts.append(_("{seconds} s left").format(seconds=math.ceil((progress.total - progress.done) / rate)))
    return ", ".join([*parts, progress.note] if progress.note else parts)


def _bar() -> Bar:
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}"), progress.BarColumn(), progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[unit]}"), progress.TextColumn("{task.fields[rate]}"),
        progress.TimeRemainingColumn(), progress.TextColumn("{task.fields[note]}"), console=Console(stderr=True),
    )  # fmt: skip


def _live(bar: Bar) -> Watcher:
    tasks: dict[str, TaskID] = {}

    def watch(progress: Progress) -> None:
        if progress.stage not in tasks:
            tasks[progress.stage] = bar.add_task(progress.stage, total=progress.total, unit="", rate="", note="")
        number = tasks[progress.stage]
        speed = next(task.speed for task in bar.tasks if task.id == number)
        rate = _("{rate} a second").format(rate=f"{speed:.3g}") if speed else ""
        bar.update(number, completed=progress.done, total=progress.total, unit=progress.unit, rate=rate, note=progress.note)

    return watch


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
