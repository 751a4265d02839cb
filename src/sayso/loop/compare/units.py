"""The units of a comparison, a method at a seed each: those that have no file yet are done, here or a process a device."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sayso.errors import StoreError
from sayso.i18n import gettext as _
from sayso.loop import Watcher
from sayso.loop.compare import trying
from sayso.loop.compare.budgets import Pace
from sayso.loop.compare.trying import Entry, Ring, Unit
from sayso.loop.learning import Material
from sayso.loop.processes import in_processes
from sayso.loop.progress import Progress, ignore
from sayso.loop.workspace import write_whole
from sayso.records import identity


def units_of(
    entries: Sequence[Entry],
    seeds: Sequence[int],
    materials: Mapping[str, Material],
    paces: Mapping[str, Pace],
    folder: Path,
    *,
    keep: bool,
) -> list[Unit]:
    """Return all units, seed by seed, those that are done included."""
    return [
        Unit(
            entry=entry, seed=seed, material=materials[entry.label], file=file_of(folder, entry, seed),
            pace=paces.get(entry.label),
            weights=folder / "models" / f"{slug(entry.label)}.s{seed}" if keep else None,
        )
        for seed in seeds
        for entry in entries
        if entry.label in materials
    ]  # fmt: skip


def do(ring: Ring, units: Sequence[Unit], places: Sequence[str], watch: Watcher) -> None:
    """Do every unit that has no file yet: one after another, or a process a device."""
    waiting = [unit for unit in units if not is_done(unit)]
    done = len(units) - len(waiting)
    watch(Progress(stage=_("compare"), done=done, total=len(units), unit=_("units")))
    for unit in _worked(ring, waiting, places, watch):
        done += 1
        watch(Progress(stage=_("compare"), done=done, total=len(units), unit=_("units"), note=unit.name))


def is_done(unit: Unit) -> bool:
    """Return whether a unit has its file, and its weights where they are to be kept."""
    return unit.file.is_file() and (unit.weights is None or unit.weights.is_dir())


def _worked(ring: Ring, units: Sequence[Unit], places: Sequence[str], watch: Watcher) -> Iterator[Unit]:
    if len(places) <= 1 or len(units) <= 1:
        for unit in units:
            work(ring, unit, watch)
            yield unit
        return
    queue = multiprocessing.get_context("spawn").Queue()
    for place in places:
        queue.put(place)
    yield from in_processes(partial(work, ring), units, len(places), begin=_take_place, given=(queue,))


def work(ring: Ring, unit: Unit, watch: Watcher = ignore) -> None:
    """Do one unit and write its file, whole or not at all."""
    write_json(unit.file, trying.attempt(ring, unit, watch))


def _take_place(queue: Any) -> None:
    """Let this process see one device alone; said before torch looks for devices."""
    os.environ["CUDA_VISIBLE_DEVICES"] = queue.get()


def cuda() -> list[str]:
    """Return the names of the CUDA devices that this process may use."""
    import torch

    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()
    return [name.strip() for name in given.split(",")][:count] if given else [str(number) for number in range(count)]


def file_of(folder: Path, entry: Entry, seed: int) -> Path:
    """Return the file of a unit."""
    return folder / "units" / f"{slug(entry.label)}.s{seed}.json"


def slug(label: str) -> str:
    """Return a label as part of a file's name; two labels never have the same."""
    plainly = "".join(letter if letter.isalnum() or letter in "_.=-" else "-" for letter in label)
    return plainly if plainly == label else f"{plainly}-{identity(label)[:6]}"


def write_json(path: Path, form: Any) -> None:
    """Write a file, whole or not at all.

    Raises:
        StoreError: the disk refused.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(form, ensure_ascii=False) + "\n")
    except OSError as error:
        raise StoreError("{path!r} cannot be written: {reason}", path=str(path), reason=error.strerror) from error
