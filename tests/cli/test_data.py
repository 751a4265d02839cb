"""`sayso data` on the command line: what it writes and says, and what is wrong on the way in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Call, prints_of


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with texts, one of them empty, and with wrong lines."""
    monkeypatch.chdir(tmp_path)
    rows = [{"text": "Write to  mei@example.com", "n": 1}, {"text": " "}, {"text": "schÃ¶n", "n": 2}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "bad.jsonl").write_text('{"text": "a"}\n{"text": \n{"body": "b"}\n', encoding="utf-8")
    (tmp_path / "rows.csv").write_text("text,label\none,x\ntwo,y\n", encoding="utf-8")
    return tmp_path


def test_texts_are_cleaned_into_shards_with_a_report(sayso: Call, here: Path) -> None:
    said = sayso("data", "clean", "a.jsonl", "--out", "clean", "--to", "jsonl")
    assert said.code == 0
    for words in ("empty", "a.jsonl:2", "encoding", "email", "1 shards"):
        assert words in said.out
    lines = (here / "clean" / "part-00000.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [{"text": "Write to [email]", "n": 1}, {"text": "schön", "n": 2}]
    again = sayso("data", "clean", "a.jsonl", "--out", "clean", "--to", "jsonl", "--json")
    assert again.json["again"] is True
    assert again.json["documents_out"] == 2


def test_settings_come_from_options_a_file_and_set(sayso: Call, here: Path) -> None:
    (here / "rules.yaml").write_text("clean:\n  spaces: false\n  private: keep\nwriting:\n  to: csv\n", encoding="utf-8")
    said = sayso(
        "data", "clean", "a.jsonl", "--out", "clean", "--config", "rules.yaml", "--set", "clean.encoding=false", "--json"
    )
    assert said.json["changed"] == {}
    assert [shard["name"] for shard in said.json["shards"]] == ["part-00000.csv"]
    assert {item["what"] for item in said.json["lost"]} == {"the int in 'n'"}
    said = sayso("data", "clean", "rows.csv", "--out", "kept", "--field", "label", "--language", "de", "--json",
        "--set", "clean.language.among=[de, en]")  # fmt: skip
    assert (said.json["documents_out"], said.json["documents_in"]) == (0, 2)
    assert sum(said.json["dropped"].values()) == 2
    assert all(reason.startswith("language: ") for reason in said.json["dropped"])


def test_a_dry_run_writes_nothing(sayso: Call, here: Path) -> None:
    before = prints_of(here)
    said = sayso("data", "clean", "a.jsonl", "--dry-run", "--quality", "gopher")
    assert said.code == 0
    assert "nothing was written" in said.out
    assert "gopher: too few words" in said.out
    assert sayso("data", "convert", "a.jsonl", "b", "--to", "csv", "--lossy", "--dry-run").code == 0
    assert prints_of(here) == before


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("clean", "a.jsonl"), 2, "--out FOLDER is missing"),
        (("clean", "nowhere.jsonl", "--out", "x"), 2, "there is no file 'nowhere.jsonl'"),
        (("clean", "bad.jsonl", "--out", "x"), 2, "bad.jsonl:2: is not valid JSON"),
        (("clean", "a.jsonl", "--out", "x", "--to", "docx"), 2, "unknown format 'docx'"),
        (("clean", "a.jsonl", "--out", "x", "--language", "xx"), 2, "language 'xx' is not known"),
        (("clean", "a.jsonl", "--out", "x", "--set", "clean.spacing=1"), 2, "did you mean 'spaces'"),
        (("clean", "rows.csv", "--out", "x", "--field", "body"), 2, "found the fields text, label, not 'body'"),
        (("private", "a.jsonl", "--kind", "letters"), 2, "'letters' is not known"),
        (("convert", "a.jsonl", "b.csv"), 2, "a.jsonl:1: the int in 'n': csv cannot hold it"),
        (("convert", "rows.csv", "a.jsonl"), 2, "is there already; nothing was changed"),
        (("convert", "rows.csv", "b.docx"), 2, "cannot be written; expected"),
        (("check", "bad.jsonl", "--for", "text"), 2, "bad.jsonl:3: found the fields body"),
        (("card", "a.jsonl", "--out", "rows.csv"), 2, "is there already; nothing was changed"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(sayso: Call, here: Path, words: tuple[str, ...], code: int, expected: str) -> None:
    before = {name: found for name, found in prints_of(here).items() if "working" not in name}
    said = sayso("data", *words)
    assert said.code == code
    assert expected in said.err
    assert {name: found for name, found in prints_of(here).items() if "working" not in name} == before


def test_wrong_lines_are_left_out_when_asked(sayso: Call, here: Path) -> None:
    said = sayso("data", "clean", "bad.jsonl", "--out", "x", "--skip-bad", "--json")
    assert (said.json["documents_out"], said.json["dropped"]) == (1, {"cannot be read": 2})


def test_personal_data_is_found_and_then_masked(sayso: Call, here: Path) -> None:
    before = prints_of(here)
    said = sayso("data", "private", "a.jsonl")
    assert "email" in said.out
    assert "a.jsonl:1" in said.out
    assert "mei@" not in said.out
    assert prints_of(here) == before
    done = sayso("data", "private", "a.jsonl", "--out", "masked", "--to", "jsonl", "--json")
    assert done.json["found"] == {"email": 1}
    lines = (here / "masked" / "part-00000.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["Write to  [email]", " ", "schÃ¶n"]
    assert "No personal data" in sayso("data", "private", "rows.csv").out


def test_records_go_into_another_format_and_back(sayso: Call, here: Path) -> None:
    assert sayso("data", "convert", "rows.csv", "b.parquet").code == 0
    assert sayso("data", "convert", "b.parquet", "c.csv", "--json").json["records"] == 2
    assert (here / "c.csv").read_bytes().replace(b"\r", b"").replace(b'"', b"") == (here / "rows.csv").read_bytes()
    lossy = sayso("data", "convert", "a.jsonl", "d.csv", "--lossy")
    assert "the format cannot hold" in lossy.out
    shards = sayso("data", "convert", "rows.csv", "shards", "--to", "jsonl.gz", "--json")
    assert [shard["records"] for shard in shards.json["shards"]] == [2]


def test_good_files_are_said_to_be_so_and_odd_ones_are_shown(sayso: Call, here: Path) -> None:
    said = sayso("data", "check", "a.jsonl")
    assert "3 records" in said.out
    assert "text that looks wrongly decoded" in said.out
    assert sayso("data", "check", "rows.csv", "--for", "label", "--json").json["faults"] == 0


def test_a_card_is_printed_or_written(sayso: Call, here: Path) -> None:
    said = sayso("data", "card", "rows.csv", "--title", "Rows", "--licence", "CC0", "--source", "made up")
    assert said.out.startswith("# Rows\n")
    assert sayso("data", "card", "rows.csv", "--out", "CARD.md").code == 0
    assert (here / "CARD.md").read_text(encoding="utf-8").startswith("# rows.csv\n")
