"""How comments are told: the turns of the prompt, word for word."""

from __future__ import annotations

import pytest

from sayso.models.templates import ASKED_FOR_COMMENT, TEMPLATES, critique, expected, hindsight, judged, refine, revise, told
from sayso.records import Comment, Message, Prompt, Response

PROMPT = Prompt(messages=(Message(role="user", content="Write to Ann."),), family="letters", split="train")
COMMENTS = (Comment(text="Shorter."), Comment(text="No emoji."))
RESPONSE = Response(prompt=PROMPT, text="Dear Ann, …")


def turns(prompt: Prompt) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in prompt.messages]


def test_told_puts_the_comments_into_a_system_turn_before_the_prompt() -> None:
    assert turns(told(PROMPT, COMMENTS)) == [("system", "Shorter.\nNo emoji."), ("user", "Write to Ann.")]


def test_told_adds_to_a_system_turn_that_is_there() -> None:
    standing = Prompt(messages=(Message(role="system", content="Be kind."), *PROMPT.messages))
    assert turns(told(standing, COMMENTS[:1])) == [("system", "Be kind.\n\nShorter."), ("user", "Write to Ann.")]


def test_told_nothing_is_the_prompt_itself() -> None:
    assert told(PROMPT, ()) is PROMPT


@pytest.mark.parametrize("response", [RESPONSE, RESPONSE.text])
def test_refine_goes_on_with_the_conversation(response: Response | str) -> None:
    assert turns(refine(PROMPT, response, COMMENTS)) == [
        ("user", "Write to Ann."),
        ("assistant", "Dear Ann, …"),
        ("user", "Shorter.\nNo emoji."),
    ]


def test_revise_asks_for_the_new_answer_alone() -> None:
    last = turns(revise(PROMPT, RESPONSE, COMMENTS))[-1]
    assert last[0] == "user"
    assert last[1].startswith("Shorter.\nNo emoji.")
    assert last[1].endswith("Write only the new answer.")


def test_hindsight_adds_the_feedback_to_the_last_turn_and_shows_the_answer_only_when_given() -> None:
    (_, without), (_, shown) = (*turns(hindsight(PROMPT, None, COMMENTS)), *turns(hindsight(PROMPT, RESPONSE, COMMENTS)))
    assert without.startswith("Write to Ann.")
    assert without.endswith("Shorter.\nNo emoji.")
    assert "Dear Ann" not in without
    assert "Dear Ann, …" in shown


def test_expected_marks_what_will_be_said_before_the_words_that_ask() -> None:
    first = Message(role="system", content="Be kind.")
    made = expected(Prompt(messages=(first, *PROMPT.messages)), COMMENTS)
    assert turns(made) == [("system", "Be kind."), ("user", "<EF>Shorter.\nNo emoji.</EF>Write to Ann.")]


@pytest.mark.parametrize("response", [RESPONSE, RESPONSE.text])
def test_critique_asks_for_a_comment_on_the_answer_and_tells_none(response: Response | str) -> None:
    assert turns(critique(PROMPT, response)) == [
        ("user", "Write to Ann."),
        ("assistant", "Dear Ann, …"),
        ("user", ASKED_FOR_COMMENT),
    ]
    assert critique(PROMPT, response).family == "letters"


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_named_template_tells_every_comment_and_keeps_family_and_split(name: str) -> None:
    made = TEMPLATES[name](PROMPT, RESPONSE, COMMENTS)
    words = "\n".join(message.content for message in made.messages)
    assert all(comment.text in words for comment in COMMENTS)
    assert made.messages[-1].role == "user"
    assert (made.family, made.split) == ("letters", "train")
    assert made.id != PROMPT.id


def test_judged_asks_in_the_last_turn_for_the_answer_that_the_comments_fit() -> None:
    standing = Prompt(messages=(Message(role="system", content="Be kind."), *PROMPT.messages), family="letters")
    made = judged(standing, COMMENTS)
    assert turns(made) == [
        ("system", "Be kind."),
        ("user", "Write to Ann.\n\nGive the answer of which this was said:\nShorter.\nNo emoji."),
    ]
    assert made.family == "letters"
