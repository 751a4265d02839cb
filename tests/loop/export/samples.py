"""Data sets of every method, made of the contract's examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.contracts.method import anchor, examples

from sayso.loop.export import reading, writing
from sayso.loop.export.reading import DataSet
from sayso.loop.learning import Material, method_of
from sayso.loop.settings import Settings
from sayso.records import Example
from sayso.store.bridges.results import Written
from sayso.training.settings import Train


def data_set(folder: Path, method: str | dict[str, Any], *, train: Train | None = None, **more: Any) -> DataSet:
    """Return what a method would learn from the contract's examples; `inside`, `near` and `out` lay others over them."""
    settings = Settings(method=method, train=train or Train())
    inside: list[Example] = more.get("inside", examples(6))
    held = {scope: [anchor(scope, number) for number in range(3)] for scope in ("near", "out")}
    material = Material(
        examples=tuple(inside), near=tuple(more.get("near", held["near"])), out=tuple(more.get("out", held["out"])),
        unrefined=0, left_out=0,
    )  # fmt: skip
    return reading.read_material(method_of(settings), material, settings, (str(folder), more.get("adapter", "")))


def written(found: DataSet, tool: str, folder: Path) -> Written:
    """Write a data set for a trainer."""
    return writing.tool(tool)(found, folder)


def lines(path: Path) -> list[dict[str, Any]]:
    """Read JSONL."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
