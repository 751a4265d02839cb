"""Files of every usual form become records; what is missing is named where it should stand."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from sayso.errors import NotFoundError, RecordError
from sayso.tasks import sources
from sayso.text.files.streams import Record


def test_lines_that_belong_together_are_read_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("one\ntwo\n", encoding="utf-8")
    with gzip.open(tmp_path / "a.de.gz", "wt", encoding="utf-8") as file:
        file.write("eins\nzwei\n")
    partner = sources.beside(tmp_path / "a.en", ".en", ".de")
    found = list(sources.side_by_side(tmp_path / "a.en", partner))
    assert [(left, right) for _where, left, right in found] == [("one", "eins"), ("two", "zwei")]
    assert found[1][0].endswith("a.en:2")


@pytest.mark.parametrize(("left", "right", "short"), [("1\n2\n", "1\n", "right"), ("1\n", "1\n2\n", "left")])
def test_the_shorter_of_two_files_is_named(tmp_path: Path, left: str, right: str, short: str) -> None:
    (tmp_path / "left").write_text(left, encoding="utf-8")
    (tmp_path / "right").write_text(right, encoding="utf-8")
    with pytest.raises(RecordError, match=f"{short}: ends after line 1"):
        list(sources.side_by_side(tmp_path / "left", tmp_path / "right"))


def test_a_file_without_its_partner_says_which_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("one\n", encoding="utf-8")
    with pytest.raises(NotFoundError, match=r"expected a file 'a\.de'"):
        sources.beside(tmp_path / "a.en", ".en", ".de")


def test_broken_json_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"data":\n [}', encoding="utf-8")
    with pytest.raises(RecordError, match=r"a\.json:2: is not valid JSON"):
        sources.document(tmp_path / "a.json")


def test_a_name_that_is_no_file_says_what_could_be_meant() -> None:
    with pytest.raises(NotFoundError, match="expected a path, hf:owner/name of a data set, or one of dialogsum"):
        list(sources.records("nowhere.jsonl", known={"dialogsum": sources.Named(hub="a/b")}))


def test_a_missing_field_says_what_was_found() -> None:
    record = Record(where="a.jsonl:3", fields={"words": "hello"})
    with pytest.raises(RecordError, match=r"a\.jsonl:3: found the keys words; expected a text under one of text, body"):
        sources.given(record, ("text", "body"), meaning="a text")
    assert sources.given(Record(where="x", fields={"body": " hello "}), ("text", "body"), meaning="a text") == "hello"


def test_several_texts_come_from_a_list() -> None:
    record = Record(where="a.jsonl:3", fields={"answers": ["one", "two"]})
    assert sources.all_given(record, ("answer", "answers"), meaning="an answer") == ("one", "two")
    with pytest.raises(RecordError, match="found 7, expected text"):
        sources.all_given(Record(where="a", fields={"answers": ["one", 7]}), ("answers",), meaning="an answer")
