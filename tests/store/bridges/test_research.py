"""The public sets of comments in words are read whole: real files, counted against what their authors say is in them."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from tests.store.bridges.samples import lost, reading

from sayso.store.bridges import moving
from sayso.store.bridges.results import Bridged

FILES = {
    "feedbackqa": ("feedbackqa/Australia/feedback_valid.json.gz", 672, 0, 336),
    "defacto": ("defacto/val.jsonl.gz", 827, 346, 486),
    "ilf-code": ("ilf_code_mbpp/surge_annotations.jsonl", 195, 195, 195),
    "qa-feedback": ("qa_feedback_finegrained/dev_feedback.json.gz", 2215, 487, 2000),
    "saf": ("saf_short_answer_feedback/saf_xml.tar.gz", 4519, 0, 4519),
    "self-refine": ("self_refine/outputs/yelp/dv3.jsonl.gz", 1922, 1485, 1922),
    "cut": ("cut_judgment/iter/train-alpaca-sample-iter1.json.gz", 287, 0, 1000),
    "excgec": ("excgec_zh/valid.json.gz", 1496, 750, 750),
}
"""File, comments, refinements, responses."""


@cache
def read(shared: Path, name: str) -> Bridged:
    return moving.read(shared / "data" / FILES[name][0], name)


@pytest.mark.parametrize("name", FILES)
def test_a_public_set_is_read_whole(shared: Path, name: str) -> None:
    found = read(shared, name)
    assert [str(fault) for fault in found.faults] == []
    counts = len(found.comments), len(found.refinements), len(found.responses)
    assert counts == FILES[name][1:]
    assert found.lost  # each of them holds more than a record can


def test_feedbackqa_ratings_are_kept_as_polarity(shared: Path) -> None:
    found = read(shared, "feedbackqa")
    assert {(item.kind, item.polarity) for item in found.comments} == {
        ("keep", 1.0), ("keep", 0.5), ("fix", -0.5), ("fix", -1.0),
    }  # fmt: skip
    assert lost(found)["passage.uri"] == 336


def test_defacto_corrections_address_the_explanation_and_the_instruction(shared: Path) -> None:
    found = read(shared, "defacto")
    words = {comment.id: comment.text for comment in found.comments}
    two = [item for item in found.refinements if len(item.addresses) == 2]
    assert len(two) > 300
    assert all(name in words for item in found.refinements for name in item.addresses)


def test_ilf_programs_begin_after_the_prompt(shared: Path) -> None:
    found = read(shared, "ilf-code")
    for refinement in found.refinements:
        assert not refinement.text.startswith(refinement.response.prompt.text)
        assert not refinement.response.text.startswith(refinement.response.prompt.text)


def test_qa_feedback_spans_are_the_marked_words_and_gaps_quote_the_passage(shared: Path) -> None:
    found = read(shared, "qa-feedback")
    marked = [comment for comment in found.comments if comment.spans]
    assert len(marked) == 1373
    assert all(span.quote == comment.response.text[span.start : span.end] for comment in marked for span in comment.spans)  # type: ignore[union-attr]
    gaps = [comment.text for comment in found.comments if comment.text.startswith("Missing-")]
    assert any("In 1969, in Pasadena, a couple seeks the aid" in text for text in gaps)


def test_saf_verdicts_are_kept_as_polarity(shared: Path) -> None:
    counts = Counter(comment.polarity for comment in read(shared, "saf").comments)
    assert set(counts) == {1.0, 0.0, -1.0}


def test_saf_zip_and_one_file_of_it_are_read(shared: Path, tmp_path: Path) -> None:
    import zipfile

    archive = shared / "data" / "saf_short_answer_feedback" / "SAF2_0.zip"
    whole = moving.read(archive, "saf")
    with zipfile.ZipFile(archive) as packed:
        (tmp_path / "one.xml").write_bytes(packed.read("SAF2_0/training/1.6.xml"))
    one = moving.read(tmp_path / "one.xml", "saf")
    assert (len(whole.comments), whole.faults, one.faults) == (2981, (), ())
    assert 0 < len(one.comments) < 200
    text = (tmp_path / "one.xml").read_text(encoding="utf-8").splitlines()
    assert one.entries[0].where == f"one.xml:{next(n for n, line in enumerate(text, 1) if '<studentAnswer ' in line)}"


def test_saf_reads_the_rows_of_its_json_form(tmp_path: Path) -> None:
    row = {
        "id": "1", "question": "What is UDP?", "reference_answer": "A protocol.", "provided_answer": "A cable.",
        "answer_feedback": "It is a protocol.", "verification_feedback": "Incorrect", "score": 0.0,
    }  # fmt: skip
    found = reading(tmp_path, [row], "saf", file="rows.jsonl")
    assert [(item.text, item.polarity, item.kind) for item in found.comments] == [("It is a protocol.", -1, "fix")]


def test_self_refine_takes_the_next_attempt_as_the_refinement(shared: Path) -> None:
    found = read(shared, "self-refine")
    texts = {response.text for response in found.responses}
    assert all(item.text in texts and item.source == "model" for item in found.refinements)


def test_excgec_severities_and_spans_are_kept(shared: Path) -> None:
    found = read(shared, "excgec")
    assert {comment.severity for comment in found.comments} == {"minor", "major", "critical"}
    assert sum(bool(comment.spans) for comment in found.comments) > 900
    first = found.comments[0]
    assert [span.quote for span in first.spans] == ["由于"]
    assert "词语冗余" in first.text


def test_cut_answers_without_a_judgment_are_responses(shared: Path) -> None:
    found = read(shared, "cut")
    assert (
        len({response.id for response in found.responses} - {item.response.id for item in found.comments if item.response})
        > 700
    )


def test_the_same_words_with_another_rating_are_another_comment(tmp_path: Path) -> None:
    row = {"question": "Who?", "provided_answer": "Ann.", "answer_feedback": "Good.", "score": 1}
    rows = [{**row, "verification_feedback": verdict} for verdict in ("Incorrect", "Partially correct", "Incorrect")]
    found = reading(tmp_path, rows, "saf", file="rows.jsonl")
    assert found.faults == ()
    assert [item.id.endswith("-2") for item in found.comments] == [False, True, False]
    assert json.dumps([item.polarity for item in found.comments]) == "[-1.0, 0.0, -1.0]"
