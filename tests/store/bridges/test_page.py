"""The page on bridges names every format, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from sayso.store.bridges import EXPORTERS, IMPORTERS
from sayso.store.bridges.guessing import OURS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "bridges.md"


def named(heading: str) -> set[str]:
    """The formats in the first column of the table under a heading."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_the_page_names_every_format_that_comes_in() -> None:
    assert named("In") == {OURS, *IMPORTERS}


def test_the_page_names_every_format_that_goes_out() -> None:
    assert named("Out") == {OURS, *EXPORTERS}
