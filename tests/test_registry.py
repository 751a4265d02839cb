"""Names become things."""

from __future__ import annotations

import pytest

from sayso.errors import NotFoundError
from sayso.registry import load

TABLE = {"path": "pathlib:Path", "broken": "pathlib:NoSuchThing"}


def test_a_name_in_the_table_is_loaded():
    from pathlib import Path

    assert load(TABLE, "path", kind="thing") is Path


def test_an_outside_module_and_name_is_loaded():
    from collections import OrderedDict

    assert load(TABLE, "collections:OrderedDict", kind="thing") is OrderedDict


def test_a_near_miss_gets_a_suggestion():
    with pytest.raises(NotFoundError, match="did you mean 'path'"):
        load(TABLE, "pth", kind="thing")


def test_a_name_far_from_all_lists_the_known_ones():
    with pytest.raises(NotFoundError, match="expected one of broken, path"):
        load(TABLE, "zzzzzz", kind="thing")


@pytest.mark.parametrize("name", ["no_such_module:Thing", "pathlib:Nothing"])
def test_an_outside_name_that_cannot_be_imported_is_a_clear_error(name: str):
    with pytest.raises(NotFoundError, match="could not be imported"):
        load(TABLE, name, kind="thing")


def test_a_broken_entry_of_our_own_is_our_bug_and_not_hidden():
    with pytest.raises(AttributeError):
        load(TABLE, "broken", kind="thing")
