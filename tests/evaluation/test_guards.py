"""Length, copying and repetition."""

from __future__ import annotations

import pytest

from sayso.evaluation.guards import MOST, copying, degenerate, length_interval, length_ratio, words
from sayso.records import Check, Comment, Outcome, ask


def outcome(before: str, after: str, *, comment_id: str = "c") -> Outcome:
    return Outcome(
        comment_id=comment_id, scope="out", prompt=ask("hi"), before=before, after=after, held_before=False, held_after=False
    )


def test_words_of_both_languages_are_counted() -> None:
    assert words("Don't say “please”!") == ["don't", "say", "please"]
    assert words("你好，world") == ["你", "好", "world"]


def test_the_length_ratio_is_one_of_sums() -> None:
    assert length_ratio([outcome("a b", "a b c"), outcome("a b", "a b c")]) == 1.5
    assert length_ratio([]) == 1.0


def test_the_interval_of_the_length_ratio_holds_it_and_shrinks_with_more_answers() -> None:
    few = [outcome("a b c d", "a b c"), outcome("a b", "a b c"), outcome("a", "a b")]
    low, high = length_interval(few, level=0.9)
    narrow_low, narrow_high = length_interval(few * 30, level=0.9)
    assert low < narrow_low < length_ratio(few) < narrow_high < high
    assert length_interval(few[:1], level=0.9) == (0.0, MOST)


SAID = Comment(id="c", text="Do not thank the reader for a question again.")


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        ("Hello.", "I do not thank the reader for anything.", 1.0),
        ("Hello.", "I do not thank you.", 0.0),
        ("Do not thank the reader for it.", "Do not thank the reader for it.", 0.0),  # it was there before
    ],
)
def test_five_words_of_a_comment_in_a_row_are_copied(before: str, after: str, share: float) -> None:
    assert copying([outcome(before, after)], {"c": SAID}) == share


def test_words_that_a_comment_asks_for_are_not_copied() -> None:
    closing = "with kind regards to all of you"
    answer = [outcome("Bye.", f"Bye, {closing}.")]
    plain = Comment(id="c", text=f"End {closing} always.")
    assert copying(answer, {"c": plain}) == 1.0
    assert copying(answer, {"c": Comment(id="c", text=f"End “{closing}” always.")}) == 0.0
    checked = Comment(id="c", text=plain.text, check=Check(name="ends_with", args={"text": closing}))
    assert copying(answer, {"c": checked}) == 0.0


def test_nothing_is_copied_from_no_answer() -> None:
    assert copying([], {"c": SAID}) == 0.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        (" \n", True),
        ("!", False),
        ("the cat sat on the mat " * 5, True),
        ("We will be at the station at nine, and leave for the coast with the first train.", False),
        ("no no no", False),
        ("好" * 20, True),
    ],
)
def test_an_answer_that_is_empty_or_goes_round_in_circles_is_degenerate(text: str, *, expected: bool) -> None:
    assert degenerate(text) is expected
