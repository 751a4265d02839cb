"""A model's folder is written whole or not at all, and rubbish of runs that died does not stay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import SafetensorError

from sayso.errors import ModelError
from sayso.models.folders import write_whole


def filled(text: str) -> object:
    return lambda folder: (folder / "weights").write_text(text)


def test_what_was_there_is_replaced_in_one_step(tmp_path: Path) -> None:
    for text in ("first", "second"):
        write_whole(tmp_path / "model", filled(text))  # type: ignore[arg-type]
    assert (tmp_path / "model" / "weights").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), SafetensorError("I/O error: No space left")])
def test_a_full_disk_leaves_the_model_that_was_there_and_is_said(tmp_path: Path, error: Exception) -> None:
    write_whole(tmp_path / "model", filled("first"))  # type: ignore[arg-type]

    def fill(folder: Path) -> None:
        (folder / "weights").write_text("half")
        raise error

    with pytest.raises(ModelError, match=r"model: cannot be written \(.*No space left"):
        write_whole(tmp_path / "model", fill)
    assert (tmp_path / "model" / "weights").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_a_dead_process_left_half_written_is_removed_and_a_living_ones_stays(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    for pid in (gone.pid, os.getppid()):
        (tmp_path / f".model.new-{pid}").mkdir()
    write_whole(tmp_path / "model", filled("first"))  # type: ignore[arg-type]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".model.new-{os.getppid()}", "model"]
