"""Records from every format, whole or from the middle on; and what is wrong in a file, by its line."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import MissingExtraError, NotFoundError, RecordError
from sayso.text.files import hub, opening, streams
from sayso.text.files.streams import Reading, Record

ROWS = [
    {"text": f'line {number}\nof a {"long " * (number % 7)}text, with "quotes"', "n": str(number)} for number in range(50)
]


def read(*paths: Path, **settings: Any) -> list[Record]:
    reading = Reading(**settings)
    return list(streams.records(streams.sources(list(paths), reading), reading))


def fields(*paths: Path, **settings: Any) -> list[dict[str, Any]]:
    return [record.fields for record in read(*paths, **settings)]


def written(path: Path, rows: list[dict[str, Any]] = ROWS) -> Path:
    """Write rows as the ending says, by other means than ours."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=7)
        return path
    if ".jsonl" in path.name:
        found = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        sign = "\t" if ".tsv" in path.name else ","
        quoted = [[cell.replace('"', '""') for cell in row.values()] for row in rows]
        found = "\n".join([sign.join(rows[0]), *(sign.join(f'"{cell}"' for cell in row) for row in quoted)]) + "\n"
    pack = {".gz": gzip.compress, ".zst": opening.zstd().compress}.get(path.suffix, bytes)
    path.write_bytes(pack(found.encode()))
    return path


FILES = [f"a.{kind}{packed}" for kind in ("jsonl", "csv", "tsv") for packed in ("", ".gz", ".zst")] + ["a.parquet"]


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_records(tmp_path: Path, name: str) -> None:
    assert fields(written(tmp_path / name)) == ROWS


@pytest.mark.parametrize("name", [*FILES, "a.txt", "a.txt.zst"])
def test_reading_goes_on_from_the_end_of_any_batch(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BATCH_BYTES", 200)
    monkeypatch.setattr(streams, "BATCH_ROWS", 4)
    path = tmp_path / name
    if ".txt" in name:
        found = "".join(f"line {number} of it\n" for number in range(100)).encode()
        path.write_bytes(opening.zstd().compress(found) if name.endswith(".zst") else found)
    else:
        written(path)
    reading = Reading(txt="line")
    sources = streams.sources([path], reading)
    whole = [(record.where, record.fields) for record in streams.records(sources, reading)]
    batches = list(streams.batches(sources, reading))
    assert len(batches) > 5
    done = 0
    for batch in batches:
        done += len(list(streams.parse(batch, reading)))
        rest = streams.records(sources, reading, start=batch.end)
        assert [(record.where, record.fields) for record in rest] == whole[done:]
    for one, two in pairwise(batches):
        again = next(streams.batches(sources, reading, start=one.end))
        assert (again.number, again.end, again.size) == (two.number, two.end, two.size)


def test_where_a_record_stands_is_its_line_or_its_row(tmp_path: Path) -> None:
    csv = tmp_path / "a.csv"
    csv.write_text('text\n"two\nlines"\nthird\n', encoding="utf-8")
    jsonl = tmp_path / "a.jsonl"
    jsonl.write_text('{"text": "a"}\n\n{"text": "b"}\n', encoding="utf-8")
    parquet = written(tmp_path / "a.parquet", [{"text": "a"}, {"text": "b"}])
    assert [record.where for record in read(csv, jsonl, parquet)] == [
        f"{csv}:2", f"{csv}:4", f"{jsonl}:1", f"{jsonl}:3", f"{parquet}: row 1", f"{parquet}: row 2",
    ]  # fmt: skip


def test_a_text_is_a_document_or_each_of_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\r\ntwo")
    assert fields(path) == [{"text": "one\r\n\r\ntwo"}]
    assert [(record.where, record.fields["text"]) for record in read(path, txt="line")] == [
        (f"{path}:1", "one"),
        (f"{path}:3", "two"),
    ]


def test_another_encoding_is_named_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("text\n中文，你好\n".encode("gb18030"))
    assert fields(tmp_path / "a.csv", encoding="gb18030") == [{"text": "中文，你好"}]
    with pytest.raises(RecordError, match=r"a\.csv:2: is not UTF-8"):
        read(tmp_path / "a.csv")
    (tmp_path / "b.jsonl").write_bytes(b'{"text": "\xff\xff"}\n')
    with pytest.raises(RecordError, match=r"b\.jsonl:1: is not text in gb18030"):
        read(tmp_path / "b.jsonl", encoding="gb18030")
    with pytest.raises(RecordError, match="expected a name such as utf-8"):
        read(tmp_path / "a.csv", encoding="utf-nine")
    with pytest.raises(RecordError, match="cannot be read line by line"):
        read(tmp_path / "a.csv", encoding="utf-16")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b'text,n\n"a",1\nb\n', r"a\.csv:3: found 1 cells, expected 2"),
        ("a.csv", b'text\n"a\nb\n', r"a\.csv:2: is no row of a table"),
        ("a.csv", b'text\na\n"b"c\n', r"a\.csv:3: is no row of a table"),
        ("a.csv", b"text,text\na,b\n", r"a\.csv:1: found the columns 'text', 'text'"),
        ("a.csv", b"", r"a\.csv:1: found the columns none"),
        ("a.tsv", b"text\tn\na\n", r"a\.tsv:2: found 1 cells"),
        ("a.jsonl", b'{"text": "a"}\n{"text": NaN}\n', r"a\.jsonl:2: is not valid JSON \(NaN"),
        ("a.jsonl", b'{"text": "a"}\nnull\n', r"a\.jsonl:2: found NoneType"),
        ("a.jsonl", b'{"other": {"deep": ["\\ud800"]}}\n', r"a\.jsonl:1: holds half of a surrogate"),
        ("a.html", b"<p>caf\xe9", r"a\.html:1: is not UTF-8"),
        ("a.txt", b"good\ncaf\xe9\n", r"a\.txt:2: is not UTF-8"),
        ("a.parquet", b"PAR1 this is none PAR1", r"a\.parquet: row 1: is no whole Parquet file"),
        ("a.parquet", b"", r"a\.parquet"),
        ("a.jsonl.gz", b"no gzip", r"a\.jsonl\.gz: is no whole gzip file"),
        ("a.jsonl.zst", b"no zstd", r"a\.jsonl\.zst: is no whole zstd file"),
        ("a.csv.gz", gzip.compress(b"text\n" + b"abc\n" * 1000, mtime=0)[:30], r"a\.csv\.gz: is no whole gzip file"),
        ("a.jsonl.zst", opening.zstd().compress(b'{"text": "a"}\n' * 1000)[:-5], r"a\.jsonl\.zst: is no whole zstd file"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_by_file_and_line(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordError, match=expected):
        read(tmp_path / name)


def test_wrong_lines_can_be_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}\n{\n[1]\n{"text": "caf\xe9"}\n{"text": "b"}\n')
    (tmp_path / "b.csv").write_text("text,n\na,1\nb\nc,3\n", encoding="utf-8")
    faults: list[RecordError] = []
    reading = Reading()
    found = list(streams.records(streams.sources([tmp_path], reading), reading, skipped=faults.append))
    assert [record.fields["text"] for record in found] == ["a", "b", "a", "c"]
    assert [str(fault).split(": ")[0].rpartition("/")[2] for fault in faults] == [
        "a.jsonl:2", "a.jsonl:3", "a.jsonl:4", "b.csv:3",
    ]  # fmt: skip


def test_names_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no file"):
        streams.sources(["nowhere/a.jsonl"])
    with pytest.raises(NotFoundError, match="there is no file"):
        streams.sources(["nowhere"])
    with pytest.raises(RecordError, match="no file was named"):
        streams.sources([])
    (tmp_path / "a.docx").touch()
    with pytest.raises(RecordError, match=r"a\.docx: cannot be read"):
        streams.sources([tmp_path / "a.docx"])


class Rows(list[dict[str, Any]]):
    def skip(self, count: int) -> Rows:
        return Rows(self[count:])


def test_a_name_that_is_no_path_is_a_data_set_of_hugging_face(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    asked: list[Any] = []

    def load(name: str, configuration: str | None, *, split: str, streaming: bool) -> Rows:
        asked.append((name, configuration, split, streaming))
        return Rows({"text": f"row {number}"} for number in range(2500))

    monkeypatch.setattr(datasets, "load_dataset", load)
    reading = Reading(split="test", configuration="plain")
    found = streams.sources(["someone/something", "hf:something"], reading)
    assert [source.format for source in found] == ["hub", "hub"]
    first = list(streams.batches(found[:1], reading))
    assert [batch.end.offset for batch in first] == [1000, 2000, 2500]
    assert next(streams.records(found, reading, start=first[0].end)).where == "someone/something: row 1001"
    assert len(list(streams.records(found, reading))) == 5000
    assert asked[-1] == ("something", "plain", "test", True)


def test_a_data_set_that_cannot_be_reached_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def load(*_name: Any, **_how: Any) -> None:
        raise ConnectionError("offline mode is enabled")

    monkeypatch.setattr(datasets, "load_dataset", load)
    with pytest.raises(
        NotFoundError, match=r"'someone/some': there is no such file or folder, and no data set.*offline mode"
    ):
        next(streams.records(streams.sources(["someone/some"])))


def test_a_package_that_is_missing_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    for ask in (opening.zstd, opening.arrow, lambda: next(hub.rows("a/b", None, "train"))):
        with pytest.raises(MissingExtraError, match=r"pip install 'sayso\[data\]'"):
            ask()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=5))
def test_every_json_object_is_read_as_it_is(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("json") / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert fields(path) == rows
