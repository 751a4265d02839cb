"""What fits a workspace: made-up ones, each with a best method that its name argues for."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from sayso.loop.fitting import FITS, Holding
from sayso.loop.recommending import Advice, advise, hold, recommend
from sayso.loop.workspace import Workspace
from sayso.methods import METHODS
from sayso.records import Check, Comment, Refinement, Response, Span, ask
from sayso.training.settings import Train

LONG = "It ran over the hill and then far down to the river in the rain"
SHORT = Check(name="max_words", args={"n": 3})


def said(workspace: Workspace, number: int, text: str = "Say who.", **fields: Any) -> Comment:
    """Add a comment on a response of its own and return it."""
    response = Response(prompt=ask(f"Tell me of dog {number}.", family=f"f{number}"), text=f"{LONG} {number}.")
    comment = Comment(text=text, response=response, **fields)
    workspace.comment(comment)
    return comment


def refine(workspace: Workspace, comment: Comment, text: str) -> None:
    assert comment.response is not None
    workspace.store.add_refinements([Refinement(response=comment.response, text=text, addresses=(comment.id,))])


def anew(number: int) -> str:
    return f"Rex, dog number {number}, went out."


def edited(number: int) -> str:
    return f"Rex ran over the hill and then far down to the river in the rain {number}."


def best(workspace: Workspace, **measured: Any) -> Advice:
    """Return what is advised; `measured` stands for what a real model would show."""
    holding = dataclasses.replace(hold(workspace, workspace.settings()), **measured)
    return advise(holding, Train(max_steps=30))


def test_refinements_written_anew_are_imitated(workspace: Workspace) -> None:
    for number in range(30):
        refine(workspace, said(workspace, number), anew(number))
    found = best(workspace)
    assert found.best == "refine_sft"
    assert found.todo == ("learn", "--method", "refine_sft")


def test_small_edits_without_spans_are_imitated_and_the_edit_comes_next(workspace: Workspace) -> None:
    for number in range(30):
        refine(workspace, said(workspace, number), edited(number))
    found = best(workspace)
    assert [item.method for item in found.ranked[:2]] == ["refine_sft", "edit_weighted"]
    assert "the refinements change only" in found.ranked[1].reasons[0]  # what weighs most is said first


def test_small_edits_with_spans_teach_the_edit(workspace: Workspace) -> None:
    for number in range(30):
        refine(workspace, said(workspace, number, spans=(Span(start=0, end=2, quote="It"),)), edited(number))
    first, second = best(workspace).ranked[:2]
    assert first.method == "edit_weighted"
    assert first.score - second.score >= 1
    assert any("point at words in 30 of 30" in reason for reason in first.reasons)


def test_comments_that_give_reasons_are_worth_predicting(workspace: Workspace) -> None:
    for number in range(30):
        words = f"Reader {number} cannot know whom you mean here, since nobody was named before, so begin with the name."
        refine(workspace, said(workspace, number, words), anew(number))
    assert best(workspace).best == "critique"


def test_many_different_comments_with_few_refinements_teach_what_words_mean(workspace: Workspace) -> None:
    for number in range(30):
        comment = said(workspace, number, f"Too long by {number}.")
        if number < 3:
            refine(workspace, comment, anew(number))
    assert best(workspace).best == "conditional"


def test_thumbs_up_and_thumbs_down_are_learnt_by_polarity(workspace: Workspace) -> None:
    for number in range(60):
        said(workspace, number, "Good." if number % 2 else "Bad.", kind="keep" if number % 2 else "fix")
    found = best(workspace)
    assert found.best == "polarity"
    assert "refine_sft" in {item.method for item in found.lacking}


def test_blame_alone_and_a_model_that_follows_comments_teach_in_hindsight(workspace: Workspace) -> None:
    for number in range(30):
        said(workspace, number)
    assert best(workspace, competence=0.8).best == "hindsight"


def test_a_model_that_heeds_no_comment_should_not_teach_itself(workspace: Workspace) -> None:
    for number in range(30):
        comment = said(workspace, number)
        if number < 4:
            refine(workspace, comment, anew(number))
    found = best(workspace, competence=0.05)
    assert found.best == "refine_sft"  # though only four of thirty have a refinement
    order = [item.method for item in found.ranked]
    assert order.index("hindsight") > order.index("conditional")


def test_checks_for_all_a_model_that_follows_and_time_enough_are_learnt_by_trying_again(workspace: Workspace) -> None:
    for number in range(30):
        said(workspace, number, check=SHORT)
    measured = {"competence": 0.6, "parameters": 3_000_000}
    assert best(workspace, **measured, budget=36_000).best == "feedback_rl"
    slow = best(workspace, **measured, budget=60)  # a minute is not enough to draw answers at every step
    assert slow.best == "hindsight"
    assert any("minutes, and there are 1" in item for rank in slow.ranked for item in rank.against)


def test_a_hundred_pairs_for_comments_that_always_apply_may_spread(workspace: Workspace) -> None:
    workspace.comment(Comment(text="At most three words.", check=SHORT))
    asked = [ask(f"Tell me of dog {number}.", family=f"f{number}") for number in range(120)]
    written = [Response(prompt=item, text=f"{LONG}.", version="base") for item in asked]
    workspace.store.add_prompts(asked)
    workspace.store.add_responses(written)
    workspace.store.add_refinements([Refinement(response=item, text="Rex ran.") for item in written])
    found = best(workspace)
    assert found.holding.everywhere
    assert found.best == "refine_dpo"


def test_as_many_answers_near_the_scope_as_pairs_in_it_suit_a_large_model_under_c3po() -> None:
    known = Holding(
        answered=60, comments=1, failing=30, refined=30, families=30, near=30, out=100, different=1, edit_ratio=0.8,
        parameters=7_000_000_000,
    )  # fmt: skip
    assert advise(known, Train()).best == "scoped"
    assert advise(dataclasses.replace(known, parameters=3_000_000), Train()).best == "refine_sft"


def test_a_large_model_without_refinements_is_presumed_to_follow_comments() -> None:
    known = Holding(answered=30, comments=30, failing=30, families=30, different=5, parameters=7_000_000_000)
    assert advise(known, Train()).best == "hindsight"


def test_a_few_refinements_are_worth_more_than_a_model_that_could_teach_itself() -> None:
    known = Holding(
        answered=60, comments=2, failing=30, refined=8, checked=30, families=30, near=30, out=30, different=2,
        edit_ratio=0.1, parameters=3_000_000, competence=1.0,
    )  # fmt: skip
    assert advise(known, Train()).best == "refine_sft"
    assert advise(dataclasses.replace(known, refined=0, checked=0), Train()).best == "hindsight"


def test_without_a_comment_the_first_thing_is_to_say_one(workspace: Workspace) -> None:
    found = recommend(workspace, workspace.settings())
    assert found.todo == ("review",)
    assert (found.best, found.ranked) == ("", ())
    assert {item.method for item in found.lacking} == set(FITS)


def test_before_any_prompt_is_answered_the_first_thing_is_to_generate(workspace: Workspace) -> None:
    workspace.comment(Comment(text="At most three words.", check=SHORT))
    workspace.store.add_prompts([ask("Tell me of dogs.")])
    assert recommend(workspace, workspace.settings()).todo == ("generate",)


def test_where_checks_could_repair_the_first_thing_is_to_refine(workspace: Workspace) -> None:
    comment = said(workspace, 0, check=SHORT)
    assert recommend(workspace, workspace.settings()).todo == ("refine",)
    refine(workspace, comment, "Rex ran.")
    assert recommend(workspace, workspace.settings()).todo[0] == "learn"


def test_where_every_comment_is_met_there_is_nothing_to_learn(workspace: Workspace) -> None:
    workspace.comment(Comment(text="At most three words.", check=SHORT))
    workspace.store.add_responses([Response(prompt=ask("Tell me."), text="Rex ran.", version="base")])
    assert recommend(workspace, workspace.settings()).todo == ("plan",)


def test_what_is_missing_is_named_with_its_number(workspace: Workspace) -> None:
    for number in range(4):
        said(workspace, number, check=SHORT if number else None)
    lacking = {item.method: item.missing for item in best(workspace).lacking}
    assert "1 of 4" in lacking["feedback_rl"][0]
    assert "refinement" in lacking["refine_dpo"][0]


def test_the_size_of_a_model_is_read_without_loading_it(workspace: Workspace, tiny: Any) -> None:
    assert hold(workspace, workspace.settings()).parameters == pytest.approx(tiny.num_parameters(), rel=0.01)


def test_every_method_that_learns_from_feedback_is_in_the_table() -> None:
    assert set(FITS) == set(METHODS) - {"sft"}


@pytest.mark.parametrize("name", FITS)
def test_every_sentence_of_the_table_can_be_said(name: str) -> None:
    from sayso.loop.recommending import _filled

    for item in (*FITS[name].needs, *FITS[name].points):
        assert "{" not in _filled(item.says, Holding(failing=3, edit_ratio=0.2, competence=0.5, budget=60.0), 30.0)


def test_the_page_and_the_command_agree(workspace: Workspace) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "choose-a-method.md").read_text(encoding="utf-8")
    assert [name for name in FITS if f"## `{name}`" not in page] == []
