"""Errors keep template and fields apart."""

from __future__ import annotations

import pickle

from sayso import i18n
from sayso.errors import RecordError


def test_an_error_says_its_sentence_with_the_values():
    assert str(RecordError("{where}: found {found!r}", where="a:1", found=7)) == "a:1: found 7"


def test_a_template_without_fields_is_said_as_it_is():
    assert str(RecordError("a {brace} stays")) == "a {brace} stays"


def test_an_error_survives_pickling():
    again = pickle.loads(pickle.dumps(RecordError("x {a}", a=1)))
    assert (type(again), str(again)) == (RecordError, "x 1")


def test_the_language_is_the_chosen_one_else_the_environments(monkeypatch):
    monkeypatch.setenv("SAYSO_LANG", "zh_CN")
    assert i18n.language() == "zh"
    i18n.use("en")
    try:
        assert i18n.language() == "en"
    finally:
        i18n.use(None)
