"""Evaluation sets in training text: found beside a slow reading, dropped or cut, and named."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import NotFoundError, SettingsError
from sayso.text.files import journal, streams
from sayso.text.files.runs import Writing
from sayso.text.files.streams import Reading
from sayso.text.overlap import contamination, decontaminating
from sayso.text.overlap.contamination import Hit, Item, Overlap
from sayso.text.overlap.shingles import Grams
from sayso.text.overlap.signing import Data

QUESTION = "Which of the seven hills of Rome was, in the days of the kings, the last to be settled by them?"
CHINESE = "我们在春天的早晨一起去公园散步看花听鸟儿在树上唱歌真快乐"
SHORT = "The capital of the old kingdom was moved twice."


def lines(path: Path, records: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
    return path


def data(*paths: Path, workers: int = 1) -> Data:
    return Data(found=streams.sources(paths), reading=Reading(), writing=Writing(to="jsonl"), workers=workers)


def run(
    tmp_path: Path, texts: Sequence[str], items: Sequence[dict[str, Any]], **how: Any
) -> tuple[list[str], dict[str, Any]]:
    source = lines(tmp_path / "train.jsonl", [{"text": text} for text in texts])
    held = lines(tmp_path / "held.jsonl", items)
    overlap = Overlap(**how)
    sets = decontaminating.evaluations([f"quiz={held}"], Reading(), overlap)
    report = decontaminating.decontaminate(data(source), tmp_path / "out", sets, overlap)
    parts = sorted((tmp_path / "out").glob("part-*"))
    return [json.loads(line)["text"] for part in parts for line in part.read_text().splitlines()], report


def slow_runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z]+", text)
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab ", min_size=1, max_size=40), st.lists(st.text(alphabet="ab ", max_size=40), max_size=5))
def test_what_is_hit_is_what_the_slow_reading_finds(item: str, texts: list[str]) -> None:
    overlap = Overlap(grams=Grams(words=3, characters=3), shortest=Grams(words=2, characters=2), common=100)
    count = len(re.findall(r"[a-z]+", item))
    if count < 2:
        with pytest.raises(SettingsError, match="nothing to look for"):
            contamination.index([Item("set", "1", [item])], overlap)
        return
    found = contamination.index([Item("set", "1", [item])], overlap)
    length = min(count, 3)
    expected = [number for number, text in enumerate(texts) if slow_runs(text, length) & slow_runs(item, length)]
    hits = found.hits(texts)
    assert sorted({hit.text for hit in hits}) == expected
    assert all(slow_runs(texts[hit.text][hit.start : hit.end], length) <= slow_runs(item, length) for hit in hits)


def test_a_document_that_holds_an_item_is_dropped_and_the_item_named(tmp_path: Path) -> None:
    shouted = QUESTION.upper().replace(",", " --")
    left, report = run(
        tmp_path,
        [
            "Nothing to see.", f"He asked: {shouted} Nobody knew.", f"昨天{CHINESE}。", f"So {SHORT}",
            "the last to be settled by them",
        ],
        [
            {"question": QUESTION, "choices": ["Palatine", "Aventine"]}, {"nested": {"text": CHINESE}}, {"a": SHORT},
            {"a": "Yes."},
        ],
    )  # fmt: skip
    assert left == ["Nothing to see.", "the last to be settled by them"]
    assert report["dropped"] == 3
    expected = {"items": 4, "too short": 1, "items hit": 3, "documents": 3}
    assert {name: report["sets"]["quiz"][name] for name in expected} == expected
    hits = [json.loads(line) for line in (tmp_path / "out" / "_hits-00000.jsonl").read_text().splitlines()]
    assert [(hit["set"], hit["item"], hit["where"]) for hit in hits] == [
        ("quiz", f"{tmp_path}/held.jsonl:{line}", f"{tmp_path}/train.jsonl:{line + 1}") for line in (1, 2, 3)
    ]
    assert hits[0]["words"].startswith("WHICH OF THE SEVEN HILLS")


def test_a_shorter_run_is_no_contamination_unless_asked(tmp_path: Path) -> None:
    part = " ".join(QUESTION.split()[:12])
    assert run(tmp_path, [part], [{"q": QUESTION}])[0] == [part]
    (tmp_path / "other").mkdir()
    assert run(tmp_path / "other", [part], [{"q": QUESTION}], grams=Grams(words=12, characters=20))[0] == []


def test_what_many_items_of_a_set_share_is_its_own_wording(tmp_path: Path) -> None:
    form = "Read the passage below and answer the question with one of the letters A to D."
    items = [{"q": f"{form} Question number {number} is about something."} for number in range(11)]
    assert run(tmp_path, [form], items)[0] == [form]
    (tmp_path / "fewer").mkdir()
    assert run(tmp_path / "fewer", [form], items[:10])[0] == []


def test_cut_takes_the_run_and_what_is_round_it(tmp_path: Path) -> None:
    before, after = "b" * 300 + " ", " " + "a" * 250
    left, report = run(
        tmp_path, [f"{before}{QUESTION}{after}", QUESTION, "whole"], [{"q": QUESTION}], action="cut", piece=90
    )
    assert left == ["b" * 101, "whole"]
    assert (report["cut"], report["dropped"], report["documents_out"]) == (1, 1, 2)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 10)), max_size=8), st.integers(0, 5), st.integers(1, 8))
def test_pieces_hold_nothing_of_what_was_hit(stretches: list[tuple[int, int]], window: int, most: int) -> None:
    text = "".join(chr(0x4E00 + place) for place in range(100))
    hits = [Hit(0, begin, begin + length, 0) for begin, length in stretches]
    overlap = Overlap(action="cut", window=window, piece=1, pieces=most)
    gone = {place for hit in hits for place in range(hit.start - window, hit.end + window)}
    found = contamination.pieces(text, hits, overlap)
    if found:
        assert "".join(found) == "".join(letter for place, letter in enumerate(text) if place not in gone)
        assert not hits or len(found) <= most


def test_a_conversation_that_was_hit_is_dropped_whole(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "The Quirinal."}]
    source = lines(tmp_path / "train.jsonl", [{"messages": turns}, {"messages": turns[1:]}])
    held = lines(tmp_path / "held.jsonl", [{"q": QUESTION}])
    overlap = Overlap(action="cut")
    sets = decontaminating.evaluations([str(held)], Reading(), overlap)
    report = decontaminating.decontaminate(data(source), tmp_path / "out", sets, overlap)
    assert (report["dropped"], report["documents_out"]) == (1, 1)
    assert list(report["sets"]) == ["held"]


def test_stopped_it_goes_on_to_the_same_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaking_off: Callable[[ModuleType], Callable[[], int]]
) -> None:
    monkeypatch.setattr(journal, "SHARD_BYTES", 2000)
    monkeypatch.setattr(streams, "BATCH_BYTES", 500)
    texts = [f"{number} {QUESTION if number % 7 == 0 else SHORT * 2}" for number in range(100)]
    (tmp_path / "a").mkdir()
    left, report = run(tmp_path / "a", texts, [{"q": QUESTION}])
    begun = breaking_off(decontaminating)
    (tmp_path / "b").mkdir()
    for _ in range(50):
        try:
            again, report_again = run(tmp_path / "b", texts, [{"q": QUESTION}])
            break
        except KeyboardInterrupt:
            continue
    assert again == left
    assert report_again["dropped"] == report["dropped"] == 15
    assert begun() > 4


def test_evaluation_sets_are_named_once_and_must_be_there(tmp_path: Path) -> None:
    held = lines(tmp_path / "held.jsonl", [{"q": QUESTION}])
    with pytest.raises(SettingsError, match="two evaluation sets are called 'held'"):
        decontaminating.evaluations([str(held), f"held={held}"], Reading(), Overlap())
    with pytest.raises(NotFoundError):
        decontaminating.evaluations([f"x={tmp_path}/none.jsonl"], Reading(), Overlap())
    with pytest.raises(SettingsError, match="no evaluation set"):
        decontaminating.evaluations([], Reading(), Overlap())


def test_settings_that_mean_nothing_are_refused() -> None:
    for wrong in ({"common": 0}, {"pieces": 0}, {"window": -1}, {"piece": -1}):
        with pytest.raises(SettingsError):
            Overlap(**wrong)  # type: ignore[arg-type]
