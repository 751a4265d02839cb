"""Each rule of Gopher and C4 drops what it is for, by its threshold, and lets good text through, English and Chinese."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import NotFoundError
from sayso.text import words
from sayso.text.cleaning import quality, repetition, web
from sayso.text.cleaning.quality import Gopher
from sayso.text.cleaning.web import C4

GOOD = (
    "The river that runs past the old mill has always been a place where children play in summer. Their parents sit on the "
    "grass and talk about the harvest, the price of bread and the weather. In the evening a ferryman brings people home, "
    "and he tells stories of the days when boats came up from the sea with salt, cloth and letters to everyone in town."
)
GUT = (
    "这条河流经过一座古老的磨坊，夏天的时候孩子们总是在岸边玩耍。父母坐在草地上聊天，谈论今年的收成和天气。到了傍晚，摆渡人把大家送回家里，"
    "他会讲起从前的故事：那时候大船从海上运来盐、布匹和信件，镇上每个人都在码头等待。现在桥已经建好，船却越来越少了，不过老人们依然怀念那段时光。"
)


def test_good_text_passes_in_both_languages() -> None:
    assert quality.refusal(GOOD, Gopher()) is None
    assert quality.refusal(GUT, Gopher()) is None
    assert quality.refusal(GUT, Gopher(segmenter="jieba", words=(30, 1000))) is None
    assert web.refusal(GOOD, C4()) is None
    assert web.refusal(GUT, C4()) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Too short to say.", "gopher: too few words"),
        ("这条河。", "gopher: too few words"),
        (GOOD * 3, "gopher: too many words"),
        (" ".join("it is a to be of" for _ in range(20)), "gopher: words too short"),
        (" ".join(f"incomprehensibilities{n} characteristically{n} the and" for n in range(30)), "gopher: words too long"),
        (GOOD + " # # # # # # # # # # # # # #", "gopher: too many symbols"),
        ("\n".join("- " + sentence for sentence in GOOD.split(". ")), "gopher: nearly every line is a bullet point"),
        (GOOD.replace(". ", "...\n"), "gopher: too many lines end in an ellipsis"),
        (GOOD + " 12345 67890" * 20, "gopher: too few words with letters"),
        (" ".join(f"zebra{n} giraffe{n}" for n in range(40)), "gopher: lacks the words that every text has"),
        (f"{GOOD}\nsame line\nsame line\nsame line\nsame line", "gopher: lines repeat"),
        (f"{GOOD}\n\n{GOOD}", "gopher: lines repeat"),
    ],
)
def test_the_first_broken_rule_is_named(text: str, reason: str) -> None:
    assert quality.refusal(text, Gopher(words=(50, 150))) == reason


def test_what_repeats_within_lines_is_found() -> None:
    loose = Gopher(top_grams={2: 1.0}, repeated_grams={5: 1.0})
    twice = f"{GOOD} {GOOD}"
    assert quality.refusal(twice, loose) is None
    assert quality.refusal(twice, replace(loose, repeated_grams={5: 0.15})) == "gopher: runs of 5 words repeat"
    buy = " ".join(f"buy now {word}" for word in GOOD.split())
    assert quality.refusal(buy, replace(loose, top_grams={2: 0.2})) == "gopher: one run of 2 words repeats"


def slow_grams(found: list[str], size: int) -> tuple[float, float]:
    """The two shares, by looking at every run in turn."""
    whole = sum(map(len, found))
    runs = [tuple(found[at : at + size]) for at in range(len(found) - size + 1)]
    counts = {run: runs.count(run) for run in runs}
    most = max(counts.values(), default=0)
    top = max((sum(map(len, run)) * most for run, count in counts.items() if count == most), default=0) if most > 1 else 0
    covered = {at + step for at, run in enumerate(runs) if run in runs[:at] for step in range(size)}
    return (top / whole, sum(len(found[at]) for at in covered) / whole) if whole else (0.0, 0.0)


@settings(max_examples=60, deadline=None)
@given(found=st.lists(st.sampled_from(["a", "bb", "ccc", "d"]), max_size=25))
def test_shares_of_runs_are_those_of_a_slow_count(found: list[str]) -> None:
    tops, repeats = repetition.grams(found, top=[2, 3, 4], repeated=[2, 3, 5, 10])
    for size, share in tops.items():
        assert share == pytest.approx(slow_grams(found, size)[0])
    for size, share in repeats.items():
        assert share == pytest.approx(slow_grams(found, size)[1])


def test_lines_said_before_are_counted_by_number_and_by_length() -> None:
    found = repetition.lines(["aa", "b", "aa", "aa"])
    assert (found.lines, found.line_characters) == (0.5, 4 / 7)
    assert repetition.lines([]).lines == 0.0


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        ("This line is a whole sentence.", True),
        ('He asked her: "Are you sure?"', True),
        ("这一行是一个完整的句子，应该留下来。", True),
        ("A heading without its mark", False),
        ("Is it so?", False),
        ("And then it goes on and on...", False),
        ("Please enable Javascript to see this page.", False),
        ("By using it you agree to our terms of use.", False),
    ],
)
def test_only_sentences_stay(line: str, *, stays: bool) -> None:
    assert web.sentences_only(f"{line}\nThis line is there to stay.", C4()).startswith(line) is stays


def test_thresholds_of_lines_are_settings() -> None:
    assert web.sentences_only("Is it so?\nA heading without its mark", C4(line_words=1, ends=False)) != ""
    assert web.sentences_only("As they say [12] and so [citation needed] do we.", C4()) == "As they say  and so  do we."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Lorem ipsum dolor sit amet. One. Two. Three.", "c4: lorem ipsum"),
        ("One. Two. Three. x = {}", "c4: a curly bracket"),
        ("One sentence. Two sentences.", "c4: too few sentences"),
        ("One. Two. Three.", None),
        ("一句。两句！三句？", None),
        ("Version 1.2.3 of it is out.", "c4: too few sentences"),
    ],
)
def test_pages_are_dropped_by_what_they_hold(text: str, reason: str | None) -> None:
    assert web.refusal(text, C4()) == reason


def test_bad_words_are_a_file_of_the_users(tmp_path) -> None:
    (tmp_path / "bad.txt").write_text("darn\n坏话\n", encoding="utf-8")
    rules = C4(bad_words=str(tmp_path / "bad.txt"))
    assert web.refusal("Oh Darn it. Two. Three.", rules) == "c4: a bad word"
    assert web.refusal("他说坏话。两句。三句。", rules) == "c4: a bad word"
    assert web.refusal("A darning needle. Two. Three.", rules) is None
    with pytest.raises(NotFoundError, match="there is no file"):
        web.refusal("One. Two. Three.", C4(bad_words="nowhere.txt"))


def test_words_are_between_spaces_and_chinese_ones_are_pairs_or_those_of_jieba() -> None:
    assert words.cut("one, two-three 4") == ["one,", "two-three", "4"]
    assert words.cut("我爱北京，hello。天安门！") == ["我爱", "北京", "hello", "天安", "门"]
    assert words.cut("我爱北京天安门", "jieba") == ["我", "爱", "北京", "天安门"]
    assert words.cut("") == []
    assert words.chinese_share("abc中文汉字") == pytest.approx(4 / 7)


@given(st.text(max_size=80))
def test_cut_words_stand_in_the_text_in_their_order(text: str) -> None:
    at = 0
    for word in words.cut(text):
        at = text.index(word, at) + len(word)
    assert all(one and two for one, two in pairwise(words.cut(text)))
