from __future__ import annotations

import pytest

from sayso.critics import CHECKS, CRITICS, Critic
from sayso.critics.parts import Held
from sayso.critics.reference import Reference
from sayso.critics.rules import Rules
from sayso.records import Check, Response, ask
from tests.contracts.critic import LONG, TEXTS, check_a_check, check_a_critic

ARGS = {
    "contains": {"words": ["please", "?"]},
    "excludes": {"words": ["please", "!", "火车", "—"]},
    "equals": {"words": ["yes", "no"]},
    "starts_with": {"words": "Well,"},
    "ends_with": {"words": "Best wishes, Tom"},
    "regex": {"pattern": r"\btrain\b", "absent": True, "case": False},
    "max_words": {"n": 3},
    "min_words": {"n": 3},
    "max_sentences": {"n": 2},
    "min_sentences": {"n": 2},
    "max_chars": {"n": 20},
    "bullets": {"n": 2},
    "json_valid": {"keys": ["name"]},
    "all_of": {
        "checks": [{"name": "no_emoji"}, {"name": "starts_with", "args": {"words": "您好，"}}, {"name": "not_question"}]
    },
    "any_of": {"checks": [{"name": "max_words", "args": {"n": 2}}, {"name": "ends_with_question"}]},
}
RESPONSES = [Response(prompt=ask(f"prompt {at}"), text=text) for at, text in enumerate((*TEXTS, LONG[0]))]
MADE: dict[str, Critic] = {
    "rules": Rules(checks=[Check(name=name, args=ARGS.get(name, {})) for name in CHECKS]),
    "reference": Reference(answers={response.prompt.id: "The train is late, thanks." for response in RESPONSES}),
}


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_passes_the_common_checks(name: str) -> None:
    check_a_check(Check(name=name, args=ARGS.get(name, {})))


@pytest.mark.parametrize("name", CRITICS)
def test_every_critic_passes_the_common_checks(name: str) -> None:
    check_a_critic(MADE[name], RESPONSES)


def polite(text: str) -> bool:
    return "please" in text


_turns = iter(range(10**6))


def moody(text: str) -> bool:
    return next(_turns) % 2 == 0


def misplaced(text: str) -> Held:
    (span,) = MADE["rules"].comments(Response(prompt=ask("x"), text="Is it late? 🙂"))[0].spans or (None,)
    return Held(held=False, said="no", spans=(span,) if span else ())


def test_an_outside_check_passes_them_too() -> None:
    check_a_check(Check(name=f"{__name__}:polite"))


def test_a_check_that_changes_its_mind_is_found() -> None:
    with pytest.raises(AssertionError):
        check_a_check(Check(name=f"{__name__}:moody"))
