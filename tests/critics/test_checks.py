from __future__ import annotations

import pytest
from _pytest.mark import ParameterSet

from sayso.critics import CHECKS
from sayso.critics.checking import load_check
from sayso.critics.parts import Held, emoji, questions, sentences, words
from sayso.errors import NotFoundError, SettingsError
from sayso.records import Check
from sayso.tasks.sandbox.world import missing

# check, arguments, a text on which it holds, a text on which it does not
TELLING = [
    ("contains", {"text": "day"}, "A fine day.", "On Saturday."),
    ("contains", {"text": ["Tom", "Anna"]}, "tom and Anna's cat", "Tom's cat"),
    ("contains", {"text": "Tom", "case": True}, "Hi Tom", "hi tom"),
    ("contains", {"text": "don't know"}, "I don’t  know.", "I don know."),
    ("contains", {"text": "Python"}, "用Python写", "用Pythons写"),
    ("contains", {"text": "?"}, "你好吗？", "你好"),
    ("excludes", {"text": "please"}, "I am pleased.", "Please!"),
    ("excludes", {"text": "it"}, "It'll, it’s".replace("It'll, it’s", "I'll sit"), "It's here"),
    ("excludes", {"text": "!"}, "Fine.", "好！"),
    ("excludes", {"text": "火车"}, "汽车来了", "坐火车去"),
    ("equals", {"text": ["yes", "no"]}, " Yes\n", "yes it is"),
    ("starts_with", {"text": "Well,"}, "  well, I am", "Well I am"),
    ("starts_with", {"text": "Well"}, "Well, yes", "Wellington"),
    ("starts_with", {"text": "I'm sorry"}, "I’m sorry.", "I am sorry."),
    ("ends_with", {"text": "Best wishes, Tom"}, "Bye.\nBest wishes, Tom.\n", "Best wishes, Tom and Anna"),
    ("ends_with", {"text": "!"}, "好！", "Good!."),
    ("regex", {"pattern": r"^\d{3}$"}, "abc\n123", "1234"),
    ("regex", {"pattern": "rude", "absent": True, "case": False}, "kind", "RUDE"),
    ("lowercase", {}, "all small 123 好", "Not"),
    ("uppercase", {}, "ALL BIG 123 好", "NOt"),
    ("max_words", {"n": 3}, "one two-three 4!", "one two three four"),
    ("max_words", {"n": 4}, "我很好，OK。", "我很好 two words"),
    ("min_words", {"n": 3}, "我很好", "— one two …"),
    ("max_sentences", {"n": 2}, "Mr. Smith paid 3.50. He left...", "One. Two! Three?"),
    ("min_sentences", {"n": 2}, "好！真的？", "Only one, e.g. this one."),
    ("max_chars", {"n": 4}, " four ", "fives"),
    ("no_emoji", {}, "Plain © text 1 → 2 ♪", "Nice ☺️"),
    ("has_emoji", {}, "Go 🇨🇳", ":-)"),
    ("is_question", {}, "Is it? Yes.", "See https://a.b/?x=1 now"),
    ("not_question", {}, "See https://a.b/?x=1 now", "真的？"),
    ("ends_with_question", {}, "Yes. Is it? 🙂", "Is it? Yes."),
    ("bullets", {}, "To do:\n- eat\n2. sleep", "- one only"),
    ("no_bullets", {}, "Well-known - and 3.5\n-not a list", "* a list"),
    ("json_valid", {}, ' {"a": [1, null]} ', "{'a': NaN}"),
    ("json_valid", {"keys": ["a"]}, '{"a": 1}', '["a"]'),
    ("json_valid", {}, "NaN".replace("NaN", "1"), "NaN"),
    ("all_of", {"checks": [{"name": "no_emoji"}, {"name": "max_words", "args": {"n": 1}}]}, "Hi", "Hi there"),
    ("any_of", {"checks": [{"name": "has_emoji"}, {"name": "max_words", "args": {"n": 1}}]}, "Hi there 🙂", "Hi there"),
    pytest.param(
        "passes_tests",
        {"tests": "assert f(2) == 4"},
        "```python\ndef f(n): return 2 * n\n```",
        "def f(n): return n",
        marks=pytest.mark.skipif(bool(missing()), reason=missing() or "there is a sandbox"),
    ),
    (
        "verse",
        {"lines": 4, "characters": 5},
        "床前明月光，疑是地上霜。\n举头望明月，低头思故乡。",
        "床前明月光，疑是霜。举头望明月，低头思故乡。",
    ),
    ("verse", {"lines": 2, "characters": 5}, "床前明月光\n疑是地上霜", "床前明月光"),
    ("rhymes", {}, "床前明月光，疑是地上霜。举头望明月，低头思故乡。", "床前明月光，疑是地上雪。举头望明月，低头思故乡。"),
]


@pytest.mark.parametrize(("name", "args", "good", "bad"), TELLING)
def test_a_check_tells_good_from_bad(name: str, args: dict, good: str, bad: str) -> None:
    check = load_check(Check(name=name, args=args))
    assert check(good) == Held(held=True)
    assert not check(bad).held
    assert check(bad).said


def test_every_check_is_told_apart_here() -> None:
    assert {item.values[0] if isinstance(item, ParameterSet) else item[0] for item in TELLING} == set(CHECKS)


def _quotes(name: str, response: str, /, **args: object) -> list[str]:
    return [span.quote for span in load_check(Check(name=name, args=args))(response).spans]


def test_the_places_of_a_violation_are_quoted() -> None:
    assert _quotes("excludes", "Please, oh please!", text="please") == ["Please", "please"]
    assert _quotes("max_words", "One two. Three four.", n=3) == ["four."]
    assert _quotes("max_sentences", "One. Two. Three.", n=1) == ["Two. Three."]
    assert _quotes("not_question", "So. And you? Well. Me?") == ["And you?", "Me?"]
    assert _quotes("no_emoji", "A 👨‍👩‍👧 b 👍🏽") == ["👨‍👩‍👧", "👍🏽"]


def test_what_is_wrong_is_said_in_words() -> None:
    check = load_check(Check(name="excludes", args={"text": "please"}))
    assert check("Please, please.").said == 'It contains "please" (2 times); it must not.'
    check = load_check(Check(name="max_words", args={"n": 2}))
    assert check("One two three.").said == "It has 3 words; at most 2 are wanted."


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("well-known 3.5%", 2),
        ("我爱Python3编程", 5),
        ("a—b", 2),
        ("- … !", 0),
        ("It’s 好，不错 ok", 5),
        ("한국어 말", 2),
    ],
)
def test_words_are_counted_in_english_and_chinese(text: str, count: int) -> None:
    assert len(words(text)) == count


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hi. You? Yes!", ["Hi.", "You?", "Yes!"]),
        ("你好！我很好。你呢？", ["你好！", "我很好。", "你呢？"]),
        ('He said "Go." Then he went.', ['He said "Go."', "Then he went."]),
        ("Dear Anna,\n\nThanks", ["Dear Anna,", "Thanks"]),
        ("Well... maybe so. Dr. No paid 3.5 p.a. now", ["Well... maybe so.", "Dr. No paid 3.5 p.a.", "now"]),
        ("1. Eat\n2. Sleep", ["1. Eat", "2. Sleep"]),
        ("Fine!!! 🙂", ["Fine!!!"]),
        ("...", []),
    ],
)
def test_sentences_are_found_in_english_and_chinese(text: str, found: list[str]) -> None:
    assert [text[place.start : place.end] for place in sentences(text)] == found


def test_emoji_and_question_marks_are_found() -> None:
    assert len(emoji("👩🏽‍💻🇨🇳🇫🇷1️⃣❤️‍🔥 ©™1#*")) == 5
    assert len(questions("Is it? https://a.b/?q https://c.d? 吗？")) == 3


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        (
            "excludes",
            {"txt": "x"},
            "check 'excludes': unknown argument 'txt'; did you mean 'text'? Expected: text, case",
        ),
        ("no_emoji", {"n": 1}, "check 'no_emoji': unknown argument 'n'; it takes none"),
        ("max_words", {}, "check 'max_words' lacks n; expected n"),
        ("max_words", {"n": "3"}, "check 'max_words': n='3'; expected a whole number"),
        ("max_words", {"n": True}, "check 'max_words': n=True; expected a whole number"),
        ("max_words", {"n": 0}, "check 'max_words': n=0; expected a whole number from 1"),
        ("contains", {"text": 7}, "check 'contains': text=7; expected text or a list of text"),
        ("contains", {"text": " "}, "check 'contains': text=' '; expected words that are not empty"),
        ("regex", {"pattern": "("}, "check 'regex': pattern '(' is not a regular expression"),
        ("all_of", {"checks": []}, "check 'all_of': checks is empty; expected one {'name': ..., 'args': ...} or more"),
        ("any_of", {"checks": [{"nam": "x"}]}, "check 'any_of': found {'nam': 'x'} among its checks"),
        ("all_of", {"checks": [{"name": "no_emoji", "args": {"x": 1}}]}, "check 'no_emoji': unknown argument 'x'"),
    ],
)
def test_wrong_arguments_are_said_when_the_check_is_loaded(name: str, args: dict, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_check(Check(name=name, args=args))
    assert str(caught.value).startswith(said)


def test_a_wrong_name_gets_a_suggestion() -> None:
    with pytest.raises(NotFoundError, match="did you mean 'max_words'"):
        load_check(Check(name="max_wrods", args={"n": 1}))


def shouts(text: str, *, n: int = 1) -> bool:
    return text.count("!") >= n


def counts(text: str) -> int:
    return len(text)


def test_an_outside_check_may_return_true_or_false() -> None:
    check = load_check(Check(name=f"{__name__}:shouts", args={"n": 2}))
    assert check("Hey!!").held
    assert "shouts" in check("Hey!").said


def test_an_outside_check_that_returns_a_number_is_refused() -> None:
    with pytest.raises(SettingsError, match="expected true, false or a Held"):
        load_check(Check(name=f"{__name__}:counts"))("Hey")


def test_an_outside_checks_arguments_are_verified_too() -> None:
    with pytest.raises(SettingsError, match="n='2'; expected a whole number"):
        load_check(Check(name=f"{__name__}:shouts", args={"n": "2"}))
