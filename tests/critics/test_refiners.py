from __future__ import annotations

from collections.abc import Sequence

import pytest

from sayso.critics import REFINERS, Refiner
from sayso.critics.refiners import Edit, Given, Sample, refine
from sayso.errors import SettingsError
from sayso.models.writing.sampling import Sampling
from sayso.records import Check, Comment, Prompt, Refinement, Response, ask

RESPONSE = Response(prompt=ask("Where is the train?"), text="The train is late, please wait.")
NO_PLEASE = Comment(text='Never say "please".', response=RESPONSE, check=Check(name="excludes", args={"text": "please"}))
WELL = Comment(text='Start with "Well,".', response=RESPONSE, check=Check(name="starts_with", args={"text": "Well,"}))
KINDER = Comment(text="Be kinder.", response=RESPONSE)


class Parrot:
    """Writes the texts it was given, in order, and remembers what it was asked."""

    name = "parrot"

    def __init__(self, *texts: str) -> None:
        self.texts, self.asked = list(texts), []

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        self.asked.append(list(prompts))
        return [self.texts.pop(0) for _prompt in prompts]


def _sample(writer: Parrot, **settings: object) -> Sample:
    return Sample(writer=writer, sampling=Sampling(), **settings)


def _given(text: str, **fields: object) -> Refinement:
    return Refinement(response=RESPONSE, text=text, **fields)


def test_an_edit_makes_all_checks_hold_and_says_what_it_addresses() -> None:
    [(kept, rejections)] = Edit().refine([(RESPONSE, (NO_PLEASE, WELL))])
    assert kept is not None
    assert kept.text == "Well, the train is late, wait."
    assert (kept.addresses, kept.refiner, kept.source) == ((NO_PLEASE.id, WELL.id), "edit", "tool")
    assert rejections == ()


def test_comments_that_contradict_each_other_are_given_up_with_a_reason() -> None:
    hello = Comment(text='Start with "Hello".', check=Check(name="starts_with", args={"text": "Hello"}))
    [(kept, (why,))] = Edit().refine([(RESPONSE, (WELL, hello))])
    assert kept is None
    assert why.reason == 'It does not start with "Well,"; it must.'


@pytest.mark.parametrize(
    ("comments", "reason"),
    [
        ((KINDER,), "no check"),
        ((), "no comment"),
        ((Comment(text="JSON!", check=Check(name="json_valid")),), "json_valid knows no repair"),
        ((Comment(text="Wait", check=Check(name="contains", args={"text": "wait"})),), "the response again"),
    ],
)
def test_an_edit_that_cannot_be_made_says_why(comments: tuple[Comment, ...], reason: str) -> None:
    [(kept, (why,))] = Edit().refine([(RESPONSE, comments)])
    assert kept is None
    assert reason in why.reason
    assert (why.response, why.refiner) == (RESPONSE, "edit")


def test_a_persons_refinement_is_found_by_its_response_and_the_latest_wins() -> None:
    first, last = _given("It is late; wait."), _given("Late. Wait a little.")
    other = Response(prompt=ask("Hm?"), text="Hm.")
    answers = Given(refinements=[first, last]).refine([(RESPONSE, (NO_PLEASE,)), (other, (NO_PLEASE,))])
    assert answers == [(last, ()), (None, ())]


def test_a_given_refinement_that_fails_the_check_is_rejected() -> None:
    [(kept, (why,))] = Given(refinements=[_given("Oh please wait.")]).refine([(RESPONSE, (NO_PLEASE,))])
    assert kept is None
    assert "please" in why.reason


def test_without_a_check_a_person_is_believed_and_a_tool_only_for_its_own_comment() -> None:
    person = _given("Sorry, it is late.")
    tool = _given("So sorry.", source="tool", addresses=(NO_PLEASE.id,))
    assert Given(refinements=[person]).refine([(RESPONSE, (KINDER,))])[0][0] == person
    assert Given(refinements=[tool]).refine([(RESPONSE, (KINDER,))])[0][0] is None


def test_the_passing_sample_most_like_the_response_is_kept_and_every_other_has_a_reason() -> None:
    writer = Parrot("It comes soon.", "The train is late, so wait.", "please", "", RESPONSE.text, "Never say “please”. Hm.")
    [(kept, rejections)] = _sample(writer, n=6).refine([(RESPONSE, (NO_PLEASE,))])
    assert kept is not None
    assert (kept.text, kept.refiner, kept.source) == ("The train is late, so wait.", "sample", "model")
    reasons = {rejection.text: rejection.reason for rejection in rejections}
    assert reasons["It comes soon."] == "Another candidate changes less."
    assert reasons[""] == "It has no letters."
    assert reasons[RESPONSE.text] == "It is the response again."
    assert "it must not" in reasons["please"]


def test_all_candidates_of_all_requests_are_written_in_one_call() -> None:
    writer = Parrot("a one", "a two", "b one", "b two")
    other = Response(prompt=ask("Hm?"), text="please?")
    answers = _sample(writer, n=2).refine([(RESPONSE, (NO_PLEASE,)), (RESPONSE, (KINDER,)), (other, (NO_PLEASE,))])
    assert [len(call) for call in writer.asked] == [4]
    assert [kept.text[0] if kept else None for kept, _why in answers] == ["a", None, "b"]


def test_samples_far_longer_or_repeating_the_comment_are_rejected() -> None:
    long_comment = Comment(text="Never ever say the word please here", check=NO_PLEASE.check)
    writer = Parrot("so " * 60, "never ever say the word please here")
    [(kept, rejections)] = _sample(writer, n=2).refine([(RESPONSE, (long_comment,))])
    assert kept is None
    assert rejections[0].reason == "It is much longer than the response."


def test_samples_for_a_comment_without_a_check_are_kept_only_when_asked_for() -> None:
    assert _sample(Parrot(), n=1).refine([(RESPONSE, (KINDER,))])[0][0] is None
    [(kept, _why)] = _sample(Parrot("Sorry, it is late."), n=1, unchecked=True).refine([(RESPONSE, (KINDER,))])
    assert kept is not None


def test_the_policy_is_told_the_comment() -> None:
    writer = Parrot("ok then")
    _sample(writer, n=1).refine([(RESPONSE, (NO_PLEASE,))])
    turns = [message.content for message in writer.asked[0][0].messages]
    assert turns == ["Where is the train?", RESPONSE.text, NO_PLEASE.text]


@pytest.mark.parametrize("settings", [{"n": 0}, {"template": "refin"}])
def test_wrong_settings_are_said_at_once(settings: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="sample: "):
        _sample(Parrot(), **settings)


def test_refiners_are_tried_in_order_and_what_each_rejected_is_kept() -> None:
    json = Comment(text="JSON", check=Check(name="json_valid"))
    writer = Parrot('{"train": "late"}')
    chain: list[Refiner] = [Given(refinements=[_given("Late.")]), Edit(), _sample(writer, n=1)]
    answers = refine([(RESPONSE, (NO_PLEASE,)), (RESPONSE, (json,))], chain)
    assert [kept.refiner if kept else None for kept, _why in answers] == ["given", "sample"]
    assert [why.refiner for why in answers[1][1]] == ["given", "edit"]
    assert set(REFINERS) == {"given", "edit", "sample", "label"}
