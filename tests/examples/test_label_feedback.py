"""The example's comments are read as its page says, and FeedbackQA's ratings become good and bad."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

from sayso.critics.labels import read
from sayso.store import exchange

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "label-feedback"


def test_every_comment_of_the_example_is_read() -> None:
    reading = exchange.read_comments(FOLDER / "comments.jsonl")
    assert reading.faults == ()
    found = [read([comment], ("bad", "good")) for comment in reading.comments]
    assert [item.label for item in found if item] == ["good", "bad", "bad", "good", "bad", "bad"]
    assert [item.named for item in found if item] == [True] * 5 + [False]
    assert all(item.marks for item in found if item)


def test_ratings_become_texts_for_a_classifier_and_no_question_stands_on_both_sides(tmp_path: Path) -> None:
    for name, question, packed in (("valid", "A?", True), ("valid", "B?", False), ("test", "B?", False)):
        item = {
            "question": question,
            "feedback": [f"{name} {question} fine", "poor", " "],
            "rating": ["Acceptable", "Bad", "Bad"],
        }
        text = json.dumps([item]).encode()
        where = tmp_path / "in" / f"{question[0]}{name}"
        where.mkdir(parents=True)
        path = where / f"feedback_{name}.json{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(text) if packed else text)
    script = str(FOLDER / "feedbackqa.py")
    subprocess.run([sys.executable, script, str(tmp_path / "in"), str(tmp_path / "out")], check=True, timeout=60)
    parts = {
        name: [json.loads(line) for line in (tmp_path / "out" / f"{name}.jsonl").read_text().splitlines()]
        for name in ("train", "test", "clear", "rating_train")
    }
    assert [(line["text"], line["label"]) for line in parts["train"]] == [("valid A? fine", "good"), ("poor", "bad")]
    assert [line["label"] for line in parts["test"]] == ["good", "bad"]
    assert [line["rating"] for line in parts["clear"]] == ["Bad"]
    assert [line["label"] for line in parts["rating_train"]] == ["Acceptable", "Bad"]
