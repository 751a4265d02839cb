"""What reviewers judged goes out with the records: verdicts mark responses, rejected refinements teach nothing."""

from __future__ import annotations

import json
from pathlib import Path

from sayso.records import Refinement, Response, ask
from sayso.store import review
from sayso.store.bridges import moving
from sayso.store.database import Store

GOOD, BAD = (Response(prompt=ask("Sky?"), text=text) for text in ("Blue.", "Green."))


def judged(store: Store) -> None:
    store.add_responses([GOOD, BAD])
    store.add_refinements([Refinement(id="f1", response=BAD, text="Blue!"), Refinement(id="f2", response=BAD, text="Red.")])
    ann, bo = (review.add_reviewer(store, name, role) for name, role in (("Ann", "lead"), ("Bo", "reviewer")))
    review.set_verdict(store, ann, GOOD.id, "good")
    review.set_verdict(store, ann, BAD.id, "bad")
    review.set_verdict(store, bo, BAD.id, "good")
    review.adjudicate(store, ann, BAD.id, "needs_work", "It is not green.")
    review.sign_off(store, bo, "f2", "rejected")


def test_verdicts_mark_responses_and_rejected_refinements_stay_here(store: Store, tmp_path: Path) -> None:
    judged(store)
    moving.write_out(store, tmp_path / "kto.jsonl", "ms-swift-kto")
    rows = [json.loads(line) for line in (tmp_path / "kto.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {row["messages"][-1]["content"]: row["label"] for row in rows} == {"Blue!": True, "Blue.": True, "Green.": False}
    written = moving.write_out(store, tmp_path / "sft.jsonl", "trl-sft")
    reasons = {(item.what, item.reason): item.count for item in written.lost}
    assert reasons["refinement", "the reviewers rejected it"] == 1
    assert reasons["verdict", ""] == 2
    assert written.count == 1


def test_a_datasets_folder_has_the_verdicts_and_reading_it_lists_them(store: Store, tmp_path: Path) -> None:
    judged(store)
    written = moving.write_out(store, tmp_path / "out", "datasets")
    assert [item.what for item in written.lost] == ["refinement.rejected"]
    rows = [json.loads(line) for line in (tmp_path / "out" / "refinements.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["verdicts"] for row in rows] == [["needs_work"], ["needs_work"]]
    assert [item.what for item in moving.read(tmp_path / "out", "datasets").lost] == ["verdicts"]
