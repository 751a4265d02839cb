"""What files hold, one document after another; and what is wrong in them, by file and line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from sayso.errors import NotFoundError, RecordError
from sayso.text import corpus
from sayso.text.files import opening, streams

CHAT = {"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]}


def lines(path: Path, *found: object) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in found), encoding="utf-8")
    return path


def read(*paths: Path, kind: corpus.Kind = "any") -> list[corpus.Document]:
    return list(corpus.documents(corpus.files_of(paths), kind=kind))


def test_a_text_file_is_one_document_and_a_line_of_jsonl_is_one(tmp_path):
    (tmp_path / "a.txt").write_text("One.\nTwo.\n", encoding="utf-8")
    found = read(tmp_path / "a.txt", lines(tmp_path / "b.jsonl", {"text": "Three."}, CHAT))
    assert [list(item.texts()) for item in found] == [["One.\nTwo.\n"], ["Three."], ["Hi.", "Hello."]]
    assert [item.where for item in found[1:]] == [f"{tmp_path / 'b.jsonl'}:1", f"{tmp_path / 'b.jsonl'}:2"]


def test_a_folder_is_read_in_the_order_of_its_names_and_gzip_is_opened(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.txt").write_text("second", encoding="utf-8")
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "first"}\n'))
    (tmp_path / "other.md").write_text("not read", encoding="utf-8")
    (tmp_path / "_run").mkdir()
    (tmp_path / "_run" / "report.txt").write_text("not read either", encoding="utf-8")
    assert [item.text for item in read(tmp_path)] == ["first", "second"]


def test_a_large_text_comes_in_pieces_that_are_the_text_again(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "BATCH_BYTES", 10)
    text = "".join(f"line {number}\n" for number in range(20))
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    found = read(tmp_path / "a.txt")
    assert len(found) > 5
    assert "".join(item.text for item in found) == text
    assert [item.starts for item in found] == [True, *[False] * (len(found) - 1)]
    assert [item.ends for item in found] == [*[False] * (len(found) - 1), True]


def test_a_byte_order_mark_and_empty_lines_are_no_text(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "a"}\n\n  \n{"text": "b"}\r\n')
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbf\n \n")
    assert [item.text for item in read(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"{", "not valid JSON"),
        (b"[1]", "expected a JSON object"),
        (b'{"txt": "a"}', "txt"),
        (b'{"text": 3}', "expected a string"),
        (b'{"messages": []}', "expected a list of turns"),
        (b'{"messages": "hello"}', "expected a list of turns"),
        (b'{"messages": [{"role": "bot", "content": "a"}]}', "'bot'; expected one of"),
        (b'{"messages": [{"role": "user"}]}', "expected an object with role and content"),
        (b'{"messages": [{"role": ["user"], "content": "a"}]}', "expected one of"),
        (b'{"text": "caf\xe9"}', "UTF-8"),
        (b'{"text": "\\ud83d"}', "surrogate"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, line, expected):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "good"}\n' + line + b"\n")
    with pytest.raises(RecordError, match=r"a\.jsonl:2") as caught:
        read(tmp_path / "a.jsonl")
    assert expected in str(caught.value)


def test_what_was_not_expected_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("text", encoding="utf-8")
    with pytest.raises(RecordError, match="plain text; expected conversations"):
        read(tmp_path / "a.txt", kind="messages")
    with pytest.raises(RecordError, match="found the keys text; expected messages"):
        read(lines(tmp_path / "b.jsonl", {"text": "a"}), kind="messages")
    with pytest.raises(RecordError, match="found the keys messages; expected text"):
        read(lines(tmp_path / "c.jsonl", CHAT), kind="text")


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "LONGEST_LINE", 100)
    (tmp_path / "a.txt").write_text("x" * 200, encoding="utf-8")
    with pytest.raises(RecordError, match=r"a\.txt:1: is longer than 100 bytes"):
        read(tmp_path / "a.txt")


def test_wrong_paths_are_named(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.docx").write_text("a,b", encoding="utf-8")
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"text": "a"}\n' * 1000)[:20])
    (tmp_path / "no.txt.gz").write_bytes(b"no gzip")
    with pytest.raises(NotFoundError, match="no file 'nowhere"):
        read(Path("nowhere.txt"))
    with pytest.raises(NotFoundError, match="holds no file of"):
        read(tmp_path / "empty")
    with pytest.raises(RecordError, match=r"a\.docx: cannot be read; expected"):
        read(tmp_path / "a.docx")
    for name in ("cut.jsonl.gz", "no.txt.gz"):
        with pytest.raises(RecordError, match="no whole gzip file"):
            read(tmp_path / name)
    with pytest.raises(RecordError, match="no file was named"):
        read()


def test_the_digest_is_of_the_content_in_its_order(tmp_path):
    one, two = lines(tmp_path / "a.jsonl", {"text": "a"}), lines(tmp_path / "b.jsonl", {"text": "b"})
    first = corpus.digest([one, two])
    assert first == corpus.digest([one, two]) != corpus.digest([two, one])
    lines(one, {"text": "c"})
    assert corpus.digest([one, two]) != first
