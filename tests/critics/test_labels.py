"""A comment on a label is read: the class it names, the words it marks, and what follows where it names no class."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.critics.labels import Label, Mark, Reader, marks, named_label, read, reader_of, without
from sayso.errors import ModelError
from sayso.models.classical import linear
from sayso.models.classical.linear import Examples
from sayso.records import Comment, Message, Prompt, Response, Span, ask

ENGLISH, CHINESE = ("negative", "positive"), ("正面", "负面")
TEXT = "It could  have been great. Don't buy, it 's dull and dull"


def said(text: str, *, given: str = "positive", about: str = TEXT, **more: object) -> Comment:
    return Comment(text=text, response=Response(prompt=ask(about), text=given), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "negative: 'could have been great' is irony", "Negative - it's ironic", "negative.", "'negative': dull",
        "should be negative", "This should have been labelled as 'negative', see “boring”", "it is clearly negative",
        "not positive, but negative", "negative, not positive", "negative rather than positive", "the label is negative",
        "the correct label: negative", "positive about the actor, overall it should be negative", "「negative：太差」",
    ],
)  # fmt: skip
def test_a_class_that_is_named_in_english_is_read(text: str) -> None:
    assert named_label(text, ENGLISH) == "negative"


@pytest.mark.parametrize(
    "text",
    [
        "负面：“还不如不看”是反话", "「负面：反话」", "应为 负面", "应该是负面，“太慢”", "不是正面，而是负面",
        "是负面，不是正面", "标签应为负面", "正确的标签是负面", "改成负面吧", "标为负面才对", "负面", "这是负面。",
    ],
)  # fmt: skip
def test_a_class_that_is_named_in_chinese_is_read(text: str) -> None:
    assert named_label(text, CHINESE) == "负面"


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("the reviewer is negative about the lens but it is a positive thing", ENGLISH),
        ("should not be positive", ENGLISH), ("this is wrong", ENGLISH), ("should be positive or negative", ENGLISH),
        ("I am positive that this is wrong", ENGLISH), ("'positive' stands there in jest", ENGLISH),
        ("这个评价说正面的话太多", CHINESE), ("不应该是正面", CHINESE), ("这不是正面", CHINESE), ("negative: dull", ()),
        ("nonnegative: dull", ENGLISH),
    ],
)  # fmt: skip
def test_what_names_no_class_or_more_than_one_is_not_guessed_at(text: str, labels: tuple[str, ...]) -> None:
    assert named_label(text, labels) is None


def test_the_longer_of_two_classes_with_one_beginning_is_read() -> None:
    assert named_label("very bad: it broke", ("bad", "very bad")) == "very bad"


def test_quoted_words_are_marked_wherever_they_stand_whatever_their_capitals_and_spaces() -> None:
    comment = said("negative: 'Could have been great' is irony, and “dull”; 'ull' and 'nowhere' mark nothing")
    found = marks([comment], ask(TEXT))
    assert [TEXT[mark.start : mark.end] for mark in found] == ["could  have been great", "dull", "dull"]
    assert without(ask(TEXT), found) == ("It . Don't buy, it 's and",)


def test_an_apostrophe_is_no_quotation_mark() -> None:
    found = marks([said("negative: it's 'Don't buy' that says it, isn't it")], ask(TEXT))
    assert [TEXT[mark.start : mark.end] for mark in found] == ["Don't buy"]


def test_chinese_words_are_marked_within_others_and_in_the_second_text_too() -> None:
    prompt = Prompt(messages=(Message(role="user", content="服务还不如不看"), Message(role="user", content="太慢了，太慢")))
    found = marks([Comment(text="负面：“不如不看”「太慢」")], prompt)
    assert found == (Mark(turn=0, start=3, end=7), Mark(turn=1, start=0, end=2), Mark(turn=1, start=4, end=6))


def test_a_span_marks_the_words_it_holds() -> None:
    comment = said("negative", spans=(Span(start=0, end=4, quote="dull"),))
    assert [TEXT[mark.start : mark.end] for mark in marks([comment], ask(TEXT))] == ["dull", "dull"]


def test_a_named_class_stands_above_what_would_follow() -> None:
    found = read([said("positive: 'great'", polarity=-1.0)], ENGLISH)
    assert found is not None
    assert (found.label, found.named, len(found.marks)) == ("positive", True, 1)


@pytest.mark.parametrize(
    ("comment", "label"),
    [
        (said("this is wrong"), "negative"), (said("well seen", kind="keep"), "positive"),
        (said("well seen", polarity=0.5), "positive"), (said("no", polarity=-0.5), "negative"),
        (said("why?", kind="question"), None), (said("hm", polarity=0.0), None),
    ],
)  # fmt: skip
def test_of_two_classes_the_other_is_meant_where_fault_is_found(comment: Comment, label: str | None) -> None:
    found = read([comment], ENGLISH)
    assert (found.label if found else None) == label
    assert read([said("this is wrong")], (*ENGLISH, "neutral")) is None


def test_words_that_no_one_judged_are_read_by_a_classifier() -> None:
    assert read([said("oh yes")], ENGLISH, reader=Reader(polarity=lambda _text: 0.4)).label == "positive"  # type: ignore[union-attr]
    assert read([said("oh no")], ENGLISH, reader=Reader(polarity=lambda _text: -0.4)).label == "negative"  # type: ignore[union-attr]
    assert read([said("oh no", polarity=1.0)], ENGLISH, reader=Reader(polarity=lambda _text: -1.0)).label == "positive"  # type: ignore[union-attr]


def test_comments_that_disagree_come_to_nothing() -> None:
    assert read([said("negative: dull"), said("positive: great")], ENGLISH) is None
    assert read([Comment(text="negative: dull")], ENGLISH) is None


def test_the_refiner_gives_the_class_or_says_why_not() -> None:
    asked = [said("negative: 'dull'"), said("a word"), said("positive indeed", kind="keep")]
    requests = [(comment.response, (comment,)) for comment in asked if comment.response]
    found = Label(labels=(*ENGLISH, "neutral")).refine(requests)
    assert [kept.text if kept else None for kept, _why in found] == ["negative", None, None]
    assert found[0][0].addresses == (asked[0].id,)  # type: ignore[union-attr]
    assert [why[0].reason for _kept, why in found[1:]] == [
        "The comments name no class, or more than one.", "The comments say that the class is right.",
    ]  # fmt: skip


def test_which_class_is_meant_is_read_by_a_classifier_where_no_class_is_named() -> None:
    three = (*ENGLISH, "neutral")
    reader = Reader(meant=lambda text: "neutral" if "so so" in text else None)
    found = read([said("it is so so")], three, reader=reader)
    assert found is not None
    assert (found.label, found.named) == ("neutral", False)
    assert read([said("negative: so so")], three, reader=reader).label == "negative"  # type: ignore[union-attr]
    assert read([said("so so, as it says", kind="keep")], three, reader=reader).label == "positive"  # type: ignore[union-attr]
    assert read([said("hm")], three, reader=reader) is None


def _classifier(folder: Path, labels: tuple[str, ...]) -> Path:
    words = ("wrong", "fine", "so so")[: len(labels)]
    texts = [(f"{word} {more}", "") for word in words for more in ("clear", "answer", "text", "indeed")]
    classes = [number for number, _word in enumerate(words) for _ in range(4)]
    learnt = Examples(texts=texts, classes=classes, weights=[1.0] * len(texts))
    best = lambda logits: float((logits.argmax(1) == classes).mean())  # noqa: E731 - one line
    linear.fit(learnt, texts, best, labels).save(folder)
    return folder


def test_a_classifier_of_comments_says_how_good_they_find_it(tmp_path: Path) -> None:
    polarity = reader_of(_classifier(tmp_path / "right", ("bad", "good")), ENGLISH).polarity
    assert polarity is not None
    assert -1 <= polarity("wrong") < 0 < polarity("fine") <= 1
    found = Label(labels=ENGLISH, reader=str(tmp_path / "right")).refine([(said("").response, (said("fine"),))])  # type: ignore[list-item]
    assert found[0][1][0].reason == "The comments say that the class is right."


def test_a_classifier_of_comments_with_the_answers_classes_says_which_is_meant(tmp_path: Path) -> None:
    three = ("positive", "neutral", "negative")
    folder = _classifier(tmp_path / "three", ("negative", "positive", "neutral"))
    meant = reader_of(folder, three).meant
    assert meant is not None
    assert [meant("wrong"), meant("fine"), meant("so so")] == ["negative", "positive", "neutral"]
    assert meant("zzz") is None, "no word of it was ever seen: no class reaches a half"
    asked = said("it was so so")
    kept, _why = Label(labels=three, reader=str(folder)).refine([(asked.response, (asked,))])[0]  # type: ignore[list-item]
    assert kept is not None
    assert kept.text == "neutral"


def test_a_classifier_of_other_things_reads_no_comment(tmp_path: Path) -> None:
    folder = _classifier(tmp_path / "wrong", ("no", "yes"))
    with pytest.raises(ModelError, match=r"has the classes no, yes; expected .* good and bad, or negative, positive"):
        reader_of(folder, ENGLISH)
