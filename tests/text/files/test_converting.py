"""Records go from format to format and back and are the same; what a format cannot hold is said."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import RecordError, SettingsError, StoreError
from sayso.text.files import converting, opening, streams
from sayso.text.files.shards import Shards
from sayso.text.files.streams import Reading, Record

READING = Reading(txt="line")


def put(folder: Path, ending: str, rows: list[dict[str, Any]], *, lossy: bool = False) -> list[str]:
    found = opening.ending_of(f"x.{ending}")
    assert found is not None
    with Shards(folder, found, lossy=lossy) as shards:
        shards.write([Record(where=f"rows:{number}", fields=row) for number, row in enumerate(rows, start=1)])
        shards.roll()
        return [item.what for item in shards.losses()]


def got(folder: Path) -> list[dict[str, Any]]:
    return [record.fields for record in streams.records(streams.sources([folder]), READING)]


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=6).filter(str.strip)
WORDS = st.text(st.characters(codec="utf-8"), max_size=30)


@settings(max_examples=25, deadline=None)
@given(
    columns=st.lists(NAMES, min_size=1, max_size=3, unique=True), data=st.data(),
    ending=st.sampled_from(["jsonl", "jsonl.gz", "jsonl.zst", "csv", "csv.gz", "tsv", "tsv.zst", "parquet"]),
)  # fmt: skip
def test_rows_of_strings_survive_every_format(
    columns: list[str], data: st.DataObject, ending: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(columns, WORDS)), min_size=1, max_size=5))
    folder = tmp_path_factory.mktemp("rows") / "out"
    assert put(folder, ending, rows) == []
    assert got(folder) == rows


def test_a_whole_circle_of_formats_ends_where_it_began(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"text": "one\\n\\"two\\"", "label": "x"}\n{"text": "三, 四", "label": ""}\n', encoding="utf-8"
    )
    before = tmp_path / "a.jsonl"
    for name in ("b.csv", "c.parquet", "d.tsv.gz", "e.jsonl.zst", "f.jsonl"):
        done = converting.into_file(streams.sources([before]), tmp_path / name, reading=READING)
        assert (done.records, done.lost) == (2, ())
        before = tmp_path / name
    assert before.read_bytes() == (tmp_path / "a.jsonl").read_bytes()


def test_types_survive_parquet(tmp_path: Path) -> None:
    rows = [{"n": 1, "x": 0.5, "yes": True, "list": [1, 2], "deep": {"a": "b"}, "none": None}] * 3
    assert put(tmp_path / "out", "parquet", rows) == []
    assert got(tmp_path / "out") == rows


@pytest.mark.parametrize(
    ("ending", "row", "expected"),
    [
        ("csv", {"text": "a", "n": 1}, "rows:2: the int in 'n': csv cannot hold it"),
        ("tsv.gz", {"text": "a", "n": None}, "the NoneType in 'n': tsv.gz cannot hold it"),
        ("csv", {"text": "a"}, "that 'n' is not there: csv cannot"),
        ("txt", {"text": "a", "n": "b"}, "the field 'n': txt cannot"),
        ("parquet", {"text": "a"}, "that 'n' is not there: parquet cannot"),
        ("jsonl", {"text": "a", "n": b"bytes"}, "the bytes in 'n': jsonl cannot"),
        ("jsonl", {"n": {"when": [dt.date(2026, 1, 2)]}}, "the date in 'n.when': jsonl cannot"),
        ("jsonl", {"n": float("nan")}, "the float in 'n': jsonl cannot"),
    ],
)
def test_what_a_format_cannot_hold_is_an_error_that_names_record_and_field(
    tmp_path: Path, ending: str, row: dict[str, Any], expected: str
) -> None:
    with pytest.raises(RecordError) as caught:
        put(tmp_path / "out", ending, [{"text": "a", "n": "b"} if ending != "txt" else {"text": "a"}, row])
    assert expected in str(caught.value)
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


def test_what_is_let_go_is_counted(tmp_path: Path) -> None:
    rows = [{"text": "a\nb", "n": 1}, {"text": "c", "n": [1, {"k": None}]}]
    assert put(tmp_path / "csv", "csv", rows, lossy=True) == ["the int in 'n'", "the list in 'n'"]
    assert got(tmp_path / "csv") == [{"text": "a\nb", "n": "1"}, {"text": "c", "n": '[1, {"k": null}]'}]
    assert put(tmp_path / "txt", "txt", [*rows, {"text": " "}], lossy=True) == [
        "the field 'n'", "line breaks within a document", "a record without words in 'text'",
    ]  # fmt: skip
    assert got(tmp_path / "txt") == [{"text": "a b"}, {"text": "c"}]
    put(tmp_path / "json", "jsonl", [{"n": b"hi", "at": dt.date(2026, 1, 2)}], lossy=True)
    assert got(tmp_path / "json") == [{"n": "aGk=", "at": "2026-01-02"}]


def test_a_field_of_several_types_is_no_column_of_parquet(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="rows:1 to rows:2: a field holds values of several types"):
        put(tmp_path / "out", "parquet", [{"n": 1}, {"n": "one"}])


def test_a_file_is_never_written_over_another(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n', encoding="utf-8")
    (tmp_path / "b.csv").write_text("mine", encoding="utf-8")
    found = streams.sources([tmp_path / "a.jsonl"])
    with pytest.raises(SettingsError, match="is there already; nothing was changed"):
        converting.into_file(found, tmp_path / "b.csv", reading=READING)
    for name in ("c.docx", "c.html"):
        with pytest.raises(SettingsError, match="cannot be written; expected"):
            converting.into_file(found, tmp_path / name, reading=READING)
    assert (tmp_path / "b.csv").read_text(encoding="utf-8") == "mine"


def test_nothing_half_written_is_left_when_a_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a", "n": 1}\n', encoding="utf-8")
    with pytest.raises(RecordError, match="cannot hold it"):
        converting.into_file(streams.sources([tmp_path / "a.jsonl"]), tmp_path / "b.csv", reading=READING)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_no_records_make_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    assert converting.into_file(streams.sources([tmp_path / "a.jsonl"]), tmp_path / "b.jsonl", reading=READING).records == 0
    assert (tmp_path / "b.jsonl").read_bytes() == b""


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        put(tmp_path / "file" / "out", "jsonl", [{"text": "a"}])


def test_packed_files_are_the_same_bytes_whenever_they_are_written(tmp_path: Path) -> None:
    for ending in ("jsonl.gz", "jsonl.zst", "csv.gz", "parquet"):
        put(tmp_path / f"one-{ending}", ending, [{"text": "a"}])
        put(tmp_path / f"two-{ending}", ending, [{"text": "a"}])
        one, two = ((tmp_path / f"{name}-{ending}" / f"part-00000.{ending}").read_bytes() for name in ("one", "two"))
        assert one == two
