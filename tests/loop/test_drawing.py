"""Rounds with methods that draw answers while training: what is planned, refused, learnt, and taken up again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sayso.errors import PreflightError
from sayso.loop import importing, learning, planning, previewing, rounds
from sayso.loop.progress import Progress
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace
from sayso.records import Check, Comment

FRESH = {"name": "feedback_rl", "num_generations": 4, "max_new_tokens": 16, "must_end": False}
METHODS = [FRESH, {"name": "hindsight", "on_policy": True, "max_new_tokens": 16}]


@pytest.fixture
def given(workspace: Workspace, round_folder: Path) -> Settings:
    """The round's settings with feedback_rl, its prompts answered."""
    files = {**rounds.read(round_folder / "round.yaml"), "method": FRESH}
    settings = importing.take_in(workspace, workspace.settings(files))
    early = Check(name="regex", args={"pattern": "[a-g]"})  # what a freshly drawn model writes meets this now and then
    workspace.comment(Comment(text="Use an early letter.", id="early", check=early))
    workspace.generate(settings=settings)
    return settings


def changed(workspace: Workspace, **keys: object) -> Settings:
    """Return the settings with some of their keys changed."""
    train = {"max_steps": 4, "learning_rate": 0.01, "save_steps": 1, "per_device_train_batch_size": 3}
    return workspace.settings({"learn_from": ["early"], "train": train, "seed": 0, **keys})


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method["name"])
def test_the_plan_and_the_preview_say_that_answers_are_drawn(workspace: Workspace, given: Settings, method: dict):
    settings = changed(workspace, method=method)
    found = planning.plan(workspace, settings)
    assert "New answers are drawn at every step" in found.note
    assert "Their mean reward is" in found.note
    assert found.rows > 0
    shown = previewing.learn(workspace, settings)
    assert shown.numbers["steps"] == 4
    assert shown.numbers["answers"] == (12 if method is FRESH else 3)
    assert "drawn while training" in shown.sentence


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method["name"])
def test_a_run_that_is_stopped_draws_what_it_would_have_drawn(
    workspace: Workspace, given: Settings, method: dict, round_folder: Path
):
    notes: list[str] = []

    def stop(progress: Progress) -> None:
        notes.append(progress.note)
        if progress.stage == "learn" and progress.done == 2:
            raise KeyboardInterrupt

    often = changed(workspace, method=method)
    with pytest.raises(KeyboardInterrupt):
        workspace.learn(settings=often, watch=stop)
    resumed = workspace.learn(settings=often)
    assert any("reward" in note for note in notes)
    (folder,) = (workspace.folder / "runs").iterdir()
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert all(line["answers"] > 0 and line["reward"] is not None for line in lines)
    assert any(line["grad_norm"] > 0 and line["rows"] for line in lines), "nothing was learnt at all"
    workspace.store.set_alias("champion", "base")
    seldom = {"max_steps": 4, "learning_rate": 0.01, "save_steps": 4, "per_device_train_batch_size": 3}
    straight = workspace.learn(settings=changed(workspace, method=method, train=seldom))
    assert straight.run.id != resumed.run.id
    assert straight.version.sha256 == resumed.version.sha256


def test_new_answers_are_judged_by_everything_that_applies_to_their_prompt(workspace: Workspace, given: Settings):
    material = learning.gather(workspace, given, learning.method_of(given))
    scoped = [item for item in material.examples if item.prompt.text.startswith("in ")]
    assert scoped
    assert all({comment.id for comment in item.comments} == {"well", "brief"} for item in scoped)
    other = changed(workspace, method="hindsight", learn_from=["well", "brief"])
    material = learning.gather(workspace, other, learning.method_of(other))
    assert any(len(item.comments) == 1 for item in material.examples if item.prompt.text.startswith("in "))


def test_a_comment_without_a_check_is_refused_before_training_and_named(workspace: Workspace, given: Settings):
    workspace.comment(Comment(text="Be kinder.", id="kind"))
    wider = changed(workspace, method=FRESH, learn_from=["well", "brief", "kind"])
    with pytest.raises(PreflightError, match=r"1 of 3 comments have no check, .*: kind \(Be kinder\.\);"):
        workspace.learn(settings=wider)
    assert "kind (Be kinder.)" in planning.plan(workspace, wider).refused
    assert [version.form for version in workspace.store.versions()] == ["base"]
