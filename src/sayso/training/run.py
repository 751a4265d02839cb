"""The run folder: `metrics.jsonl`, a line a step, and `settings.json`, what the run was started with."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sayso.errors import StoreError
from sayso.training.engine import distributed
from sayso.training.steps import Step

METRICS = "metrics.jsonl"
SETTINGS = "settings.json"


def keep(steps: Iterator[Step], folder: Path, *, settings: Mapping[str, Any] | None = None) -> Iterator[Step]:
    """Pass step records through and append each to `metrics.jsonl`, flushed line by line.

    A resumed run first cuts the file back to where it is taken up, so that no step stands in it twice. `settings` (of any
    kind: method, train, guard …; dataclasses are written as their fields) goes to `settings.json`. Of several processes the
    first alone writes.

    Raises:
        StoreError: the disk refused.
    """
    if not distributed.here().first:
        yield from steps
        return
    with said(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if settings is not None:
            write_whole(folder / SETTINGS, json.dumps(_plain(settings), indent=1, ensure_ascii=False) + "\n")
    for number, record in enumerate(steps):
        with said(folder):
            if number == 0:
                _cut(folder / METRICS, record.step)
            with (folder / METRICS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(dataclasses.asdict(record)) + "\n")
        yield record


@contextmanager
def said(folder: Path) -> Iterator[None]:
    """Say in one line why a run folder cannot be written."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            "the run folder {path!r} cannot be written: {reason}; what stands in it is whole. Put that right, then run the "
            "same command again: it goes on from the newest checkpoint",
            path=str(folder), reason=str(error),
        ) from error  # fmt: skip


def read(folder: Path) -> list[dict[str, Any]]:
    """Return the records of `metrics.jsonl`; a half-written last line is left out."""
    path = folder / METRICS
    return _whole_lines(path) if path.exists() else []


def _cut(path: Path, step: int) -> None:
    if path.exists():
        before = [record for record in _whole_lines(path) if record["step"] < step]
        write_whole(path, "".join(json.dumps(record) + "\n" for record in before))


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    lines = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines[:-1] if line]


def write_whole(path: Path, text: str) -> None:
    """Write a text file beside its place, flush it to disk and rename it."""
    writing = path.with_name(path.name + ".writing")
    try:
        with writing.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        writing.replace(path)
    except OSError:
        with suppress(OSError):
            writing.unlink()
        raise


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
