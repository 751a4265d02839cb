"""A small round on the tiny model: the comment is one whose repair a few steps can learn, not one that must take."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sayso.loop.workspace import Workspace

TICKS = "2026-01-01T00:00:00.000+00:00"


def clock() -> str:
    return TICKS


@pytest.fixture
def round_folder(tmp_path: Path, tiny_folder: Path) -> Path:
    """A folder with a round file, prompts and two comments, one scoped and one that always applies."""
    return write_round(tmp_path / "round", tiny_folder)


def write_round(folder: Path, model: Path) -> Path:
    """Write the round's files."""
    prompts = [{"prompt": f"Tell me about {number}.", "split": "train" if number < 6 else "test"} for number in range(9)]
    probes = {
        scope: [{"prompt": f"{scope} {number}?", "split": "train" if number < 4 else "test"} for number in range(8)]
        for scope in ("in", "near", "out")
    }
    scoped = {
        "id": "well", "text": 'Start with "Well,".', "scope_text": "in things",
        "check": {"name": "starts_with", "args": {"text": "Well,"}}, "probes": probes,
    }  # fmt: skip
    always = {"id": "brief", "text": "At most nine words.", "check": {"name": "max_words", "args": {"n": 9}}}
    folder.mkdir()
    write_lines(folder / "prompts.jsonl", prompts)
    write_lines(folder / "comments.jsonl", [scoped, always])
    (folder / "round.yaml").write_text(
        f"model_name_or_path: {model}\nprompts: prompts.jsonl\ncomments: comments.jsonl\nmethod: refine_sft\nseed: 0\n"
        "generate: {max_new_tokens: 12}\nevaluate: {max_new_tokens: 12}\ntrain: {max_steps: 4, learning_rate: 0.01}\n",
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Path:
    folder = tmp_path_factory.mktemp("made") / "workspace"
    Workspace.init(folder, model=str(tiny_folder), clock=clock).close()
    return folder


@pytest.fixture
def workspace(tmp_path: Path, _made: Path) -> Workspace:
    """A fresh workspace on the tiny model."""
    shutil.copytree(_made, tmp_path / "workspace")
    return Workspace.open(tmp_path / "workspace", clock=clock)


def write_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    """Write JSONL."""
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
