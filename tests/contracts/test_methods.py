"""Every method of the table holds the contract, and is documented as it is."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from tests.contracts.method import CHECKS

from sayso.methods import METHODS
from sayso.models import local
from sayso.registry import load

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_method(name, check, tiny_folder):
    check(load(METHODS, name, kind="method")(), lambda: local.load(tiny_folder, device="cpu"))


@pytest.mark.parametrize("name", METHODS)
def test_the_page_lists_every_setting_with_its_default(name):
    page = (ROOT / "docs" / "methods" / f"{name}.md").read_text(encoding="utf-8")
    method = load(METHODS, name, kind="method")()
    table = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", page, flags=re.MULTILINE))
    assert table == {field.name: str(getattr(method, field.name)) for field in dataclasses.fields(method)}


def test_every_file_of_the_room_is_in_the_table_and_on_the_index_page():
    files = {path.stem for path in (ROOT / "src" / "sayso" / "methods").glob("*.py")} - {"__init__"}
    assert files == set(METHODS)
    index = (ROOT / "docs" / "methods" / "index.md").read_text(encoding="utf-8")
    assert [name for name in METHODS if f"({name}.md)" not in index] == []
