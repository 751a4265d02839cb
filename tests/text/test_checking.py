"""What is wrong in files is said line by line; what is only odd is counted; a card says what files hold."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from sayso.text import cards, checking
from sayso.text.cleaning import cleaner
from sayso.text.cleaning.cleaner import Cleaning
from sayso.text.files import runs, streams
from sayso.text.files.streams import Reading

GOOD_CHAT = {"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]}


def put(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")
    return path


def look(path: Path, kind: checking.Kind = "any", **settings: object) -> checking.Checked:
    return checking.check(streams.sources([path]), Reading(), kind=kind, **settings)  # type: ignore[arg-type]


def test_every_wrong_line_is_told_and_reading_goes_on(tmp_path: Path) -> None:
    put(tmp_path / "a.jsonl", {"text": "a"}, "{", {"text": 7}, {"body": "b"}, {"text": " "}, {"text": "c"})
    (tmp_path / "b.txt").write_bytes(b"fine\ncaf\xe9\n")
    found = look(tmp_path, "text")
    assert (found.records, found.num_faults) == (5, 5)
    assert [str(fault).removeprefix(f"{tmp_path}/").split(" ")[0] for fault in found.faults] == [
        "a.jsonl:2:", "a.jsonl:3:", "a.jsonl:4:", "a.jsonl:5:", "b.txt:2:",
    ]  # fmt: skip
    assert look(tmp_path / "a.jsonl").num_faults == 1
    assert len(look(tmp_path, "text", most=2).faults) == 2


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"text": "a"}, "found the fields text; expected messages"),
        ({"messages": []}, "expected a list of turns"),
        ({"messages": [{"role": "bot", "content": "a"}]}, "expected one of"),
        ({"messages": GOOD_CHAT["messages"][:1]}, "no turn is the assistant's"),
        ({"messages": [{"role": "assistant", "content": " "}]}, "the assistant says nothing"),
        ({"messages": [*GOOD_CHAT["messages"], {"role": "system", "content": "a"}]}, "found a system turn"),
    ],
)
def test_what_is_no_conversation_is_told(tmp_path: Path, row: object, expected: str) -> None:
    found = look(put(tmp_path / "a.jsonl", GOOD_CHAT, row), "chat")
    assert (found.num_faults, found.records) == (1, 2)
    assert expected in str(found.faults[0])
    assert "a.jsonl:2: " in str(found.faults[0])


@pytest.mark.parametrize("label", [None, "", 0.5, True, ["a"]])
def test_a_label_is_a_name_or_a_number(tmp_path: Path, label: object) -> None:
    rows = ({"text": "a", "label": "yes"}, {"text": "a", "label": 3}, {"text": "a", "label": label})
    found = look(put(tmp_path / "a.jsonl", *rows), "label")
    assert [str(fault).rpartition("/")[2].split(":")[1] for fault in found.faults] == ["3"]


def test_what_is_odd_is_counted_with_its_first_place(tmp_path: Path) -> None:
    page = "<html><body>x</body></html>"
    put(tmp_path / "a.jsonl", {"text": "fine"}, {"text": "sch\u00c3\u00b6n"}, {"text": "lost \ufffd"}, {"text": "e\u0301"},
        {"text": "a\x00b"}, {"text": page}, {"text": ""}, {"text": "cafÃ©"}, {"text": "x" * 1_000_001})  # fmt: skip
    found = {remark.what.split(" (")[0]: (remark.count, remark.where[-1]) for remark in look(tmp_path).remarks}
    assert found == {
        "text that looks wrongly decoded": (2, "2"), "characters that were lost in decoding": (1, "3"),
        "characters that are not in normal form": (1, "4"), "an HTML page": (1, "6"), "an empty text": (1, "7"),
        "control characters, invisible ones, or other ends of lines": (1, "5"), "more than a million characters": (1, "9"),
    }  # fmt: skip


def test_a_card_says_what_files_hold_and_how_they_were_made(tmp_path: Path) -> None:
    rows = [{"text": f"This is a sentence in English, number {number % 30}.", "n": number} for number in range(40)]
    path = put(tmp_path / "a.jsonl", *rows, {"text": ""}, {"text": "x|y", "n": "odd"})
    plan = runs.Plan(
        make=partial(cleaner.Cleaner, Cleaning()), found=streams.sources([path]), reading=Reading(), writing=runs.Writing()
    )
    runs.run(plan, tmp_path / "out", key=runs.key_of("clean", plan, Cleaning()))
    found = cards.describe(streams.sources([tmp_path / "out"]), Reading())
    page = cards.card(found, title="Sentences", licence="MIT", source=None, reports=cards.made([tmp_path / "out"]))
    assert page.startswith("# Sentences\n")
    assert "| licence | MIT |" in page
    assert "| source | not stated |" in page
    assert "| records | 41 |" in page
    assert "| duplicates | 24.39% of the texts are exactly equal to one before |" in page
    assert "| `n` | int (40), str (1) | 100.0% |" in page
    assert "| en | 4" in page
    assert "By `sayso data clean`, from `a.jsonl`" in page
    assert "| empty | 1 |" in page
    assert "spaces: true" in page


def test_a_card_of_files_made_otherwise_says_so_and_any_records_have_one(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", {"question": "What?", "n": 1})
    found = cards.describe(streams.sources([path]), Reading())
    page = cards.card(found, title="a|b", licence=None, source="here", reports=cards.made([path]))
    assert "Not by `sayso data`, or its report is not here." in page
    assert "| source | here |" in page
    assert found.characters.total == 5


def test_duplicates_are_exact_and_then_estimated_in_bounded_memory() -> None:
    exact, few = cards.Distinct(), cards.Distinct(most=500)
    for number in range(8000):
        for distinct in (exact, few):
            distinct.add(str(number % 5000))
    assert exact.duplicates == 3000 / 8000
    assert few.share > 1
    assert few.duplicates == pytest.approx(3000 / 8000, abs=0.08)
    assert cards.Distinct().duplicates == 0.0


def test_quantiles_of_lengths_are_near() -> None:
    lengths = cards.Lengths()
    for length in range(10_001):
        lengths.add(length)
    assert lengths.quantile(0.5) == pytest.approx(5000, rel=0.1)
    assert lengths.longest == 10_000
    assert cards.Lengths().quantile(0.5) == 0
