"""Trainings one after another, comments apart, adapters composed, and what is left of what was learnt before."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.loop.conftest import write_lines

from sayso import config
from sayso.batches import collate, row
from sayso.errors import PreflightError, SettingsError
from sayso.loop import composing, importing, learning, lineage, previewing, reporting, rounds, staging
from sayso.loop.progress import Progress
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace

SHORT = ["train.max_steps=2", "train.save_steps=1", "train.learning_rate=0.01", "seed=0"]
TWO = "stages=[{method: refine_sft}, {method: hindsight, train: {max_steps: 3}}]"


@pytest.fixture
def ready(workspace: Workspace, round_folder: Path) -> Callable[..., Settings]:
    """A workspace whose prompts are answered and refined; called with assignments, it gives the settings of a training."""
    lines = (round_folder / "comments.jsonl").read_text("utf-8").splitlines()
    bye = {"id": "bye", "text": 'End with "Bye."', "check": {"name": "ends_with", "args": {"text": "Bye."}}}
    write_lines(round_folder / "comments.jsonl", [json.loads(lines[0]), bye])
    given = importing.take_in(workspace, workspace.settings(rounds.read(round_folder / "round.yaml")))
    workspace.generate(settings=given)
    workspace.refine(settings=given)

    def settings(*assignments: str) -> Settings:
        return workspace.settings(assignments=[*SHORT, "evaluate.max_new_tokens=12", *assignments])

    return settings


def test_each_stage_has_its_own_method_budget_and_comments_and_the_rest_is_as_around_it() -> None:
    given = {
        "method": "refine_sft", "train": {"max_steps": 9, "seed": 4}, "learn_from": ["a"],
        "stages": [{}, {"method": "cut", "train": {"max_steps": 3}, "guard": {"near_weight": 2}, "learn_from": ["b"]}],
    }  # fmt: skip
    settings = config.build(Settings, given, where="test")
    first, second = staging.stages_of(settings)
    assert first == replace(settings, stages=())
    assert (second.method, second.train.max_steps, second.train.seed) == ("cut", 3, 4)
    assert (second.guard.near_weight, second.learn_from, second.stages) == (2, ("b",), ())


@pytest.mark.parametrize(
    ("stage", "said"),
    [("{metod: cut}", "stages.0.metod.*did you mean 'method'"), ("{train: {max_step: 3}}", "stages.0.train.*max_steps")],
)
def test_a_wrong_key_of_a_stage_is_named_with_its_place(ready: Callable[..., Settings], stage: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        staging.stages_of(ready(f"stages=[{stage}]"))


@pytest.mark.slow
def test_every_stage_begins_with_what_the_one_before_came_to(workspace: Workspace, ready: Callable[..., Settings]) -> None:
    found = workspace.learn(settings=ready(TWO))
    (first,) = found.earlier
    assert [(item.run.method, item.run.steps) for item in (first, found)] == [("refine_sft", 2), ("hindsight", 3)]
    assert [item.version.parent for item in (first, found)] == ["base", first.version.id]
    assert workspace.store.alias("candidate") == found.version.id
    assert lineage.origin(workspace, found.version).id == "base"
    alone = workspace.learn(settings=ready("method=refine_sft"))
    assert alone.again, "the first stage is the training that it would be alone"
    assert alone.version == first.version


@pytest.mark.slow
def test_the_reference_of_a_stage_is_the_result_of_the_one_before(
    workspace: Workspace, ready: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = collate([row([5, 6, 7], [8, 9, 1])], packed=False)
    seen = []
    begin = learning.policy_for

    def noted(*given: object) -> object:
        policy = begin(*given)  # type: ignore[arg-type]
        seen.append(policy.reference().token_logprobs(batch))
        return policy

    monkeypatch.setattr(learning, "policy_for", noted)
    found = workspace.learn(settings=ready(TWO))
    expected = [workspace.model(name).token_logprobs(batch) for name in ("base", found.earlier[0].version.id)]
    assert len(seen) == 2
    assert all(torch.equal(one, other) for one, other in zip(seen, expected, strict=True))
    assert not torch.equal(*seen)


@pytest.mark.parametrize("stage", [pytest.param("stage 1", marks=pytest.mark.slow), "stage 2"])
def test_a_sequence_stopped_in_either_stage_ends_where_it_would_have_ended(
    stage: str, workspace: Workspace, ready: Callable[..., Settings]
) -> None:
    def stop(progress: Progress) -> None:
        if stage in progress.stage and progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workspace.learn(settings=ready(TWO), watch=stop)
    assert workspace.store.alias("candidate") is None, "half a sequence is no candidate"
    resumed = workspace.learn(settings=ready(TWO))
    straight = workspace.learn(settings=ready(TWO, "train.save_steps=2"))
    assert straight.run.id != resumed.run.id
    assert straight.version.sha256 == resumed.version.sha256


@pytest.mark.slow
def test_a_stage_that_could_learn_nothing_is_refused_before_the_first_is_trained(
    workspace: Workspace, ready: Callable[..., Settings]
) -> None:
    with pytest.raises(PreflightError):
        workspace.learn(settings=ready("stages=[{method: refine_sft}, {learn_from: [nobody]}]"))
    assert [version.form for version in workspace.store.versions()] == ["base"]


@pytest.mark.slow
def test_a_sequence_is_measured_against_where_it_began_and_the_report_shows_every_stage(
    workspace: Workspace, ready: Callable[..., Settings]
) -> None:
    settings = ready(TWO)
    found = workspace.learn(settings=settings)
    evaluation = workspace.evaluate(settings=settings)
    assert (evaluation.champion, evaluation.candidate) == ("base", found.version.id)
    page = reporting.report(workspace, settings=settings).read_text("utf-8")
    assert page.count("<svg") == 3, "the plane, and a curve a stage"
    assert "1 · refine_sft" in page
    assert "2 · hindsight" in page


@pytest.mark.slow
def test_a_dry_run_says_every_stage(workspace: Workspace, ready: Callable[..., Settings]) -> None:
    found = previewing.learn(workspace, ready(TWO))
    assert [item["method"] for item in found.numbers["stages"]] == ["refine_sft", "hindsight"]
    assert [item["steps"] for item in found.numbers["stages"]] == [2, 3]


def test_comments_in_turn_are_learnt_one_a_stage_and_what_is_left_of_the_first_is_counted(
    workspace: Workspace, ready: Callable[..., Settings]
) -> None:
    settings = staging.in_turn(workspace, ready())
    assert {stage.learn_from for stage in settings.stages} == {("well",), ("bye",)}
    found = workspace.learn(settings=settings)
    first = found.earlier[0]
    assert set(first.run.comments) == set(settings.stages[0].learn_from)
    evaluation = workspace.evaluate(settings=settings)
    (kept,) = evaluation.retained
    assert (kept.comment_id, kept.version) == (settings.stages[0].learn_from[0], first.version.id)
    inside = next(take.inside for take in evaluation.takes if take.comment_id == kept.comment_id)
    assert inside is not None
    assert (kept.rate.after, kept.rate.n) == (inside.after, inside.n), "the same answers, counted against another time"
    assert workspace.store.evaluations()[-1].retained == evaluation.retained


@pytest.mark.slow
def test_comments_learnt_in_an_earlier_round_are_counted_again_in_the_next(
    workspace: Workspace, ready: Callable[..., Settings]
) -> None:
    workspace.learn(settings=ready("learn_from=[bye]"))
    workspace.promote()
    again = ready("learn_from=[well]")
    workspace.generate(settings=again)
    workspace.refine(settings=again)
    found = workspace.learn(settings=again)
    assert lineage.learnt_before(workspace, found.version) == {"bye": "v1"}
    evaluation = workspace.evaluate(settings=again)
    assert [take.comment_id for take in evaluation.takes] == ["well"]
    assert [item.comment_id for item in evaluation.retained] == ["bye"]


@pytest.mark.slow
def test_with_nothing_learnt_before_nothing_is_retained(workspace: Workspace, ready: Callable[..., Settings]) -> None:
    workspace.learn(settings=ready())
    assert workspace.evaluate(settings=ready()).retained == ()


def delta(workspace: Workspace, name: str) -> torch.Tensor:
    """Return all that a version's adapter changes, in one line."""
    module = workspace.model(name).module
    parts = [part for _name, part in module.named_modules() if hasattr(part, "get_delta_weight") and part.lora_A]
    return torch.cat([part.get_delta_weight("default").flatten() for part in parts])


def test_comments_apart_are_adapters_of_their_own_whose_changes_are_summed(
    workspace: Workspace, ready: Callable[..., Settings]
) -> None:
    found = composing.apart(workspace, ready())
    assert found.composed is not None
    assert [part.version.parent for part in found.parts] == ["base", "base"]
    candidate = workspace.version("candidate")
    assert (candidate.form, candidate.parent, candidate.id) == ("adapter", "base", found.composed.version.id)
    expected = sum(delta(workspace, part.version.id) for part in found.parts)
    torch.testing.assert_close(delta(workspace, candidate.id), expected, atol=1e-6, rtol=0)
    assert composing.apart(workspace, ready()).composed.again  # type: ignore[union-attr]
    evaluation = workspace.evaluate(settings=ready())
    assert {item.comment_id: item.version for item in evaluation.retained} == {
        part.run.comments[0]: part.version.id for part in found.parts
    }
    assert "compose" in reporting.report(workspace).read_text("utf-8")


@pytest.mark.slow
def test_weights_scale_the_parts_and_a_merged_version_is_a_full_model_that_answers_the_same(
    workspace: Workspace, ready: Callable[..., Settings]
) -> None:
    parts = composing.apart(workspace, ready()).parts
    names = [part.version.id for part in parts]
    half = composing.compose(workspace, names, weights=(1, 0.5))
    expected = delta(workspace, names[0]) + 0.5 * delta(workspace, names[1])
    torch.testing.assert_close(delta(workspace, half.version.id), expected, atol=1e-6, rtol=0)
    full = composing.compose(workspace, names, weights=(1, 0.5), merge=True)
    assert full.version.form == "full"
    batch = collate([row([5, 6, 7], [8, 9, 1])], packed=False)
    one, other = (workspace.model(item.version.id).token_logprobs(batch) for item in (half, full))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_what_does_not_go_together_is_refused(workspace: Workspace, ready: Callable[..., Settings]) -> None:
    found = workspace.learn(settings=ready(TWO))
    first, last = found.earlier[0].version.id, found.version.id
    for names, extra, said in [
        ([first, last], {}, "count twice"),
        ([first, first], {}, "count twice"),
        (["base", last], {}, "no adapter"),
        ([last], {}, "two versions or more"),
        ([last], {"merge": True, "weights": (1, 2)}, "2 numbers for 1 versions"),
    ]:
        with pytest.raises(SettingsError, match=said):
            composing.compose(workspace, names, **extra)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="use_lora"):
        composing.apart(workspace, ready("train.use_lora=false"))
    workspace.promote(first)
    with pytest.raises(PreflightError, match="adapter itself"):
        composing.apart(workspace, ready())


def test_nothing_to_learn_in_turn_is_said(workspace: Workspace, ready: Callable[..., Settings]) -> None:
    with pytest.raises(PreflightError, match="one by one"):
        staging.in_turn(workspace, ready("learn_from=[nobody]"))


@pytest.mark.slow
def test_a_round_with_stages_is_planned_done_and_summed_up(workspace: Workspace, ready: Callable[..., Settings]) -> None:
    settings = ready(TWO, "evaluate.max_new_tokens=4")
    assert workspace.plan(settings=settings).method == "refine_sft", "the stage that begins"
    found = rounds.run(workspace, settings)
    assert (found.candidate, found.evaluation.champion) == ("v2", "base")
    assert rounds.summary(found)["retained"] == []
    assert "2 · hindsight" in found.report.read_text("utf-8")
