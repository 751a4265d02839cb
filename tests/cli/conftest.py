"""A workspace with a tiny model and a few comments, and the command line called in this process or in a fresh one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sayso.cli.main import group
from sayso.loop.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a call of the command line came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The last line of stdout, which is the one JSON object."""
        found = json.loads(self.out.strip().splitlines()[-1])
        assert isinstance(found, dict)
        return found


Call = Callable[..., Said]


@pytest.fixture
def sayso(monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the command line in this process; an exception that is no exit is a bug, and fails the test."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"):
        monkeypatch.setenv(name, "C")
    monkeypatch.setenv("SAYSO_LANG", "en")

    def call(*words: str | Path) -> Said:
        done = CliRunner().invoke(group, [str(word) for word in words])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Said(code=done.exit_code, out=done.stdout, err=done.stderr)

    return call


def fresh(*words: str | Path, environment: Mapping[str, str] | None = None, **settings: Any) -> Said:
    """Call the command line in a fresh process."""
    command = [sys.executable, "-c", "from sayso.cli.main import main; main()", *map(str, words)]
    given = {**os.environ, "SAYSO_LANG": "en", "LC_ALL": "C.UTF-8", **(environment or {})}
    settings = {"capture_output": True, "timeout": 120, **settings}
    done = subprocess.run(command, text=True, env=given, **settings)
    return Said(code=done.returncode, out=done.stdout or "", err=done.stderr or "")


def words_of(topic: str, count: int) -> list[dict[str, str]]:
    """Give probes of a topic, each wording a family of its own."""
    return [{"prompt": f"{topic} {number}?", "family": f"{topic}-{number}"} for number in range(count)]


COMMENTS = [
    {"id": "short", "text": "Answer in at most five words.", "check": {"name": "max_words", "args": {"n": 5}},
     "scope_text": "plans", "probes": {"in": words_of("plan", 6), "near": words_of("past", 4), "out": words_of("sky", 6)}},
    {"id": "thanks", "text": "Start with thanks.", "check": {"name": "starts_with", "args": {"text": "Thanks!"}},
     "scope_text": "gifts", "probes": {"in": words_of("gift", 6), "near": words_of("sale", 4), "out": words_of("sea", 6)}},
]  # fmt: skip


@pytest.fixture(scope="session")
def comments_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two standing comments with probes."""
    path = tmp_path_factory.mktemp("files") / "comments.jsonl"
    path.write_text("".join(json.dumps(comment) + "\n" for comment in COMMENTS), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path, comments_file: Path) -> Path:
    """A workspace with the tiny model, the comments, and short answers in its settings; never written to again."""
    from sayso.store import exchange

    folder = tmp_path_factory.mktemp("made") / "workspace"
    workspace = Workspace.init(folder, model=str(tiny_folder))
    exchange.import_comments(workspace.store, comments_file)
    workspace.close()
    settings = folder / "sayso.yaml"
    few = "generate: {max_new_tokens: 4}\nevaluate: {max_new_tokens: 4}\nrefine: {refiners: [given, edit]}\n"
    quick = "train: {max_steps: 2, lora_r: 2}\n"
    settings.write_text(settings.read_text(encoding="utf-8") + few + quick, encoding="utf-8")
    return folder


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    """A copy of the workspace for one test."""
    folder = tmp_path / "workspace"
    shutil.copytree(made, folder)
    return folder


@pytest.fixture(scope="session")
def measured(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace after one candidate was trained and evaluated; never written to again."""
    folder = tmp_path_factory.mktemp("measured") / "workspace"
    shutil.copytree(made, folder)
    workspace = Workspace.open(folder)
    workspace.generate()
    workspace.refine()
    workspace.learn()
    workspace.evaluate()
    workspace.close()
    return folder


@pytest.fixture
def evaluated(measured: Path, tmp_path: Path) -> Path:
    """A copy of the evaluated workspace for one test."""
    folder = tmp_path / "evaluated"
    shutil.copytree(measured, folder, symlinks=True)
    return folder


def prints_of(folder: Path) -> dict[str, str]:
    """Return the hash of every file below a folder; SQLite's own side files come and go."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }
