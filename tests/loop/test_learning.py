"""Learning: what a method is given, and a run that is stopped and taken up again."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from sayso.loop import importing, learning, rounds, writing
from sayso.loop.improving import judge
from sayso.loop.progress import Progress
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace
from sayso.store import review


@pytest.fixture
def settings(workspace: Workspace, round_folder: Path) -> Settings:
    """The round's settings, its files taken in and its prompts answered and refined."""
    given = importing.take_in(workspace, workspace.settings(rounds.read(round_folder / "round.yaml")))
    workspace.generate(settings=given)
    workspace.refine(settings=given)
    return given


def test_anchors_are_the_answers_to_which_no_unmet_comment_applies(workspace: Workspace, settings: Settings):
    material = learning.gather(workspace, settings, learning.method_of(settings))
    learnt = {example.response.id for example in material.examples if example.response}
    anchored = {example.response.id for example in (*material.near, *material.out) if example.response}
    assert not learnt & anchored
    field = writing.survey(workspace, settings)
    assert learnt == {item.response.id for item in judge(workspace, settings, field) if item.failing}


def test_nothing_that_tests_a_comment_is_learnt_from(workspace: Workspace, settings: Settings):
    material = learning.gather(workspace, settings, learning.method_of(settings))
    prompts = {example.prompt.id for example in (*material.examples, *material.near, *material.out)}
    field = writing.survey(workspace, settings)
    tested = {probe.prompt.id for divided in field.divided.values() for probe in divided.test}
    assert tested
    assert not prompts & tested


def test_every_refinement_meets_every_comment_that_applies(workspace: Workspace, settings: Settings):
    material = learning.gather(workspace, settings, learning.method_of(settings))
    for example in material.examples:
        assert example.refinement is not None
        assert len(example.refinement.text.split()) <= 9
        if "in " in example.prompt.text:
            assert example.refinement.text.startswith("Well,")


def test_a_refinement_that_a_person_rejected_is_not_learnt_from(workspace: Workspace, settings: Settings):
    before = learning.gather(workspace, settings, learning.method_of(settings))
    refused = next(example.refinement for example in before.examples if example.refinement)
    person = review.add_reviewer(workspace.store, "Ann", "reviewer")
    review.sign_off(workspace.store, person, refused.id, "rejected")
    after = learning.gather(workspace, settings, learning.method_of(settings))
    learnt = {example.refinement.id for example in after.examples if example.refinement}
    assert refused.id not in learnt
    assert len(after.examples) == len(before.examples) - 1
    review.sign_off(workspace.store, person, refused.id, "accepted")
    assert learning.gather(workspace, settings, learning.method_of(settings)) == before


def test_a_run_that_is_stopped_ends_where_it_would_have_ended(
    tmp_path: Path, tiny_folder: Path, workspace: Workspace, settings: Settings
):
    def stop(progress: Progress) -> None:
        if progress.stage == "learn" and progress.done == 2:
            raise KeyboardInterrupt

    often = workspace.settings(
        {"learn_from": list(settings.learn_from)},
        assignments=["train.max_steps=4", "train.save_steps=1", "train.learning_rate=0.01", "seed=0"],
    )
    with pytest.raises(KeyboardInterrupt):
        workspace.learn(settings=often, watch=stop)
    assert [version.form for version in workspace.store.versions()] == ["base"]
    resumed = workspace.learn(settings=often)
    workspace.store.set_alias("champion", "base")
    (folder,) = (workspace.folder / "runs").iterdir()
    assert len((folder / "metrics.jsonl").read_text("utf-8").splitlines()) == 4
    other = workspace.settings(
        {"learn_from": list(settings.learn_from)},
        assignments=["train.max_steps=4", "train.save_steps=2", "train.learning_rate=0.01", "seed=0"],
    )
    straight = workspace.learn(settings=other)
    assert straight.run.id != resumed.run.id
    assert straight.version.sha256 == resumed.version.sha256


def test_told_to_stop_it_keeps_what_was_learnt_and_goes_on_from_there(workspace: Workspace, settings: Settings):
    """No checkpoint is due but at the end: the one there is was written because of the signal."""
    seen: list[int] = []

    def stop(progress: Progress) -> None:
        if progress.stage == "learn":
            seen.append(progress.done)
            if progress.done == 2 and len(seen) == 2:
                os.kill(os.getpid(), signal.SIGTERM)

    rarely = replace(settings, train=replace(settings.train, save_steps=0))
    with pytest.raises(KeyboardInterrupt) as stopped:
        workspace.learn(settings=rarely, watch=stop)
    assert stopped.value.args == (signal.SIGTERM,)
    (folder,) = (workspace.folder / "runs").iterdir()
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["step-00000002"]
    learnt = workspace.learn(settings=rarely, watch=stop)
    assert seen == [1, 2, 3, 4]
    assert learnt.run.steps == 4


def test_a_run_goes_on_with_less_at_once_where_memory_was_short(workspace: Workspace, settings: Settings):
    def stop(progress: Progress) -> None:
        if progress.stage == "learn" and progress.done == 2:
            raise KeyboardInterrupt

    often = replace(settings, train=replace(settings.train, save_steps=1))
    with pytest.raises(KeyboardInterrupt):
        workspace.learn(settings=often, watch=stop)
    less = replace(often, train=replace(often.train, max_tokens=100, gradient_checkpointing=True))
    seen: list[int] = []
    learnt = workspace.learn(settings=less, watch=lambda now: seen.append(now.done) if now.stage == "learn" else None)
    assert seen == [2, 3, 4], "from the checkpoint after the first step"
    assert workspace.learn(settings=often).version == learnt.version


def test_a_withdrawn_comment_is_not_learnt_from(workspace: Workspace, settings: Settings):
    workspace.withdraw("brief", "no longer wanted")
    material = learning.gather(workspace, settings, learning.method_of(settings))
    assert {comment.id for example in material.examples for comment in example.comments} == {"well"}
