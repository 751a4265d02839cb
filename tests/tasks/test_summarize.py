"""Summaries are read from several forms and measured by ROUGE, Chinese by its characters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rouge_score.rouge_scorer import RougeScorer

from sayso.errors import RecordError
from sayso.tasks.items import Item
from sayso.tasks.metrics import measure
from sayso.tasks.summarize import Summarize

TASK = Summarize()


def item(text: str, *summaries: str) -> Item:
    return Item(inputs={"text": text}, answers=summaries)


def values(items: list[Item], answers: list[str | None], task: Summarize = TASK) -> dict[str, float]:
    return {found.name: found.value for found in map(measure, task.count(items, answers))}


def lines_of(path: Path, *lines: dict) -> str:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return str(path)


def test_rouge_is_that_of_the_package_with_the_best_of_several_summaries() -> None:
    items = [item("x", "the cat sat on the mat", "a dog ran"), item("x", "rain fell all day")]
    said = ["the cat lay on a mat", "it rained all day"]
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    found = values(items, said)
    for kind in ("rouge1", "rouge2", "rougeL"):
        wanted = [max(scorer.score(right, one)[kind].fmeasure for right in it.answers)
                  for it, one in zip(items, said, strict=True)]  # fmt: skip
        assert found[kind] == pytest.approx(sum(wanted) / 2)


def test_rouge_of_chinese_counts_characters_by_hand() -> None:
    found = values([item("x", "今天下雨")], ["今天有雨"])
    assert found["rouge1"] == pytest.approx(3 / 4)
    assert found["rouge2"] == pytest.approx(1 / 3)
    assert found["rougeL"] == pytest.approx(3 / 4)


def test_rouge_of_chinese_words_is_another_number_and_says_so() -> None:
    task = Summarize(segment="jieba")
    counted = task.count([item("x", "北京下雨")], ["上海下雨"])
    assert "tok:jieba" in counted[0].signature
    assert measure(counted[0]).value == pytest.approx(1 / 2)


def test_the_length_and_what_is_copied_are_sums_over_items() -> None:
    found = values([item("a b c d e", "a b c d"), item("p q r", "x y")], ["a b c", "z z"])
    assert found["length ratio"] == pytest.approx(5 / 6)
    assert found["copied-2"] == pytest.approx(2 / 3)


def test_no_answer_counts_as_nothing() -> None:
    found = values([item("a b", "a b"), item("a b", "a b")], ["a b", None])
    assert found["rouge1"] == pytest.approx(0.5)
    assert found["answered"] == pytest.approx(0.5)


def test_dialogues_articles_and_numbered_summaries_are_read(tmp_path: Path) -> None:
    source = lines_of(tmp_path / "a.jsonl", {"dialogue": "A: hi", "summary": "A greets."},
        {"article": "Long text.", "highlights": "Short."}, {"text": "t", "summary2": "two", "summary1": "one"})  # fmt: skip
    assert [(one.inputs["text"], one.answers) for one in TASK.items(source)] == [
        ("A: hi", ("A greets.",)), ("Long text.", ("Short.",)), ("t", ("one", "two")),
    ]  # fmt: skip


def test_abstracts_of_csl_and_pairs_of_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "csl.tsv").write_text("to title\t摘要文字。\t标题\n", encoding="utf-8")
    (tmp_path / "test.src.txt").write_text("正文。\n", encoding="utf-8")
    (tmp_path / "test.tgt.txt").write_text("题目\n", encoding="utf-8")
    for name, wanted in (
        ("csl.tsv", ("摘要文字。", "标题")),
        ("test.src.txt", ("正文。", "题目")),
        ("test.tgt.txt", ("正文。", "题目")),
    ):
        found = next(iter(TASK.items(str(tmp_path / name))))
        assert (found.inputs["text"], found.answers[0]) == wanted


@pytest.mark.parametrize(
    ("line", "said"),
    [('{"summary": "s"}', "a.jsonl:1: found the keys summary; expected a text"), ('{"text": "t"}', "expected a summary"),
     ('{"text": "t", "summary": 3}', "a.jsonl:1: summary: found 3, expected text")],
)  # fmt: skip
def test_a_wrong_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "a.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(RecordError, match=said):
        list(TASK.items(str(tmp_path / "a.jsonl")))


def test_a_wrong_row_of_csl_is_named(tmp_path: Path) -> None:
    (tmp_path / "csl.tsv").write_text("to title\ta\tb\nto title\ta\n", encoding="utf-8")
    with pytest.raises(RecordError, match=r"csl\.tsv:2: found 2 cells"):
        list(TASK.items(str(tmp_path / "csl.tsv")))


def test_prompts_are_worded_as_the_text_is() -> None:
    assert TASK.prompt(item("It rains.", "s")).text.startswith("Summarize the following")
    assert TASK.prompt(item("下雨了。", "s")).text.startswith("请用一句话概括")
    assert Summarize(form="In short: {text}").prompt(item("It rains.", "s")).text == "In short: It rains."


def test_a_label_or_quotes_before_a_summary_are_no_part_of_it() -> None:
    assert TASK.parse(item("x", "s"), 'Summary: "It rains."') == "It rains."
    assert TASK.parse(item("x", "s"), "摘要：下雨了。") == "下雨了。"
    assert TASK.parse(item("x", "s"), 'He said "yes" and "no"') == 'He said "yes" and "no"'
    assert TASK.parse(item("x", "s"), "  \n") is None


def test_the_baseline_is_the_first_sentences() -> None:
    text = "One here. Two here!\nThree here? Four."
    assert TASK.guess([item(text, "s"), item("一句。两句！三句？四句。", "s")]) == [
        text[: text.index(" Four")],
        "一句。两句！三句？",
    ]
    assert Summarize(lead=1).guess([item(text, "s")]) == ["One here."]


def test_dialogsum_of_the_shared_data_has_three_summaries_each(shared: Path) -> None:
    found = list(TASK.items(str(shared / "data/dialogsum/dialogsum.test.jsonl")))
    assert len(found) == 500
    assert {len(one.answers) for one in found} == {3}
    assert values(found[:100], TASK.guess(found[:100]))["copied-2"] == 1.0
