from __future__ import annotations

import pytest

from sayso.critics.checking import load_check
from sayso.critics.words import NotUnderstood, Understood, check_from_words
from sayso.records import Check

# comment, check, arguments, scope
UNDERSTOOD = [
    ('Start with "Well,".', "starts_with", {"text": "Well,"}, ""),
    ("Start your answer with “Of course!”", "starts_with", {"text": "Of course!"}, ""),
    ('Start your answer with "Of course!" when somebody asks you for help.', "starts_with", {"text": "Of course!"},
     "somebody asks you for help"),
    ("When somebody tells you bad news, start with \"I'm sorry to hear that.\"", "starts_with",
     {"text": "I'm sorry to hear that."}, "somebody tells you bad news"),
    ("Please always begin your reply with 'Dear friend'.", "starts_with", {"text": "Dear friend"}, ""),
    ('You should open with "Hello" or "Hi".', "starts_with", {"text": ["Hello", "Hi"]}, ""),
    ('End your answer with "You made my day!" when somebody pays you a compliment.', "ends_with",
     {"text": "You made my day!"}, "somebody pays you a compliment"),
    ('Finish with "Cheers"', "ends_with", {"text": "Cheers"}, ""),
    ('sign off with "Best wishes, Tom"', "ends_with", {"text": "Best wishes, Tom"}, ""),
    ('In letters to my aunt, sign off with "Love, Tom".', "ends_with", {"text": "Love, Tom"}, "In letters to my aunt"),
    ('Close every email with "Kind regards".', "ends_with", {"text": "Kind regards"}, ""),
    ('Never say "please".', "excludes", {"text": "please"}, ""),
    ('Never say "sorry."', "excludes", {"text": "sorry"}, ""),
    ('Don\'t say "great" when somebody tells you about a hobby of theirs.', "excludes", {"text": "great"},
     "somebody tells you about a hobby of theirs"),
    ("Don’t mention ‘the weather’", "excludes", {"text": "the weather"}, ""),
    ('Do not use "utilise", "leverage" or "synergy".', "excludes", {"text": ["utilise", "leverage", "synergy"]}, ""),
    ("Avoid the word very.", "excludes", {"text": "very"}, ""),
    ('Stop using the phrase "at the end of the day".', "excludes", {"text": "at the end of the day"}, ""),
    ("Never say sorry.", "excludes", {"text": "sorry"}, ""),
    ('Always mention "order number".', "contains", {"text": "order number"}, ""),
    ('Include "thank you" in every letter.', "contains", {"text": "thank you"}, "in every letter"),
    ('Make sure to include the words "free" and "today".', "contains", {"text": ["free", "today"]}, ""),
    ("Answer in at most five words when somebody asks about your plans.", "max_words", {"n": 5},
     "somebody asks about your plans"),
    ("Use no more than 40 words.", "max_words", {"n": 40}, ""),
    ("no more than twenty-five words please", "max_words", {"n": 25}, ""),
    ("Keep it under 100 words.", "max_words", {"n": 99}, ""),
    ("Fewer than 3 sentences.", "max_sentences", {"n": 2}, ""),
    ("Don't use more than two sentences.", "max_sentences", {"n": 2}, ""),
    ("Don't write more than 1,000 words.", "max_words", {"n": 1000}, ""),
    ("Answer in one sentence.", "max_sentences", {"n": 1}, ""),
    ("50 words or less", "max_words", {"n": 50}, ""),
    ("At least 20 words.", "min_words", {"n": 20}, ""),
    ("Write at least three sentences when you explain something.", "min_sentences", {"n": 3}, "you explain something"),
    ("More than 10 words.", "min_words", {"n": 11}, ""),
    ("At most 280 characters.", "max_chars", {"n": 280}, ""),
    ("No emoji.", "no_emoji", {}, ""),
    ("Don't use emojis", "no_emoji", {}, ""),
    ("When you write to my boss, don't use emoji", "no_emoji", {}, "you write to my boss"),
    ("No emoji in emails to my boss.", "no_emoji", {}, "in emails to my boss"),
    ("Please avoid emojis for my boss", "no_emoji", {}, "for my boss"),
    ("Emails to my boss should not have emoji.", "no_emoji", {}, "Emails to my boss"),
    ("If the reader is a customer never use any emoji.", "no_emoji", {}, "the reader is a customer"),
    ("Use an emoji.", "has_emoji", {}, ""),
    ("Always add at least one emoji", "has_emoji", {}, ""),
    ("Ask a question at the end.", "ends_with_question", {}, ""),
    ("End with a question.", "ends_with_question", {}, ""),
    ("Ask a question.", "is_question", {}, ""),
    ("Don't ask questions.", "not_question", {}, ""),
    ("No question marks", "not_question", {}, ""),
    ("Stop asking me questions.", "not_question", {}, ""),
    ("No exclamation marks.", "excludes", {"text": "!"}, ""),
    ("Please don't use exclamation points!", "excludes", {"text": "!"}, ""),
    ("Use bullet points.", "bullets", {}, ""),
    ("Answer with a list when I ask for steps", "bullets", {}, "I ask for steps"),
    ("No bullets.", "no_bullets", {}, ""),
    ("Don't use bullet points in letters.", "no_bullets", {}, "in letters"),
    ("Write in lowercase.", "lowercase", {}, ""),
    ("Answer only in valid JSON.", "json_valid", {}, ""),
    ('Answer only "yes" or "no".', "equals", {"text": ["yes", "no"]}, ""),
    ("以“您好”开头。", "starts_with", {"text": "您好"}, ""),
    ("请用“亲爱的朋友”作为开头", "starts_with", {"text": "亲爱的朋友"}, ""),
    ("给老板写邮件时，以“尊敬的”开头。", "starts_with", {"text": "尊敬的"}, "给老板写邮件"),
    ("以“祝好”结尾", "ends_with", {"text": "祝好"}, ""),
    ("最后加上「谢谢」", "ends_with", {"text": "谢谢"}, ""),
    ("不要说“对不起”。", "excludes", {"text": "对不起"}, ""),
    ("请不要使用“非常”这个词", "excludes", {"text": "非常"}, ""),
    ("避免使用“首先”、“其次”", "excludes", {"text": ["首先", "其次"]}, ""),
    ("别提“价格”", "excludes", {"text": "价格"}, ""),
    ("必须包含“订单号”", "contains", {"text": "订单号"}, ""),
    ("不超过50个字。", "max_words", {"n": 50}, ""),
    ("回答不要超过三句话", "max_sentences", {"n": 3}, ""),
    ("最多二十个字", "max_words", {"n": 20}, ""),
    ("控制在100字以内", "max_words", {"n": 100}, ""),
    ("至少写两句", "min_sentences", {"n": 2}, ""),
    ("少于10个字", "max_words", {"n": 9}, ""),
    ("用一句话回答。", "max_sentences", {"n": 1}, ""),
    ("不要用表情。", "no_emoji", {}, ""),
    ("写信给老板的时候，别用emoji", "no_emoji", {}, "写信给老板"),
    ("在正式邮件里不要用表情符号", "no_emoji", {}, "在正式邮件里"),
    ("如果对方是客户，不要用表情。", "no_emoji", {}, "对方是客户"),
    ("加一个表情", "has_emoji", {}, ""),
    ("不要提问。", "not_question", {}, ""),
    ("不要反问我", "not_question", {}, ""),
    ("最后问一个问题", "ends_with_question", {}, ""),
    ("不要用感叹号", "excludes", {"text": "！"}, ""),
    ("不要用列表", "no_bullets", {}, ""),
    ("用列表回答", "bullets", {}, ""),
]  # fmt: skip

NOT_UNDERSTOOD = [
    "Be kinder.", "Use a friendly tone.", "This is wrong.", "Be shorter.", "Too long!", "Keep it brief.",
    "Don't be rude.",
    "Never lie about the price.", "Start with the most important thing.", "Explain it to a child.", "Use simple words.",
    "Don't say rude things.", "Never say anything bad.", "Sound like a pirate.", "Ask better questions.", "I love it.",
    "It has no emoji.",
    "This answer does not list if there are other things.", "It doesn't end with a question.", "It is over 50 words.",
    "There are no bullets.",
    "", "   ",
    "Don't use emoji unless the reader is a friend.", "At least 0 words.", "Mention the deadline.", "Use fewer emoji.",
    "语气友好一点。", "短一点", "不要太啰嗦", "写得更好", "这不对。", "别说这么多",
    "除非是朋友，不要用表情", "开头要有礼貌", "“你好”",
    "Never start with an apology.", "Don't use long words.", "end on a high note", "Write more words.",
]  # fmt: skip


@pytest.mark.parametrize(("words", "name", "args", "scope"), UNDERSTOOD, ids=[item[0] for item in UNDERSTOOD])
def test_a_comment_that_can_be_counted_gives_its_check_and_scope(words: str, name: str, args: dict, scope: str) -> None:
    assert check_from_words(words) == Understood(check=Check(name=name, args=args), scope_text=scope)


@pytest.mark.parametrize("words", NOT_UNDERSTOOD)
def test_a_comment_that_cannot_be_counted_is_not_guessed(words: str) -> None:
    found = check_from_words(words)
    assert isinstance(found, NotUnderstood)
    assert found.reason
    assert found.examples


@pytest.mark.parametrize("words", ["Be shorter.", "太长了", "Please be brief"])
def test_a_length_without_a_number_is_asked_for(words: str) -> None:
    found = check_from_words(words)
    assert isinstance(found, NotUnderstood)
    assert "how many words" in found.reason


@pytest.mark.parametrize("example", NotUnderstood(reason="").examples)
def test_every_example_that_is_offered_is_understood(example: str) -> None:
    assert isinstance(check_from_words(example), Understood)


@pytest.mark.parametrize("words", [item[0] for item in UNDERSTOOD])
def test_every_check_that_is_read_can_be_loaded(words: str) -> None:
    found = check_from_words(words)
    assert isinstance(found, Understood)
    load_check(found.check)("Some text. 一些文字。")


def test_two_effects_become_one_check_of_both() -> None:
    found = check_from_words('Start with "Hello" and don\'t use emoji when you write to Anna.')
    assert isinstance(found, Understood)
    assert found.scope_text == "you write to Anna"
    holds = load_check(found.check)
    assert [holds(text).held for text in ("Hello Anna.", "Hi Anna.", "Hello Anna 🙂")] == [True, False, False]


@pytest.mark.parametrize(
    ("words", "good", "bad"),
    [
        ('Don\'t start with "Sure".', "Yes. Sure.", "Sure, here it is."),
        ('Never end with "Cheers".', "Cheers and bye.", "Bye. Cheers!"),
        ("Don't end with a question.", "Why? Because.", "Because. Why?"),
        ('Say "yes" or "no".', "No, thanks.", "Perhaps."),
        ("Exactly 3 words.", "One two three.", "One two."),
        ("不要以“好的”开头", "您好", "好的，没问题"),
        ("不超过10个字，不要用表情", "你好", "你好🙂"),
    ],
)
def test_a_check_that_is_read_tells_good_from_bad(words: str, good: str, bad: str) -> None:
    found = check_from_words(words)
    assert isinstance(found, Understood)
    holds = load_check(found.check)
    assert (holds(good).held, holds(bad).held) == (True, False)


@pytest.mark.parametrize("piece", ["说", "使用", "no ", "please ", "when you, ", '"a" or ', "in at for ", "不要", "加上"])
def test_a_very_long_comment_is_refused_and_a_long_one_is_read_in_bounded_time(piece: str) -> None:
    assert isinstance(check_from_words((piece * 500)[:500]), NotUnderstood | Understood)
    assert isinstance(check_from_words(piece * 500), NotUnderstood)
