from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.contracts.critic import ARGS

from sayso.critics import CHECKS
from sayso.critics.checking import REPAIRS, load_check, repair_of
from sayso.critics.parts import is_sound
from sayso.records import Check

REPAIRED = [
    ("starts_with", {"text": "Well,"}, "I'm fine.", "Well, I'm fine."),
    ("starts_with", {"text": "Well,"}, "The train is late.", "Well, the train is late."),
    ("starts_with", {"text": "Well,"}, "Anna is late.", "Well, Anna is late."),
    ("starts_with", {"text": "Well,"}, "Well I'm late.", "Well, I'm late."),
    ("starts_with", {"text": "Of course!"}, "The train is late.", "Of course! The train is late."),
    ("starts_with", {"text": "Sure", "case": True}, "sure, go", "Sure, go"),
    ("starts_with", {"text": "您好"}, "火车晚点了。", "您好，火车晚点了。"),
    ("ends_with", {"text": "Cheers"}, "Thanks for it", "Thanks for it. Cheers"),
    ("ends_with", {"text": "Love, Tom"}, "Dear A,\n\nThanks.\n", "Dear A,\n\nThanks.\nLove, Tom"),
    ("ends_with", {"text": "!"}, "Thanks.", "Thanks!"),
    ("ends_with", {"text": "祝好"}, "谢谢你", "谢谢你。祝好"),
    ("excludes", {"text": "please"}, "Please send it.", "Send it."),
    ("excludes", {"text": "please"}, "Send it, please.", "Send it."),
    ("excludes", {"text": "please"}, "Send it, please, now.", "Send it, now."),
    ("excludes", {"text": "please"}, "Thanks. Please. Ok", "Thanks. Ok"),
    ("excludes", {"text": "!"}, "Hi! How are you!? Fine!!", "Hi. How are you? Fine."),
    ("excludes", {"text": "！"}, "你好！谢谢！", "你好。谢谢。"),
    ("excludes", {"text": "?"}, "I'm fine. And you?", "I'm fine."),
    ("not_question", {}, "I'm fine. And you?", "I'm fine."),
    ("not_question", {}, "How are you?", "How are you."),
    ("not_question", {}, "我很好。你呢？", "我很好。"),
    ("max_words", {"n": 4}, "This is one. This is two.", "This is one."),
    ("max_words", {"n": 2}, "Well, this, is one.", "Well, this."),
    ("max_words", {"n": 3}, "今天天气不错", "今天天。"),
    ("max_chars", {"n": 8}, "This is one.", "This is."),
    ("max_sentences", {"n": 1}, "One. Two. 🙂", "One."),
    ("no_emoji", {}, "Great 😀! Hi 👍🏽 there 🇨🇳", "Great! Hi there"),
    ("has_emoji", {}, "Hi.", "Hi. 🙂"),
    ("contains", {"text": "order number"}, "Hi.", "Hi. Order number."),
    ("contains", {"text": "谢谢"}, "你好", "你好。谢谢。"),
    ("equals", {"text": ["positive", "negative"]}, "It is good.", "positive"),
    ("lowercase", {}, "Hi Tom", "hi tom"),
    ("uppercase", {}, "Hi Tom", "HI TOM"),
    ("is_question", {}, "Fine", "Fine. What do you think?"),
    ("ends_with_question", {}, "天气不错", "天气不错。你觉得呢？"),
    ("bullets", {}, "Eat. Sleep.", "- Eat.\n- Sleep."),
    ("no_bullets", {}, "Buy:\n- milk\n- eggs.\nBye", "Buy:\nmilk. eggs.\nBye"),
    ("all_of", {"checks": [{"name": "not_question"}, {"name": "starts_with", "args": {"text": "Well,"}}]}, "It is. Ok?",
     "Well, it is."),
    ("any_of", {"checks": [{"name": "json_valid"}, {"name": "ends_with", "args": {"text": "Bye"}}]}, "Hi.", "Hi. Bye"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "text", "better"), REPAIRED)
def test_a_repair_changes_as_little_as_it_can(name: str, args: dict, text: str, better: str) -> None:
    repair = repair_of(Check(name=name, args=args))
    assert repair is not None
    assert repair(text) == better


def test_every_repair_is_shown_here_and_belongs_to_a_check() -> None:
    assert {item[0] for item in REPAIRED} == set(REPAIRS)
    assert set(REPAIRS) <= set(CHECKS)


@pytest.mark.parametrize(("name", "text"), [("no_emoji", "👍👍"), ("not_question", "?"), ("excludes", "Please!")])
def test_a_repair_never_leaves_nothing(name: str, text: str) -> None:
    repair = repair_of(Check(name=name, args={"text": "please"} if name == "excludes" else {}))
    assert repair is not None
    assert repair(text) is None


def test_a_check_without_a_repair_has_none() -> None:
    assert repair_of(Check(name="json_valid")) is None
    assert repair_of(Check(name="min_words", args={"n": 9})) is None


def shouts(text: str) -> bool:
    return text.endswith("!")


shouts.repair = lambda text: text + "!"  # type: ignore[attr-defined]


def test_an_outside_check_brings_its_own_repair() -> None:
    repair = repair_of(Check(name=f"{__name__}:shouts"))
    assert repair is not None
    assert repair("Hey") == "Hey!"


PIECES = st.sampled_from(
    ["please", "Please", "Well", "I'm", "fine", "the", "train", "Tom", "您好", "火车", "很好", "Best wishes", "🙂", "👍🏽",
     "🇨🇳", "- ", "\n", "\n\n", "1. ", ". ", ", ", "! ", "? ", "！", "？", "。", "，", "…", "—", '"', "”", " ", "  ", "3.5", "https://a.b/?c"]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=40), st.lists(PIECES, max_size=14).map("".join), st.lists(PIECES, max_size=14).map(" ".join)
)


@pytest.mark.parametrize("name", REPAIRS)
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
@example(text="")
def test_what_a_repair_returns_passes_and_what_passes_is_left_alone(name: str, text: str) -> None:
    check = Check(name=name, args=ARGS.get(name, {}))
    repair, holds = repair_of(check), load_check(check)
    assert repair is not None
    better = repair(text)
    if holds(text).held:
        assert better == text
    elif better is not None:
        assert holds(better).held
        assert is_sound(better)


SENTENCES = st.lists(
    st.sampled_from(["I'm fine.", "Please wait for the train!", "The train is late.", "Are you there?",
                     "您好！", "火车晚点了。", "See you 🙂"]),
    min_size=1, max_size=5, unique=True,
).map(" ".join)  # fmt: skip
NEVER_STUCK = {"contains", "equals", "starts_with", "ends_with", "lowercase", "uppercase", "max_words", "max_sentences"}
ALWAYS = sorted(NEVER_STUCK | {"has_emoji", "not_question"})


@pytest.mark.parametrize("name", ALWAYS)
@settings(max_examples=40, deadline=None)
@given(text=SENTENCES)
def test_ordinary_sentences_can_always_be_repaired(name: str, text: str) -> None:
    repair = repair_of(Check(name=name, args=ARGS.get(name, {})))
    assert repair is not None
    assert repair(text) is not None
