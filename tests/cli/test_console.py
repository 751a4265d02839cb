"""What is drawn: progress as lines or as a bar, results as JSON that everybody can read."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from sayso.cli import console, takes
from sayso.loop.progress import Progress
from sayso.records import Evaluation, Rate, Take, Verdict


def lines_of(*reports: tuple[float, int]) -> list[str]:
    """Return what the plain watcher writes when told, at these seconds, that so much of 100 is done."""
    now = 0.0
    written: list[str] = []
    watch = console.plain_watcher(written.append, clock=lambda: now)
    for at, done in reports:
        now = at
        watch(Progress(stage="learn", done=done, total=100, unit="steps", note="loss 0.5"))
    return written


def test_the_first_and_the_last_report_are_always_written() -> None:
    assert lines_of((0.0, 1), (0.1, 100)) == ["learn: 1/100 steps, loss 0.5", "learn: 100/100 steps, 990 a second, loss 0.5"]


def test_between_them_a_line_is_written_every_few_seconds_with_rate_and_time_left() -> None:
    written = lines_of((0.0, 0), (1.0, 10), (4.9, 49), (6.0, 60), (7.0, 70), (10.0, 100))
    assert written[1] == "learn: 60/100 steps, 10 a second, 4 s left, loss 0.5"
    assert len(written) == 3


def test_stages_are_reported_apart() -> None:
    written: list[str] = []
    watch = console.plain_watcher(written.append, clock=lambda: 0.0)
    for stage in ("generate", "learn", "generate"):
        watch(Progress(stage=stage, done=1, total=9))
    assert written == ["generate: 1/9", "learn: 1/9"]


def test_on_a_terminal_there_is_a_bar_with_rate_and_note(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("rich.console.Console", lambda **_given: Console(file=screen, force_terminal=True, width=120))
    with console.watching(quiet=True) as watch:
        watch(Progress(stage="learn", done=5, total=10, unit="steps", note="loss 0.5"))
        watch(Progress(stage="learn", done=10, total=10, unit="steps", note="loss 0.4"))
    assert "10/10" in screen.getvalue()
    assert "loss 0.4" in screen.getvalue()


def test_with_json_and_no_terminal_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with console.watching(quiet=True) as watch:
        watch(Progress(stage="learn", done=1, total=1))
    assert capsys.readouterr() == ("", "")


def test_numbers_that_json_cannot_say_are_null(capsys: pytest.CaptureFixture[str]) -> None:
    console.emit({"a": float("nan"), "b": [float("inf"), 1.5], "c": "字"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": None, "b": [None, 1.5], "c": "字"}
    assert "字" in out


def test_a_take_is_drawn_with_its_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    rate = Rate(before=0.1, after=0.9, n=40, interval=(0.65, 0.9))
    take = Take(comment_id="c", text="Be [bold]brief[/bold].", take="took", inside=rate)
    verdict = Verdict(verdict="unsure", reason="Because.")
    takes.draw(Evaluation(id="e", champion="base", candidate="v1", takes=(take,), verdict=verdict))
    out = capsys.readouterr().out
    assert "+0.80 [+0.65, +0.90] n=40" in out
    assert "Be [bold]brief[/bold]." in out
    assert "Verdict: unsure. Because." in out


def test_every_take_and_verdict_has_a_word() -> None:
    words = ("took", "partly", "not", "spilled", "unmeasured", "promote", "refuse", "unsure")
    assert len({takes.named(word) for word in words}) == len(words)
