"""The page of figures says what the newest results hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tools import performance


def test_the_page_is_fresh() -> None:
    assert performance.main(["--check"]) == 0


def test_a_page_that_says_something_else_is_found_and_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performance, "PAGE", tmp_path / "performance.md")
    assert performance.main(["--check"]) == 1
    assert performance.main() == 0
    assert performance.main(["--check"]) == 0


def test_the_last_day_is_drawn_and_what_a_benchmark_did_not_say_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performance, "RESULTS", tmp_path)
    for day, speed in (("2026-01-02", 2.0), ("2026-01-10", 3.0)):
        lines = [{"machine": "a machine"}, {"command": "python benchmarks/train.py", "result": {"speedup_vs_trl": speed}}]
        (tmp_path / f"{day}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = performance.page(performance.newest())
    assert "Measured on 2026-01-10, a machine." in text
    assert "| speed against TRL as it comes | 3.00 × |" in text
    assert "memory" not in text
