"""Comments on a classifier's answers are learnt beside labelled texts: their class, and their marked words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sayso.cli.main import group as main
from sayso.errors import PreflightError, RecordError, SettingsError
from sayso.methods.rationale import Rationale
from sayso.models import labelling
from sayso.models.classical.linear import Examples
from sayso.training.classifiers import classifying, classifying_comments, classifying_network
from sayso.training.classifiers.classifying_comments import Comments

SMALL = ["model.hidden_size=16", "model.intermediate_size=32", "model.num_hidden_layers=1", "model.num_attention_heads=2",
    "vocab_size=300", "train.per_device_train_batch_size=16", "train.learning_rate=0.01", "device=cpu", "baseline=false",
    "train.num_train_epochs=2"]  # fmt: skip
SAID = [
    {"prompt": "a zesty old thing", "response": "bad", "text": "good: 'zesty' is praise"},
    {"prompt": "a mouldy new thing", "response": "good", "text": "should be bad, “mouldy”"},
    {"prompt": "a mouldy zesty thing", "response": "good", "text": "bad"},
]


def silent(**_seen: Any) -> None:
    pass


def said(folder: Path, lines: list[dict[str, Any]]) -> Path:
    path = folder / "comments.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def told(texts: Path, lines: list[dict[str, Any]], **settings: Any) -> Any:
    splits = classifying.read([texts], classifying.settings_of([], [], model="linear"))
    return classifying_comments.read(Comments(files=(str(said(texts.parent, lines)),), **settings), splits), splits


def test_the_classes_and_marks_of_comments_are_read(texts: Path) -> None:
    found, _splits = told(texts, [*SAID, {"prompt": "a thing", "response": "bad", "text": "hm", "kind": "question"}])
    assert [item.refinement.text for item in found.examples] == ["good", "bad", "bad"]
    assert (found.marked, found.unread, found.tested) == (2, 1, 0)


def test_a_text_that_is_measured_on_is_not_learnt(texts: Path) -> None:
    splits = classifying.read([texts], classifying.settings_of([], [], model="linear"))
    kept = {"prompt": splits.test[0].inputs["text"], "response": "bad", "text": "good"}
    found, _splits = told(texts, [*SAID, kept])
    assert (len(found.examples), found.tested) == (3, 1)
    with pytest.raises(PreflightError, match=r"none of the 1 comments can be learnt from: 0 answers .* 1 texts are kept"):
        told(texts, [kept])


def test_a_wrong_line_and_a_wrong_setting_are_named(texts: Path) -> None:
    with pytest.raises(RecordError, match=r"comments.jsonl:2: .*1 faults in all"):
        told(texts, [SAID[0], {"prompt": "a", "response": "b", "text": ""}])
    with pytest.raises(SettingsError, match=r"comments.marked: found -1; expected 0 or more"):
        Comments(marked=-1)


def test_the_linear_classifier_is_given_the_text_and_its_marked_words(texts: Path) -> None:
    found, splits = told(texts, SAID)
    none = Examples(texts=[], classes=[], weights=[])
    given = classifying_comments.taught(none, found, splits.task.classes, Comments(weight=2.0, marked=5.0))
    assert given.texts == [
        ("a zesty old thing", ""), ("zesty", ""), ("a mouldy new thing", ""), ("mouldy", ""), ("a mouldy zesty thing", "")
    ]  # fmt: skip
    assert (given.classes, given.weights) == ([1, 1, 0, 0, 0], [2.0, 5.0, 2.0, 5.0, 2.0])
    assert len(classifying_comments.taught(none, found, splits.task.classes, Comments(marked=0.0)).texts) == 3


def test_marked_words_move_the_linear_classifier_more_than_the_label_alone(texts: Path, tmp_path: Path) -> None:
    chances = []
    for marked in (0, 10):
        own = [
            f"comments.files={json.dumps([str(said(texts.parent, SAID))])}",
            f"comments.marked={marked}",
            "calibrate=false",
        ]
        settings = classifying.settings_of([], own, model="linear")
        found = classifying.fit("linear", classifying.read([texts], settings), settings, tmp_path / str(marked), silent)
        model = labelling.load(found.model)
        chances.append(model.logprobs([("my zesty friend", "")])[0, model.labels.index("good")])
        assert (found.commented, found.marked, found.unread) == (3, 2, 0)
    assert chances[1] > chances[0] + 0.1


def test_a_network_learns_marked_words_by_the_method_rationale(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    steps = classifying_network.steps
    monkeypatch.setattr(classifying_network, "steps", lambda *given, **named: seen.append(given) or steps(*given, **named))
    files = f"comments.files={json.dumps([str(said(texts.parent, SAID))])}"
    settings = classifying.settings_of([], [*SMALL, files, "comments.penalty=2", "comments.weight=3"], model="fresh:bert")
    found = classifying.fit("fresh:bert", classifying.read([texts], settings), settings, tmp_path / "run", silent)
    method, _policy, rows = seen[0][:3]
    assert method == Rationale(penalty=2.0)
    assert [bool(row.beside) for row in rows[-3:]] == [True, True, False]
    assert {max(row.weights) for row in rows[-3:]} == {3.0}
    assert found.commented == 3
    with pytest.raises(SettingsError, match="holds a run with other settings"):
        said(texts.parent, SAID[:2])
        classifying.fit("fresh:bert", classifying.read([texts], settings), settings, tmp_path / "run", silent)


def test_the_command_line_says_what_was_learnt_from_comments(texts: Path, tmp_path: Path) -> None:
    words = ["finetune", "linear", str(texts), "--task", "classify", "--comments", str(said(texts.parent, SAID))]
    found = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "run"), "--dry-run"])
    assert "3 texts with comments, 2 of them with marked words" in found.output
    found = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "run")])
    assert "Learnt from comments: 3 texts, 2 of them with marked words" in found.output, found.output
    found = CliRunner().invoke(main, [*words[:3], "--out", str(tmp_path / "other"), *words[5:]])
    assert found.exit_code == 2
    assert "--comments goes with --task classify" in found.output
