from __future__ import annotations

import subprocess
import sys

import pytest

from sayso.critics.reference import Reference, token_f1
from sayso.critics.rules import Rules
from sayso.errors import SettingsError
from sayso.records import Check, Response, ask

PROMPT = ask("Where is Rome?")


def _response(text: str) -> Response:
    return Response(prompt=PROMPT, text=text)


def test_rules_say_what_failed_where_and_by_which_check() -> None:
    rules = Rules(checks=[Check(name="excludes", args={"text": "please"}), Check(name="max_words", args={"n": 9})])
    (comment,) = rules.comments(_response("Wait, please."))
    assert comment.text == 'It contains "please"; it must not.'
    assert (comment.source, comment.author, comment.polarity) == ("tool", "rules:excludes", -1.0)
    assert [span.quote for span in comment.spans] == ["please"]
    assert comment.check == Check(name="excludes", args={"text": "please"})
    assert comment.response == _response("Wait, please.")


def test_rules_take_checks_as_they_stand_in_a_file_and_the_users_own_words() -> None:
    rules = Rules(checks=[{"name": "no_emoji", "words": "My boss hates emoji."}, (Check(name="has_emoji"), None)])
    assert [comment.text for comment in rules.comments(_response("Hi 🙂"))] == ["My boss hates emoji."]
    assert [comment.text for comment in rules.comments(_response("Hi"))] == ["It has no emoji; it must have one."]


@pytest.mark.parametrize("item", ["no_emoji", {"check": "no_emoji"}, {"name": "no_emoji", "arg": {}}, 7])
def test_rules_refuse_what_is_no_check(item: object) -> None:
    with pytest.raises(SettingsError, match="among the checks"):
        Rules(checks=[item])


def test_rules_verify_their_checks_before_anything_runs() -> None:
    with pytest.raises(SettingsError, match="did you mean 'n'"):
        Rules(checks=[{"name": "max_words", "args": {"nn": 20}}])


def test_a_known_answer_said_otherwise_gets_no_comment() -> None:
    assert Reference(answers={PROMPT.id: "It is in Italy."}).comments(_response("it is in  ITALY")) == ()
    assert Reference(answers={}).comments(_response("In Spain.")) == ()


def test_a_wrong_answer_is_compared_in_words() -> None:
    (comment,) = Reference(answers={PROMPT.id: "It lies in the middle of Italy."}).comments(_response("It lies in Spain."))
    assert comment.text == (
        'The answer is "It lies in the middle of Italy.". Missing: "the middle of Italy.". Not in the answer: "Spain.".'
    )
    assert [span.quote for span in comment.spans] == ["Spain."]
    assert (comment.author, comment.source, comment.check) == ("reference", "tool", None)


def test_a_short_answer_brings_its_check() -> None:
    (comment,) = Reference(answers={PROMPT.id: "Italy"}).comments(_response("Spain"))
    assert comment.check == Check(name="equals", args={"text": "Italy"})


def test_words_in_another_order_are_said_to_be_so() -> None:
    (comment,) = Reference(answers={PROMPT.id: "罗马在意大利中部的平原上"}).comments(_response("罗马在意大利的平原中部上"))
    assert comment.spans
    assert token_f1("a b", "b a") < 1


def test_f1_is_the_one_worked_out_by_hand() -> None:
    # 3 shared words of 4 and 6: precision 3/4, recall 3/6, F1 = 2 * 3 / 10
    assert token_f1("one two three four", "one two three five six seven") == pytest.approx(0.6)
    assert token_f1("一二三", "四") == 0
    assert token_f1("", "") == 1
    assert (
        Reference(answers={PROMPT.id: "one two three five six seven"}, enough=0.6).comments(_response("one two three four"))
        == ()
    )


def test_checks_rules_and_words_load_without_torch() -> None:
    code = (
        "import sys, sayso.critics.rules, sayso.critics.words, sayso.critics.reference, sayso.critics.form_repairs;"
        "print([name for name in ('torch', 'transformers', 'pydantic', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
