"""Every sentence a user may see is translated, and the check that says so can fail."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from tools import messages

from sayso import errors, i18n
from sayso.errors import RecordError


def found_in(source: str, *, cli: bool = False) -> list[str | tuple[str, str]]:
    return [text for node in ast.walk(ast.parse(source)) for text in messages._messages(node, cli=cli)]


def faults_of(original: str, translation: str, *, fuzzy: bool = False) -> list[str]:
    catalogue = Catalog(locale="zh")
    catalogue.add(original, translation, flags={"fuzzy"} if fuzzy else ())
    return list(messages.faults(catalogue))


def test_every_sentence_is_translated_and_the_catalogues_are_fresh() -> None:
    assert messages.check() == []


def test_sentences_are_found_in_calls_and_errors() -> None:
    source = '_("one")\nraise errors.RecordError("two {x}", x=_("three"))\ngettext("fo" "ur")\nngettext("a", "b", 2)'
    assert sorted(map(str, found_in(source))) == ["('a', 'b')", "four", "one", "three", "two {x}"]


def test_every_error_of_ours_is_looked_through() -> None:
    ours = {name for name, found in vars(errors).items() if isinstance(found, type) and issubclass(found, errors.SaysoError)}
    assert ours == messages.ERRORS


def test_help_is_found_in_the_command_line_only() -> None:
    source = '@verb\n@option("--x", help="about x")\ndef command():\n    """Do it.\n\n    Now.\n    """'
    assert sorted(map(str, found_in(source, cli=True))) == ["Do it.\n\nNow.", "about x"]
    assert found_in(source) == []


def test_a_sentence_that_is_no_literal_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text('raise StoreError(f"{x} is wrong")\n_("a" + b)\n', encoding="utf-8")
    found = messages.Found()
    messages._python(tmp_path / "bad.py", "bad.py", found)
    assert [fault.split(":")[1] for fault in found.faults] == ["1", "2"]


@pytest.mark.parametrize(
    ("original", "translation", "fault"),
    [
        ("yes", "", "not translated"),
        ("{a} and {b}", "{a}", "other fields"),
        ("{a}", "{b}", "other fields"),
        ("{a}", "{a", "other"),
    ],
)
def test_a_poor_translation_is_a_fault(original: str, translation: str, fault: str) -> None:
    assert [item for item in faults_of(original, translation) if item.startswith(fault)]


def test_a_fuzzy_translation_is_a_fault_and_a_good_one_is_none() -> None:
    assert faults_of("{a} and {b}", "{b}，{a}") == []
    assert faults_of("yes", "是", fuzzy=True)


def test_an_error_is_said_in_the_users_language() -> None:
    error = RecordError("{where}: there is no such file; expected a JSONL file", where="a.jsonl")
    english = i18n.say(error)
    i18n.use("zh")
    try:
        assert i18n.say(error) != english
        assert "a.jsonl" in i18n.say(error)
    finally:
        i18n.use(None)
