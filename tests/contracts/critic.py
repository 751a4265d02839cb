"""What every check, every repair and every critic keeps, as plain functions: run them on your own, too.

from tests.contracts.critic import check_a_check, check_a_critic
check_a_check(Check(name="my_module:polite", args={"n": 2}))
check_a_critic(MyCritic(), [Response(prompt=ask("Hi"), text="Hello.")])
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sayso.critics import Critic
from sayso.critics.checking import load_check, repair_of
from sayso.critics.parts import is_sound
from sayso.records import Check, Response, Span, plain

TEXTS = (
    "",
    " \n",
    "Well, I'm fine. And you?",
    "Dear Anna,\n\n- thanks for the cake!\n- see you soon 🙂\n\nLove, Tom",
    "THE TRAIN IS LATE",
    '{"name": "Tom", "age": 7}',
    "您好！火车晚点了。您要不要改签？谢谢😀",
    "?!…，。—“”",
    "a\u0301 e\u200d👨‍👩‍👧 \ud83d \x00 \u2028 ß İ",
    "yes",
)
LONG = (
    "The train to Rome is late, please wait! 火车晚点了。" * 300,
    "!" * 5_000,
    "word " * 2_000,
    "👍" * 500,
    "a. " * 1_000,
)
ARGS = {
    "contains": {"text": ["please", "?"]},
    "excludes": {"text": ["please", "!", "火车", "—"]},
    "equals": {"text": ["yes", "no"]},
    "starts_with": {"text": "Well,"},
    "ends_with": {"text": "Best wishes, Tom"},
    "regex": {"pattern": r"\btrain\b", "absent": True, "case": False},
    "max_words": {"n": 3},
    "min_words": {"n": 3},
    "max_sentences": {"n": 2},
    "min_sentences": {"n": 2},
    "max_chars": {"n": 20},
    "passes_tests": {"tests": "assert double(2) == 4"},
    "verse": {"lines": 4, "characters": 5},
    "bullets": {"n": 2},
    "json_valid": {"keys": ["name"]},
    "all_of": {
        "checks": [{"name": "no_emoji"}, {"name": "starts_with", "args": {"text": "您好，"}}, {"name": "not_question"}]
    },
    "any_of": {"checks": [{"name": "max_words", "args": {"n": 2}}, {"name": "ends_with_question"}]},
}
"""Arguments to try each check with; a check that is not here is tried without any."""


def check_a_check(check: Check) -> None:
    """Assert that a check is a steady function of a text, comes from JSON, and points at what is there."""
    check_comes_from_json(check)
    for text in (*TEXTS, *LONG):
        check_is_steady(check, text)
    for text in TEXTS:
        check_repair_keeps_its_word(check, text)


def check_comes_from_json(check: Check) -> None:
    """Assert that the check is the same check after a trip through JSON."""
    again = Check(**json.loads(json.dumps(plain(check))))
    bound, same = load_check(check), load_check(again)
    assert all(bound(text) == same(text) for text in TEXTS)


def check_is_steady(check: Check, text: str) -> None:
    """Assert that asking twice gives the same answer, with words where it does not hold and true places."""
    held, again = load_check(check)(text), load_check(check)(text)
    assert held == again
    assert held.held == (not held.said)
    check_spans(held.spans, text)
    assert not (held.held and held.spans)


def check_repair_keeps_its_word(check: Check, text: str) -> None:
    """Assert that a repair leaves a good text alone and that what it returns passes and has a letter."""
    repair, bound = repair_of(check), load_check(check)
    if repair is None:
        return
    better = repair(text)
    if bound(text).held:
        assert better == text
    elif better is not None:
        assert bound(better).held
        assert is_sound(better)
        assert repair(better) == better


def check_a_critic(critic: Critic, responses: Sequence[Response]) -> None:
    """Assert that a critic is deterministic, changes nothing and writes comments that can be kept."""
    before = plain(list(responses))
    for response in responses:
        comments = critic.comments(response)
        assert isinstance(comments, tuple)
        assert comments == critic.comments(response)
        for comment in comments:
            assert comment.text.strip()
            assert comment.author
            assert comment.source in ("model", "tool")
            assert comment.response == response
            check_spans(comment.spans, response.text)
            if comment.check is not None:
                assert not load_check(comment.check)(response.text).held, "the check of a comment fails where it was said"
    assert plain(list(responses)) == before


def check_spans(spans: Sequence[Span], text: str) -> None:
    """Assert that spans lie in the text, are not empty, and quote what stands there."""
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        assert span.quote == text[span.start : span.end]
        assert text[: span.start].endswith(span.prefix)
        assert text[span.end :].startswith(span.suffix)
