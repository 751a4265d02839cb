from __future__ import annotations

import pytest
from tests.contracts.critic import ARGS, LONG, TEXTS, check_a_check, check_a_critic

from sayso.critics import CHECKS, CRITICS, Critic
from sayso.critics.parts import Held
from sayso.critics.reference import Reference
from sayso.critics.rules import Rules
from sayso.records import Check, Comment, Response, Span, ask
from sayso.tasks.sandbox.world import missing

KNOWN = [name for name in CHECKS if name != "passes_tests" or not missing()]
"""Without a sandbox there is nothing to run programs in."""
RESPONSES = [Response(prompt=ask(f"prompt {at}"), text=text) for at, text in enumerate((*TEXTS, LONG[0]))]
MADE: dict[str, Critic] = {
    "rules": Rules(checks=[Check(name=name, args=ARGS.get(name, {})) for name in KNOWN]),
    "reference": Reference(answers={response.prompt.id: "The train is late, thanks." for response in RESPONSES}),
}


@pytest.mark.parametrize("name", KNOWN)
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
    return Held(held=False, said="No.", spans=(Span(start=0, end=3, quote="abc"),))


def test_an_outside_check_passes_them_too() -> None:
    check_a_check(Check(name=f"{__name__}:polite"))


def test_a_check_that_changes_its_mind_is_found() -> None:
    with pytest.raises(AssertionError):
        check_a_check(Check(name=f"{__name__}:moody"))


def test_a_check_that_points_beside_the_text_is_found() -> None:
    with pytest.raises(AssertionError):
        check_a_check(Check(name=f"{__name__}:misplaced"))


def test_a_critic_without_an_author_is_found() -> None:
    class Nameless:
        def comments(self, response: Response) -> tuple[Comment, ...]:
            return (Comment(text="No.", response=response, source="tool"),)

    with pytest.raises(AssertionError):
        check_a_critic(Nameless(), RESPONSES)
