"""What is measured of a model that reads comments: a perfect one passes every bar, one that does not listen passes none."""

from __future__ import annotations

import json

import pytest
from recipes.teachable.competence import (
    AXES,
    SCOPE_AXES,
    Standing,
    bars,
    measure,
    obedience,
    refinements,
    score,
    shows,
    shuffled,
    standing_cases,
    tables,
)
from recipes.teachable.effects import EFFECTS
from recipes.teachable.world import test_triples as held_out_triples

from sayso.models.writing.sampling import Sampling

COUNT = 45


class Obedient:
    """Writes the smallest refinement, and minds standing comments where they apply."""

    def __init__(self, answers: dict) -> None:
        self.answers = answers

    def generate(self, prompts, sampling):
        return [self.answers[prompt.messages] for prompt in prompts]


class Deaf:
    """Says its last answer again, or always the same."""

    def generate(self, prompts, sampling):
        return [
            next((turn.content for turn in prompt.messages if turn.role == "assistant"), "It rains.") for prompt in prompts
        ]


@pytest.mark.parametrize("name", AXES)
def test_cases_are_of_their_axis_and_their_refinements_pass(name):
    axis = AXES[name]
    cases = refinements(axis, COUNT, seed=0)
    assert cases == refinements(axis, COUNT, seed=0) != refinements(axis, COUNT, seed=1)
    for case in cases:
        assert case.demand.held_axes - ({"combination"} if "effect" in axis.held else set()) == axis.held
        assert not shows(case.demand, case.response)
    assert score(cases, [case.gold for case in cases]) == {"n": COUNT, "check": 1.0, "good": 1.0, "exact": 1.0}
    assert score(cases, [case.response for case in cases])["check"] == 0.0
    assert score(cases, [""] * COUNT)["check"] == 0.0


def test_every_effect_is_asked_for():
    asked = {case.demand.effect for name in AXES for case in refinements(AXES[name], COUNT, seed=0)}
    assert asked == set(EFFECTS)


def test_a_shuffled_comment_asks_for_something_else():
    cases = refinements(AXES["trained effects, new prompts"], COUNT, seed=0)
    control = shuffled(cases, seed=0)
    assert [case.gold for case in control] == [case.gold for case in cases]
    assert sum(one.comment == other.comment for one, other in zip(cases, control, strict=True)) == 0


@pytest.mark.parametrize("name", SCOPE_AXES)
def test_standing_comments_have_a_prompt_at_every_place(name):
    cases = standing_cases(SCOPE_AXES[name], 20, seed=0)
    assert cases == standing_cases(SCOPE_AXES[name], 20, seed=0)
    for case in cases:
        assert case.demand.held_axes == SCOPE_AXES[name]
        assert set(case.asked) == {"in", "near", "out"}
        assert len(set(case.asked.values())) == 3
        assert case.conversation("near", told=True).messages[0].role == "system"
        assert case.conversation("near", told=False).messages[0].role == "user"


def test_obedience_is_the_share_that_shows_the_effect_at_each_place():
    cases = [case for case in standing_cases(frozenset(), 240, seed=1) if case.demand.effect in ("end_with", "start_with")]
    assert cases

    def answer(case: Standing, place: str, told: bool) -> str:
        minded = told and place == "in"
        value = case.demand.value
        text = "It rains a lot today."
        return text if not minded else f"{value} {text}" if case.demand.effect == "start_with" else f"{text} {value}"

    said = {
        case.conversation(place, told=told).messages: answer(case, place, told)
        for case in cases for place in ("in", "near", "out") for told in (True, False)
    }  # fmt: skip
    rates = obedience(Obedient(said), cases, Sampling())
    assert rates["in"] == {"n": len(cases), "with": 1.0, "without": 0.0}
    assert rates["near"] == rates["out"] == {"n": len(cases), "with": 0.0, "without": 0.0}


def test_a_model_that_does_not_listen_meets_no_bar_that_asks_for_something():
    found = measure(Deaf(), cases=10, seed=0)
    assert json.loads(json.dumps(found)) == found
    wanted = {name: bar["met"] for name, bar in found["bars"].items()}
    assert not wanted["trained effects"]
    assert not wanted["held-out values"]
    assert wanted["shuffled comment (control)"]
    written = "\n".join(tables(found))
    assert "| held-out values | 10 | 0.000 | 0.000 | 0.000 |" in written
    assert "By effect" in written


def test_bars_are_met_at_their_very_edge():
    refinement = {name: {"check": 0.9} for name in AXES} | {"shuffled comment (control)": {"check": 0.1}}
    refinement["unseen wordings"] = {"check": 0.85}
    refinement["held-out values"] = {"check": 0.7}
    place = {"with": 0.8, "without": 0.75}
    found = {"refinement": refinement, "scope": {"greedy": {"seen": {"in": place, "near": place, "out": place}}}}
    assert all(bar["met"] for bar in bars(found).values())
    refinement["unseen wordings"] = {"check": 0.84}
    assert not all(bar["met"] for bar in bars(found).values())


def test_only_held_out_prompts_are_asked():
    assert len(held_out_triples()) > 400
    topics = {triple.topic for triple in held_out_triples()}
    assert len(topics) > 50
