from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from sayso import registry
from sayso.critics import CHECKS, CRITICS, REFINERS
from sayso.critics.checking import REPAIRS
from sayso.critics.words import Understood, check_from_words

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "checks.md").read_text(encoding="utf-8")
ROWS = {
    cells[0].strip("` "): cells[1:]
    for cells in (line.strip("|").split(" | ") for line in PAGE.splitlines() if line[:3] == "| `")
}


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_is_documented_with_its_arguments_and_its_repair(name: str) -> None:
    arguments, _holds, repair = ROWS[name]
    parameters = list(inspect.signature(registry.load(CHECKS, name, kind="check")).parameters)[1:]
    assert re.findall(r"`(\w+)`", arguments) == parameters
    assert (repair.strip(" |") != "none") == (name in REPAIRS)


def test_only_checks_that_exist_are_documented() -> None:
    assert set(ROWS) == set(CHECKS)


def test_the_comments_on_the_page_are_read_as_it_says() -> None:
    rows = [
        line.strip("|").split("|") for line in PAGE.split("From a comment in plain words")[1].splitlines() if line[:1] == "|"
    ][2:]
    for words, name, scope in rows:
        found = check_from_words(words.strip())
        if isinstance(found, Understood):
            assert (f"`{found.check.name}`", found.scope_text) == (name.strip(), scope.strip())
        else:
            assert "not understood" in name


@pytest.mark.parametrize(
    ("table", "name"), [(table, name) for table in (CHECKS, CRITICS, REFINERS, REPAIRS) for name in table]
)
def test_every_name_of_the_room_can_be_loaded_and_says_what_it_does(table: dict[str, str], name: str) -> None:
    assert registry.load(table, name, kind="thing").__doc__
