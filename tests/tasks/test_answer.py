"""Questions on a passage: forms of files, and scores worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sayso.errors import RecordError
from sayso.tasks import squad
from sayso.tasks.answer import Answer
from sayso.tasks.items import Item
from sayso.tasks.metrics import measure

TASK = Answer()


def kept(path: Path, value: Any) -> str:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return str(path)


def item(question: str, *answers: str, passage: str = "The Broncos won. It was in 2016.") -> Item:
    return Item(inputs={"passage": passage, "question": question}, answers=answers)


def test_english_answers_are_compared_without_articles_marks_and_capitals() -> None:
    assert squad.exact("The Denver Broncos!", "denver  broncos")
    assert not squad.exact("Denver", "Denver Broncos")
    assert squad.f1("the Denver team", "Denver Broncos") == pytest.approx(1 / 2)
    assert squad.f1("no", "yes") == 0.0
    assert squad.f1("the", "a") == 1.0


def test_chinese_answers_are_compared_by_the_longest_common_run() -> None:
    assert squad.exact_zh("《光荣》公司", "光荣公司")
    assert squad.f1_zh("光荣和ω-force", "光荣和ω-force") == 1.0
    assert squad.f1_zh("是光荣公司", "光荣公司的") == pytest.approx(2 * 4 / 10)
    assert squad.f1_zh("甲乙丙丁", "丁丙乙甲") == pytest.approx(2 / 8)


def test_the_best_of_several_right_answers_counts() -> None:
    items = [item("Who won?", "Denver", "the Broncos"), item("谁赢了？", "野马队", passage="野马队赢了。")]
    found = {one.name: measure(one).value for one in TASK.count(items, ["Broncos", None])}
    assert (found["EM"], found["F1"]) == (0.5, 0.5)
    assert found["in passage"] == 0.5
    assert found["answered"] == 0.5


def test_questions_of_squad_cmrc_and_lines_are_read(tmp_path: Path) -> None:
    qas = [{"question": "Who won?", "answers": [{"text": "Broncos", "answer_start": 4}, {"text": "Broncos"}]}]
    old = kept(tmp_path / "a.json", {"data": [{"title": "t", "paragraphs": [{"context": "The Broncos won.", "qas": qas}]}]})
    own = kept(
        tmp_path / "b.json", [{"context_text": "共39764人。", "qas": [{"query_text": "几人？", "answers": [39764.0]}]}]
    )
    line = kept(tmp_path / "c.jsonl", {"context": "p", "question": "q", "answers": {"text": ["a"], "answer_start": [0]}})
    plain = kept(tmp_path / "d.jsonl", {"passage": "p", "question": "q", "answer": "a"})
    found = [next(iter(TASK.items(source))) for source in (old, own, line, plain)]
    assert [one.answers for one in found] == [("Broncos",), ("39764",), ("a",), ("a",)]
    assert found[0].inputs == {"passage": "The Broncos won.", "question": "Who won?", "start": "4"}
    assert found[0].family == "passage 1"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            {"data": [{"paragraphs": [{"context": "p", "qas": [{"question": "", "answers": ["a"]}]}]}]},
            "paragraph 1, question 1",
        ),
        ({"data": [{"paragraphs": [{"qas": []}]}]}, "paragraph 1: found the keys qas; expected a passage"),
        ({"data": [{"paragraphs": [{"context": "p"}]}]}, r"expected a list of questions \(qas\)"),
        ({"rows": []}, "expected questions in the form of SQuAD"),
        ({"data": [{"paragraphs": [{"context": "p", "qas": [{"question": "q"}]}]}]}, "answers: found None"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, value: Any, said: str) -> None:
    with pytest.raises(RecordError, match=said):
        list(TASK.items(kept(tmp_path / "a.json", value)))


def test_the_first_line_without_a_label_is_the_answer() -> None:
    assert TASK.parse(item("q", "a"), "Answer: Denver\nbecause …") == "Denver"
    assert TASK.parse(item("q", "a"), "答案：“光荣”") == "光荣"
    assert TASK.parse(item("q", "a"), "\n") is None


def test_prompts_ask_in_the_language_of_the_question() -> None:
    assert TASK.prompt(item("Who won?", "a")).text.endswith("Question: Who won?")
    assert TASK.prompt(item("谁赢了？", "a", passage="野马队。")).text.startswith("请用短文中的原话")


def test_the_baseline_is_the_sentence_most_like_the_question() -> None:
    assert TASK.guess([item("In which year was it?", "2016")]) == ["It was in 2016."]


def test_the_right_answers_of_cmrc_score_one(shared: Path) -> None:
    found = list(TASK.items(str(shared / "data/cmrc2018/squad-style-data/cmrc2018_dev.json.gz")))
    assert len(found) == 3219
    scores = {one.name: measure(one, draws=10).value for one in TASK.count(found, [one.answers[0] for one in found])}
    assert scores["EM"] == 1.0
    assert scores["F1"] == 1.0
