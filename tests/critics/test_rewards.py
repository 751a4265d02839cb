"""What a new answer earns by the checks of comments that were made on an earlier one."""

from __future__ import annotations

import pytest

from sayso.critics.rewards import judge_of, refuse_unchecked
from sayso.errors import PreflightError
from sayso.records import Check, Comment, Response, ask

E = Comment(text="Use an e.", check=Check(name="regex", args={"pattern": "e"}))
BRIEF = Comment(text="At most three words.", check=Check(name="max_words", args={"n": 3}))


def on(text):
    return Response(prompt=ask("Greet me."), text=text)


@pytest.mark.parametrize(
    ("text", "reward", "failing"),
    [("hey", 1.0, ()), ("oh", 0.5, (E,)), ("he he he he", 0.5, (BRIEF,)), ("o o o o", 0.0, (E, BRIEF)), ("", 0.0, (E,))],
)
def test_the_share_of_the_checks_that_hold(text, reward, failing):
    judged = judge_of([E, BRIEF])(text)
    assert (judged.reward, judged.failing) == (reward, failing)


def test_a_text_much_longer_or_shorter_than_the_response_earns_nothing():
    short, long = judge_of([E], on("one two three")), judge_of([E], on("word " * 60))
    assert [short("e " * count).reward for count in (1, 19, 20)] == [1, 1, 0]
    assert [long("e " * count).reward for count in (9, 10, 190)] == [0, 1, 1]


def test_a_check_on_length_may_ask_for_another_one():
    assert judge_of([BRIEF], on("word " * 60))("well then").reward == 1


def test_comments_without_a_check_are_named_once_and_only_the_first_few():
    loose = [Comment(text=f"Be {word}.") for word in ("kind", "warm", "sly", "shy")]
    names = ", ".join(rf"{comment.id} \({comment.text}\)" for comment in loose[:3])
    with pytest.raises(PreflightError, match=f"4 of 5 comments have no check, .*: {names}, ...;"):
        refuse_unchecked([E, *loose, *loose])
    refuse_unchecked([E])
