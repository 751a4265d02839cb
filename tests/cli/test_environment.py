"""The command line settles what the libraries underneath read, where the user has not; the library never does."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sayso.cli import main as entry
from sayso.cli.environment import settled


def test_threads_soon_sleep_while_they_wait_and_large_tensors_lie_on_large_pages() -> None:
    assert settled({"HOME": "/home"}) == {"GOMP_SPINCOUNT": "1000", "THP_MEM_ALLOC_ENABLE": "1"}


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"])
def test_a_users_own_way_to_wait_wins(name: str) -> None:
    assert settled({name: "active"}) == {"THP_MEM_ALLOC_ENABLE": "1"}


def test_a_users_own_pages_win() -> None:
    assert settled({"THP_MEM_ALLOC_ENABLE": "0"}) == {"GOMP_SPINCOUNT": "1000"}


def test_it_is_settled_before_a_verb_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(os, "environ", {"OMP_WAIT_POLICY": "active"})
    monkeypatch.setattr(entry, "group", lambda **_named: seen.append(dict(os.environ)))
    entry.main()
    assert seen == [{"OMP_WAIT_POLICY": "active", "THP_MEM_ALLOC_ENABLE": "1"}]


def test_importing_leaves_the_environment_alone() -> None:
    code = "import os; before = dict(os.environ); import sayso, sayso.cli.main; assert before == dict(os.environ)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
