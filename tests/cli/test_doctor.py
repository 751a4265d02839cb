"""What the doctor finds, and what it advises."""

from __future__ import annotations

import subprocess
from collections import namedtuple
from pathlib import Path

import pytest

from sayso.loop import doctor

Usage = namedtuple("Usage", "total used free")


def sign(name: str, folder: Path) -> doctor.Sign:
    return next(item for item in doctor.examine(folder) if item.name == name)


@pytest.mark.parametrize(("free", "state"), [(1e6, "fail"), (1e9, "warn"), (1e11, "ok")])
def test_little_disk_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: float, state: str) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _place: Usage(1e12, 0, free))
    found = sign("disk", tmp_path)
    assert found.state == state
    assert bool(found.advice) == (state != "ok")


def test_a_folder_that_cannot_be_written_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(**_given: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    found = sign("writable", tmp_path)
    assert (found.state, bool(found.advice)) == ("fail", True)


def test_a_folder_that_is_not_there_yet_is_judged_by_its_parent(tmp_path: Path) -> None:
    assert sign("writable", tmp_path / "not" / "yet").found == str(tmp_path)


def test_more_threads_than_cores_is_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: 10_000)
    assert sign("threads", tmp_path).advice.startswith("OMP_NUM_THREADS=")


def test_without_bubblewrap_there_is_no_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert sign("sandbox", tmp_path).state == "warn"


def test_a_bubblewrap_that_does_not_work_is_no_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_given: object, **_more: object) -> None:
        raise subprocess.CalledProcessError(1, "bwrap")

    monkeypatch.setattr("shutil.which", lambda _name: "bwrap")
    monkeypatch.setattr("subprocess.run", fail)
    assert sign("sandbox", tmp_path).state == "warn"
    monkeypatch.setattr("subprocess.run", lambda *_given, **_more: None)
    assert sign("sandbox", tmp_path).state == "ok"


def test_a_missing_package_fails_with_the_pip_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "_PACKAGES", ("no-such-package",))
    found = sign("no-such-package", tmp_path)
    assert (found.state, found.advice) == ("fail", "pip install sayso")
