"""How well a model follows comments is measured once a version, kept by content, and said where a method needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sayso.errors import PreflightError
from sayso.loop import competence, learning
from sayso.loop.workspace import Workspace
from sayso.records import Check, Comment, Prompt, Response, ask


class Follows:
    """A model that does what it is told where the last words it reads are a comment."""

    max_length = 1000

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        return [0] * len(prompt.text)

    def generate(self, prompts: list[Prompt], sampling: Any) -> list[str]:
        assert sampling.temperature == 0
        self.asked += [prompt.text for prompt in prompts]
        return ["Rex ran." if "three" in prompt.text else "It ran far away into the woods." for prompt in prompts]


@pytest.fixture
def model(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Follows:
    """A workspace's model that follows comments."""
    found = Follows()
    monkeypatch.setattr(workspace, "model", lambda _version="champion": found)
    return found


def answered(workspace: Workspace, start: int, stop: int) -> None:
    asked = [ask(f"Tell me of dog {number}.") for number in range(start, stop)]
    workspace.store.add_responses([Response(prompt=item, text="It ran far away.", version="base") for item in asked])
    workspace.store.add_prompts(asked)


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    """A workspace with a comment that always applies and three answers that do not meet it."""
    workspace.comment(Comment(text="At most three words.", check=Check(name="max_words", args={"n": 3})))
    answered(workspace, 0, 3)
    return workspace


def measured(workspace: Workspace) -> competence.Competence | None:
    return competence.measure(workspace, workspace.settings(), workspace.version("base"))


def test_it_is_the_share_of_failing_answers_put_right_when_told(filled: Workspace, model: Follows) -> None:
    assert measured(filled) == competence.Competence(told=3, again=0, n=3)
    assert len(model.asked) == 6


def test_what_was_tried_is_not_tried_again_and_what_is_new_is(filled: Workspace, model: Follows) -> None:
    measured(filled)
    asked = len(model.asked)
    assert competence.recall(filled, filled.settings(), filled.version("base")) == measured(filled)
    assert len(model.asked) == asked
    answered(filled, 3, 4)
    assert measured(filled) == competence.Competence(told=4, again=0, n=4)
    assert len(model.asked) == asked + 2


def test_no_more_than_24_are_tried(filled: Workspace, model: Follows) -> None:
    answered(filled, 3, 40)
    found = measured(filled)
    assert found is not None
    assert found.n == competence.MOST


def test_nothing_is_known_without_a_failing_answer_with_a_check(workspace: Workspace, model: Follows) -> None:
    workspace.comment(Comment(text="Be kind.", response=Response(prompt=ask("Tell me."), text="No.")))
    assert measured(workspace) is None
    assert model.asked == []


def test_a_prompt_without_room_for_an_answer_puts_nothing_right(filled: Workspace, model: Follows) -> None:
    model.max_length = 20  # the comment has as many letters
    assert measured(filled) == competence.Competence(told=0, again=0, n=3)


def test_a_spoilt_file_of_measurements_is_measured_anew(filled: Workspace, model: Follows) -> None:
    measured(filled)
    (filled.folder / competence.FILE).write_text("{", encoding="utf-8")
    assert measured(filled) == competence.Competence(told=3, again=0, n=3)


def test_plan_measures_on_request_and_remembers(filled: Workspace, model: Follows) -> None:
    assert filled.plan(settings=filled.settings({"method": "hindsight"})).competence is None
    plan = filled.plan(settings=filled.settings({"method": "hindsight"}), measure=True)
    assert plan.competence == competence.Competence(told=3, again=0, n=3)
    assert filled.plan(settings=filled.settings({"method": "cut"})).competence == plan.competence


def test_learning_warns_of_a_model_that_is_a_poor_teacher(filled: Workspace) -> None:
    """The tiny model writes at random and follows nothing."""
    filled.comment(Comment(id="zebra", text="Name a zebra.", check=Check(name="contains", args={"text": "zebra"})))
    quick = {"learn_from": ["zebra"], "train": {"max_steps": 1}, "generate": {"max_new_tokens": 8}}
    learnt = filled.learn(settings=filled.settings({"method": "hindsight", **quick}))
    assert any("puts right 0% of 3" in warning for warning in learnt.warnings)
    other = filled.settings({"method": "polarity"})
    assert "polarity" not in competence.NEEDED
    with pytest.raises(PreflightError, match="blamed"):
        filled.learn(settings=other)


def test_two_comments_that_cannot_both_be_met_stop_learning_and_are_named(filled: Workspace, tmp_path: Path) -> None:
    filled.comment(Comment(id="more", text="At least nine words.", check=Check(name="min_words", args={"n": 9})))
    with pytest.raises(PreflightError, match=r"At most three words.* / more \(At least nine words"):
        filled.learn(settings=filled.settings({"method": "hindsight"}))
    assert not list((filled.folder / "runs").iterdir())
    method = learning.method_of(filled.settings({"method": "hindsight"}))
    alone = filled.settings({"learn_from": ["more"]})
    assert learning.gather(filled, alone, method).examples
    assert "cannot both be met" in filled.plan(settings=filled.settings({"method": "hindsight"})).refused
