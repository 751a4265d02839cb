"""Passages are ranked by BM25; what a model names moves to the front."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sayso.errors import RecordError, SettingsError
from sayso.tasks.items import Item
from sayso.tasks.metrics import measure
from sayso.tasks.retrieval import Ranked, Retrieval

PASSAGES = ["Cats sleep all day long.", "Dogs bark at night.", "Birds sing at dawn, cats listen.", "Fish swim."]
TASK = Retrieval(candidates=2)


def item(rank: int, shown: int = 3) -> Item:
    inputs = {"question": "q", "candidates": "", "shown": str(shown), "rank": str(rank), "passage": ""}
    return Item(inputs=inputs, answers=(str(rank),) if rank <= shown else ())


def feedbackqa(path: Path, examples: list[Any]) -> str:
    inside = [{"page_title": "Animals", "section_headers": [], "section_content": text} for text in PASSAGES]
    passages = [{"passage_id": 10 + number, "reference": one} for number, one in enumerate(inside)]
    path.write_text(json.dumps({"examples": examples, "passages": passages}), encoding="utf-8")
    return str(path)


def test_the_passage_with_the_rare_words_comes_first() -> None:
    assert Ranked(PASSAGES)("Do dogs bark?")[0] == 1
    assert Ranked(PASSAGES)("cats dawn")[:2] == [2, 0]


def test_words_that_nobody_wrote_leave_the_passages_in_their_order() -> None:
    assert Ranked(PASSAGES)("zebra?") == [0, 1, 2, 3]


def test_what_is_named_moves_to_the_front() -> None:
    items = [item(2), item(2), item(3), item(9), item(1)]
    found = {one.name: measure(one).value for one in TASK.count(items, ["2", "1 2", "1", "1 3", None])}
    ranks = [1, 2, 3, 9, 1]
    assert found["MRR"] == pytest.approx(sum(1 / rank for rank in ranks) / 5)
    assert found["accuracy@1"] == pytest.approx(2 / 5)
    assert found["recall@5"] == pytest.approx(4 / 5)


def test_naming_a_wrong_one_moves_the_right_one_back() -> None:
    found = {one.name: measure(one).value for one in TASK.count([item(1)], ["3 2"])}
    assert found["MRR"] == pytest.approx(1 / 3)


def test_files_of_feedbackqa_give_candidates_and_the_rank(tmp_path: Path) -> None:
    source = feedbackqa(tmp_path / "a.json", [{"question": "Who barks at night?", "passage_id": 11}])
    found = next(iter(TASK.items(source)))
    assert found.answers == ("1",)
    assert found.inputs["rank"] == "1"
    assert found.inputs["candidates"].startswith("1. Animals Dogs bark at night.")
    assert found.inputs["shown"] == "2"
    assert "Who barks at night?" in TASK.prompt(found).text


def test_records_with_their_own_passages_are_read(tmp_path: Path) -> None:
    line = {"question": "Who swims?", "passages": PASSAGES, "answer": 4}
    (tmp_path / "a.jsonl").write_text(json.dumps(line), encoding="utf-8")
    found = next(iter(Retrieval().items(str(tmp_path / "a.jsonl"))))
    assert found.answers == ("1",) if found.inputs["rank"] == "1" else found.answers
    assert found.inputs["passage"] == "Fish swim."


def test_a_right_passage_that_is_not_shown_is_not_learnt(tmp_path: Path) -> None:
    source = feedbackqa(tmp_path / "a.json", [{"question": "cats", "passage_id": 13}])
    found = next(iter(TASK.items(source)))
    assert found.answers == ()
    assert TASK.answer(found) == ""
    assert found.inputs["rank"] == "4"


@pytest.mark.parametrize("example", [{"question": "q", "passage_id": 99}, {"passage_id": 10}, 7])
def test_a_wrong_example_is_named(tmp_path: Path, example: Any) -> None:
    with pytest.raises(RecordError, match="example 1"):
        list(TASK.items(feedbackqa(tmp_path / "a.json", [example])))


@pytest.mark.parametrize("answer", [0, 5, "1", True, None])
def test_a_number_that_is_no_passage_is_refused(tmp_path: Path, answer: Any) -> None:
    (tmp_path / "a.jsonl").write_text(
        json.dumps({"question": "q", "passages": PASSAGES, "answer": answer}), encoding="utf-8"
    )
    with pytest.raises(RecordError, match="expected the number of the right passage, 1 to 4"):
        list(TASK.items(str(tmp_path / "a.jsonl")))


def test_numbers_are_read_in_their_order_each_once() -> None:
    assert TASK.parse(item(1), "Passage 3, then 1 and 3; not 17.") == "3 1"
    assert TASK.parse(item(1), "none of them") is None


def test_no_candidates_are_refused() -> None:
    with pytest.raises(SettingsError, match="candidates: found 0"):
        Retrieval(candidates=0)


def test_bm25_finds_passages_of_the_shared_data(shared: Path) -> None:
    found = list(Retrieval().items(str(shared / "data/feedbackqa/WHO/test.json")))
    scores = {one.name: measure(one).value for one in Retrieval().count(found, Retrieval().guess(found))}
    assert len(found) == 183
    assert scores["MRR"] > 0.7
