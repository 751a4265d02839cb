"""Every method is given what it wants, and every control what it says: one lesson each, on the tiny model."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.loop.bench.conftest import TIER

from sayso import registry
from sayso.loop.bench import material, running, suite, teaching
from sayso.loop.bench.answering import WRONG, Kept
from sayso.loop.bench.material import Lesson
from sayso.loop.bench.suite import Suite
from sayso.loop.bench.tiers import SMALL_RATES, Condition, Refinements
from sayso.methods import METHODS, Method
from sayso.models import local
from sayso.records import Example, finds_fault, praises

TAUGHT = [name for name in METHODS if name not in running.WITHOUT]
TEXTS = ["The soup is ready.", "Update: all is well."]  # the second meets the comment
BETTER = ["Update: The soup is ready.", None]
WRITTEN: Kept = {
    "in": TEXTS, "met": [False, True], "near": ["Near it."], "out": ["Far off."], "random": TEXTS,
    **dict.fromkeys(("self", "empty", "praise", "correctness"), BETTER),
}  # fmt: skip
BEFORE: Kept = {"in": ["a"], "near": ["b"], "out": ["c"], "samples": ["d"]}


@pytest.fixture(scope="module")
def known(small_suite: Path) -> Suite:
    """The two comments."""
    return suite.load(small_suite)


def lesson(known: Suite, method: str, refinements: Refinements = "rule") -> Lesson:
    condition = Condition(name=method, method=method, refinements=refinements)
    return Lesson(item=known.items[0], other=known.items[1], condition=condition, seed=0, drafts=2)


def examples(known: Suite, method: str, refinements: Refinements = "rule") -> list[Example]:
    made: Method = registry.load(METHODS, method, kind="method")()
    return material.examples_of(lesson(known, method, refinements), WRITTEN, made, TIER)


@pytest.mark.parametrize("method", TAUGHT)
def test_every_method_has_a_rate_and_is_taught_a_lesson(method: str, known: Suite, tiny_folder: Path) -> None:
    assert method in SMALL_RATES, f"{method} has no rate for small models"
    model = local.load(tiny_folder)
    found = teaching.teach(model, lesson(known, method), WRITTEN, BEFORE, TIER)
    assert (found["refused"], found["diverged"]) == ("", "")
    assert len(found["loss"]) == TIER.train.max_steps
    assert found["tokens_trained"] or found["answers_drawn"]
    assert set(found["answers"]) == {"in", "near", "out"}


def test_a_method_that_draws_answers_draws_as_many_a_step_as_others_read_rows(known: Suite, tiny_folder: Path) -> None:
    model = local.load(tiny_folder)
    method, settings = teaching.method_of(model, "feedback_rl", TIER, 0)
    assert settings.groups_per_step * method.num_generations == TIER.rows_per_step  # type: ignore[attr-defined]
    assert method.max_new_tokens == TIER.max_new_tokens  # type: ignore[attr-defined]
    found = teaching.teach(model, lesson(known, "feedback_rl"), WRITTEN, BEFORE, TIER)
    assert found["answers_drawn"] == TIER.rows_per_step


def test_a_method_that_wants_praise_has_the_drafts_that_hold_and_others_do_not(known: Suite) -> None:
    blamed, liked = examples(known, "polarity")
    assert [finds_fault(comment) for comment in blamed.comments] == [True]
    assert blamed.refinement is not None
    assert blamed.refinement.text.startswith("Update:")
    assert (liked.response and liked.response.text, liked.refinement) == (TEXTS[1], None)
    assert all(praises(comment) for comment in liked.comments)
    assert len(examples(known, "refine_sft")) == 1


def test_a_method_that_holds_the_model_itself_has_answers_near_and_out_and_no_guard_to_be_without(known: Suite) -> None:
    assert [example.scope for example in examples(known, "scoped")] == ["in", "near", "out"]
    assert running._sensible(Condition(name="x", method="refine_dpo", guard=False))
    assert not running._sensible(Condition(name="x", method="scoped", guard=False))


def test_the_comment_that_stands_in_takes_its_check_and_its_verdicts_along(known: Suite) -> None:
    for method in ("feedback_rl", "polarity"):
        found = examples(known, method, "other")
        assert {comment.text for example in found for comment in example.comments} == {known.items[1].words[0]}
        assert found[0].comments[0].check == known.items[1].check
    # To the comment that stands in, the draft that meets this one is as wrong as the other.
    assert [example.response and example.response.text for example in examples(known, "polarity", "other")] == TEXTS
    assert len(examples(known, "refine_sft", "other")) == 1


def test_correctness_only_says_that_a_draft_is_wrong_and_nothing_of_what(known: Suite) -> None:
    (found,) = examples(known, "critique", "correctness")
    (comment,) = found.comments
    assert (comment.text, comment.spans, finds_fault(comment)) == (WRONG, (), True)
    assert found.refinement is not None
    assert found.refinement.text == BETTER[0]
    (told,) = examples(known, "critique", "praise")[0].comments
    assert praises(told)
    assert len(examples(known, "polarity", "praise")) == 1


def test_what_a_check_points_at_is_in_the_comment() -> None:
    calm = suite.load().item("t14-calm-pair")
    response = material.praised(calm.learn["in"][0], "Come! We wait.").response
    assert response is not None
    assert [span.quote for span in material.said_of(calm, 0, response).spans] == ["!"]


def test_nothing_is_learnt_where_no_draft_fails(known: Suite) -> None:
    made: Method = registry.load(METHODS, "polarity", kind="method")()
    kept = {**WRITTEN, "met": [True, True]}
    assert material.examples_of(lesson(known, "polarity"), kept, made, TIER) == []
