"""Many reviewers at once, and a server that is killed among them: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import review as load
from tools.postgres import Server


@pytest.mark.slow
def test_a_server_that_is_killed_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    check(tmp_path, seconds=10, kill_every=4)


@pytest.mark.slow
def test_reviewers_who_write_at_once_to_postgres_lose_nothing(
    tmp_path: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_STORE", postgres.new())
    check(tmp_path, seconds=10, kill_every=4)


def check(folder: Path, *, seconds: float, kill_every: float) -> None:
    workspace = load.workspace(folder)
    server = load.Server(workspace)
    server.start()
    tally = load.measure(server, load.Load(reviewers=8, seconds=seconds, pause_seconds=0.1), kill_every=kill_every)
    assert server.stop() == 0
    found = load.verify(workspace, tally)
    assert found["kept"] > 0
    assert (found["lost"], found["doubled"], found["never_sent"], found["verdicts_lost"]) == (0, 0, 0, 0)
    assert tally.away > 0  # it was away in the meantime
    assert not tally.refused
