"""Work on sources that is written down as it goes, so that it can be stopped at any moment and goes on where it was.

The work is done in a folder beside the one that is wanted (`.NAME.working`), and takes its place when all is done. What was
asked is written down as its `key`; the folder of another question is not gone on with.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sayso.errors import SettingsError, StoreError
from sayso.text.files import opening, streams
from sayso.text.files.streams import BEGIN, Batch, Position, Reading, Source
from sayso.text.files.workers import ordered

Job = TypeVar("Job")
Line = dict[str, Any]
SHARD_BYTES = 32 << 20
REPORT = "report.json"
_KEY, _RESULT = "key.json", "result"


def key_of(verb: str, found: Sequence[Source], settings: Any, **more: Any) -> Line:
    """Return what names a question: the verb, what the sources hold, the settings."""
    prints = [[source.name, opening.print_of(source.path) if source.path else ""] for source in found]
    key = {"verb": verb, "sources": prints, "settings": dataclasses.asdict(settings), **more}
    plain: Line = json.loads(json.dumps(key))
    return plain


def finished(out: Path, key: Line) -> Line | None:
    """Return the report of a folder that answers this very question; None when there is nothing yet.

    Raises:
        SettingsError: the folder holds something else.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    try:
        report = json.loads((out / REPORT).read_text(encoding="utf-8"))
        if report["key"] == key:
            return dict(report)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise SettingsError(
        "{out!r} is there already and holds something else; nothing was changed. Name another --out, or move it away",
        out=str(out),
    )


def begin(out: Path, key: Line) -> Path:
    """Return the folder in which this question is worked on, with what was done before; that of another is emptied."""
    working = out.parent / f".{out.name}.working"
    with _refusing(working):
        if _read(working / _KEY) != key:
            shutil.rmtree(working, ignore_errors=True)
            (working / _RESULT).mkdir(parents=True)
            _put(working / _KEY, key)
    return working


def result_in(working: Path) -> Path:
    """Return the folder that will take the place of the one that is wanted."""
    return working / _RESULT


def finish(working: Path, out: Path, report: Line) -> None:
    """Write the report and put the result in its place."""
    with _refusing(out):
        _put(working / _RESULT / REPORT, report)
        if out.is_dir():
            out.rmdir()
        (working / _RESULT).rename(out)
        shutil.rmtree(working)


def carried_on(
    file: Path, work: Callable[[Job], Line], jobs: Callable[[Sequence[Line]], Iterable[Job]], *, workers: int
) -> Iterator[Line]:
    """Yield what came of each job, first of those that were done before. `jobs` makes those that are left."""
    done = _lines(file)
    yield from done
    with _refusing(file), file.open("a", encoding="utf-8") as journal:
        for line in ordered(work, jobs(done), workers=workers):
            journal.write(json.dumps(line, ensure_ascii=False) + "\n")
            journal.flush()
            os.fsync(journal.fileno())
            yield line


def groups(found: Sequence[Source], reading: Reading, *, start: Position = BEGIN) -> Iterator[list[Batch]]:
    """Yield batches of sources, some megabytes at a time; the same ones from the end of any group on."""
    group: list[Batch] = []
    size = 0
    for batch in streams.batches(found, reading, start=start):
        group.append(batch)
        size += batch.size
        if size >= SHARD_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def after(done: Sequence[Line]) -> Position:
    """Return where reading goes on after lines that say so in `end`."""
    return Position(*done[-1]["end"]) if done else BEGIN


def _lines(file: Path) -> list[Line]:
    """Return the lines that are whole; a last one that is not is taken away."""
    if not file.exists():
        return []
    found = file.read_text(encoding="utf-8")
    whole = found[: found.rfind("\n") + 1]
    if whole != found:
        file.write_text(whole, encoding="utf-8")
    return [json.loads(line) for line in whole.split("\n")[:-1]]


def _read(path: Path) -> Line | None:
    try:
        found: Line = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _put(path: Path, found: Mapping[str, Any]) -> None:
    writing = path.with_name(f".{path.name}.writing")
    writing.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    writing.replace(path)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Say in one line that the disk refused."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError("{path!r} cannot be written: {reason}", path=str(path), reason=reason) from error
