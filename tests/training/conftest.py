"""Rows to learn from, and a tiny model made ready to learn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.contracts.method import examples

from sayso.methods.refine_sft import RefineSft
from sayso.training.engine.optimizer import prepare


@pytest.fixture(scope="session")
def ready(tiny_copy):
    """Makes a fresh tiny model ready as settings want it."""
    return lambda settings: prepare(tiny_copy(), settings)


@pytest.fixture(scope="session")
def _rows(tiny_copy):
    return list(RefineSft().rows(examples(), tiny_copy()))


@pytest.fixture
def rows(_rows):
    return list(_rows)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Seventy-two labelled texts, of two classes that a word gives away."""
    words = {"good": ("lovely", "kind", "warm"), "bad": ("awful", "rude", "cold")}
    lines = [
        json.dumps({"text": f"a {word} thing {n}", "label": label})
        for n in range(12) for label, some in words.items() for word in some
    ]  # fmt: skip
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join(lines))
    return path
