"""A comment on a classifier's answer goes round the loop: it is read, learnt, and its take is counted on held-out texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sayso.errors import RecordError
from sayso.loop import measuring
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace
from sayso.models import headed
from sayso.models.headed import NetworkLabeller
from sayso.records import Comment, Response, ask

SMALL = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
HELD = [
    ("what a dull day", "bad"), ("dull again", "bad"), ("a dull but fine day", "good"), ("a fine day", "good"),
    ("rain", "bad"), ("undulled", "good"), ("so dull a film", "bad"),
]  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path, tiny_folder: Path) -> Workspace:
    """A workspace on a tiny classifier, with held-out texts."""
    headed.drawn("bert", SMALL, tiny_folder, ("bad", "good"), seed=3, device="cpu").save(tmp_path / "model")
    found = Workspace.init(tmp_path / "work", model=str(tmp_path / "model"))
    lines = [json.dumps({"text": text, "label": label}) for text, label in HELD]
    (found.folder / "held.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return found


def said(text: str, words: str, *, given: str = "good") -> Comment:
    return Comment(text=words, response=Response(prompt=ask(text), text=given, version="base"))


def settings(workspace: Workspace, *more: str) -> Settings:
    own = ("labels.heldout=held.jsonl", "method=rationale", "train.use_lora=false", "train.learning_rate=0.02",
           "train.max_steps=12", "train.per_device_train_batch_size=2", "gate.min_probes=1")  # fmt: skip
    return workspace.settings(assignments=[*own, *more])


def test_probes_of_a_comment_are_the_texts_with_its_words(workspace: Workspace) -> None:
    workspace.comment(said("a dull film", "bad: 'dull' says so"))
    workspace.comment(said("a long film", "bad"))
    workspace.comment(said("a film", "I do not know", given="bad"))
    found = {comment.text: comment for comment in measuring.probed_comments(workspace, settings(workspace))}
    marked, bare = found["bad: 'dull' says so"], found["bad"]
    assert {(probe.scope, probe.prompt.text) for probe in marked.probes} == {
        ("in", "what a dull day"), ("in", "dull again"), ("in", "so dull a film"), ("near", "a dull but fine day"),
        ("out", "a fine day"), ("out", "undulled"),
    }  # fmt: skip
    assert marked.check is not None
    assert marked.check.args == {"text": "bad"}
    assert [probe.scope for probe in bare.probes] == ["in"] * 4 + ["out"] * 3
    assert found["I do not know"].check.args == {"text": "good"}  # type: ignore[union-attr]


def test_without_held_out_texts_nothing_is_counted_and_a_wrong_class_is_named(workspace: Workspace) -> None:
    workspace.comment(said("a dull film", "bad: 'dull' says so"))
    assert measuring.probed_comments(workspace, settings(workspace, 'labels.heldout=""')) == []
    (workspace.folder / "held.jsonl").write_text('{"text": "x", "label": "poor"}', encoding="utf-8")
    with pytest.raises(RecordError, match="found the class 'poor'; expected one of bad, good"):
        measuring.probed_comments(workspace, settings(workspace))


def test_a_text_that_was_commented_on_tests_nothing(workspace: Workspace) -> None:
    workspace.comment(said("dull again", "bad: 'dull'"))
    (found,) = measuring.probed_comments(workspace, settings(workspace))
    assert "dull again" not in {probe.prompt.text for probe in found.probes}


def test_a_comment_is_learnt_and_its_take_is_counted(workspace: Workspace) -> None:
    for number, text in enumerate(("a dull film", "dull and long", "how dull")):
        workspace.comment(said(text, f"bad: 'dull' says so, {number}"))
    for text in ("a fine film", "fine and warm", "how fine"):
        workspace.comment(said(text, "good: 'fine' says so", given="bad"))
    asked = settings(workspace)
    refined = workspace.refine(settings=asked)
    assert (refined.wanting, refined.kept) == (6, 6)
    learnt = workspace.learn(settings=asked)
    assert (learnt.run.method, len(learnt.material.examples)) == ("rationale", 6)
    model = NetworkLabeller(workspace.model(learnt.version.id))
    chances = model.logprobs([("dull", ""), ("fine", "")])[:, model.labels.index("bad")]
    assert chances[0] > chances[1]
    evaluation = workspace.evaluate(settings=asked)
    assert len(evaluation.takes) == 6
    assert {take.inside.n for take in evaluation.takes if take.inside and take.text.startswith("bad")} == {3}
    assert {take.out.n for take in evaluation.takes if take.out and take.text.startswith("bad")} == {2}
    assert evaluation.verdict is not None


def test_comments_that_name_different_classes_come_to_nothing(workspace: Workspace) -> None:
    workspace.comment(said("a dull film", "bad: 'dull'"))
    workspace.comment(said("a dull film", "good: 'film'"))
    found = workspace.refine(settings=settings(workspace))
    assert (found.wanting, found.kept, found.reason) == (1, 0, "The comments name no class, or more than one.")
