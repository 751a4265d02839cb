"""What the loop hands to a method that reads praise, and to one that holds the model near and out of scope itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.errors import PreflightError
from sayso.loop import importing, learning, planning, rounds
from sayso.loop.progress import Progress
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace
from sayso.records import Comment, Refinement, Response, ask


@pytest.fixture
def settings(workspace: Workspace, round_folder: Path) -> Settings:
    """The round's settings with the method scoped, its prompts answered and refined."""
    given = importing.take_in(workspace, workspace.settings(rounds.read(round_folder / "round.yaml"), {"method": "scoped"}))
    workspace.generate(settings=given)
    workspace.refine(settings=given)
    return given


def test_scoped_reads_the_answers_that_the_guard_would_hold_and_the_guard_is_left_off(
    workspace: Workspace, settings: Settings
):
    method = learning.method_of(settings)
    material = learning.gather(workspace, settings, method)
    assert material.near + material.out
    assert material.given(method) == (*material.examples, *material.near, *material.out)
    assert {item.scope for item in material.given(method)} <= {"in", "near", "out"}
    policy = learning.policy_for(workspace, settings, workspace.version("base"))
    rows = method.rows(material.given(method), policy)
    kinds = [row.kind for row in rows]
    assert set(kinds) == {"chosen", "rejected"} | {item.scope for item in (*material.near, *material.out)}
    assert learning.anchors_for(method, policy, settings, material) is None
    plain = learning.method_of(workspace.settings({"method": "refine_dpo"}))
    assert material.given(plain) == material.examples
    assert learning.anchors_for(plain, policy, settings, material) is not None


def test_the_plan_and_the_progress_say_that_the_guard_is_left_off(workspace: Workspace, settings: Settings):
    found = planning.plan(workspace, settings)
    assert "scoped" in found.note
    assert "guard is left off" in found.note
    material = learning.gather(workspace, settings, learning.method_of(settings))
    assert found.anchors == {"near": len(material.near), "out": len(material.out)}
    assert not [warning for warning in found.warnings if "no anchors" in warning]
    notes: list[str] = []

    def watch(progress: Progress) -> None:
        notes.append(progress.note)

    workspace.learn(settings=settings, watch=watch)
    assert all("guard left off" in note for note in notes if note.startswith("loss"))
    assert planning.plan(workspace, workspace.settings({"method": "refine_dpo"})).note == ""


def test_scoped_without_an_answer_to_hold_is_refused_before_training(workspace: Workspace):
    response = Response(prompt=ask("Who ran?"), text="It ran.", version="base")
    workspace.store.add_comments([Comment(text="Say who.", response=response)])
    workspace.store.add_refinements([Refinement(response=response, text="The dog ran.")])
    with pytest.raises(PreflightError, match="something that holds the model"):
        workspace.learn(settings=workspace.settings({"method": "scoped"}))
    assert [version.form for version in workspace.store.versions()] == ["base"]


def test_a_response_on_which_a_comment_is_not_met_is_no_anchor(workspace: Workspace):
    blamed, other = (Response(prompt=ask(f"Ask {n}."), text="It ran.", version="base") for n in range(2))
    workspace.store.add_responses([other])
    workspace.store.add_comments([Comment(text="Say who.", response=blamed)])
    workspace.store.add_refinements([Refinement(response=blamed, text="The dog ran.")])
    settings = workspace.settings({"method": "refine_dpo"})
    material = learning.gather(workspace, settings, learning.method_of(settings))
    assert [item.response for item in material.examples] == [blamed]
    assert [item.response for item in (*material.near, *material.out)] == [other]


def said(workspace: Workspace, *kinds: str, number: int) -> Response:
    """Say something of each kind of a response, and return it."""
    response = Response(prompt=ask(f"Ask {number}."), text=f"Answer {number}.", version="base")
    workspace.store.add_comments(
        [Comment(text=f"{kind} {place}", response=response, kind=kind) for place, kind in enumerate(kinds)]  # type: ignore[arg-type]
    )
    return response


def test_polarity_is_handed_what_was_praised_and_other_methods_are_not(workspace: Workspace):
    blamed, praised = said(workspace, "fix", number=1), said(workspace, "keep", "keep", number=2)
    both, asked = said(workspace, "keep", "concern", number=3), said(workspace, "question", number=4)
    settings = workspace.settings({"method": "polarity"})
    method = learning.method_of(settings)
    material = learning.gather(workspace, settings, method)
    found = {item.response.id: len(item.comments) for item in material.examples if item.response}
    assert found == {blamed.id: 1, both.id: 1, praised.id: 2}
    assert asked.id not in found
    rows = list(method.rows(material.given(method), learning.policy_for(workspace, settings, workspace.version("base"))))
    assert [row.kind for row in rows[:4]] == ["undesirable", "undesirable", "desirable", "spare"]
    other = workspace.settings({"method": "hindsight"})
    others = learning.gather(workspace, other, learning.method_of(other))
    assert {item.response.id for item in others.examples if item.response} == {blamed.id, both.id}


@pytest.mark.parametrize(("kind", "word"), [("fix", "blamed"), ("keep", "praised")])
def test_polarity_refuses_one_class_before_anything_is_trained(workspace: Workspace, kind: str, word: str):
    for number in range(3):
        said(workspace, kind, number=number)
    settings = workspace.settings({"method": "polarity"})
    assert f"all 3 responses are {word}" in planning.plan(workspace, settings).refused
    with pytest.raises(PreflightError, match=f"all 3 responses are {word}"):
        workspace.learn(settings=settings)
    assert [version.form for version in workspace.store.versions()] == ["base"]
