"""What a bridge can hold comes home equal: out to another tool's file and in again, whatever the records say."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.generated import MESSAGES, PROMPTS, RESPONSES, TEXT, WORDS, histories

from sayso.records import Comment, Prompt, Refinement, Response, Span, ask
from sayso.store import database
from sayso.store.bodies import same
from sayso.store.bridges import EXPORTERS, IMPORTERS, moving
from sayso.store.bridges.results import Records
from sayso.store.database import Store

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
FEW = settings(max_examples=12, deadline=None, suppress_health_check=_SLOW)
MANY = settings(max_examples=60, deadline=None, suppress_health_check=_SLOW)
TOOLS = ("argilla", "doccano", "label-studio")
"""They hold what stands with a response; the rest is listed."""
History = tuple[list[Comment], list[Refinement]]


def opened(empty: Path, folder: Path, name: str) -> Store:
    shutil.copy(empty, folder / name)
    return database.open(folder / name, clock=lambda: "2026-01-31T00:00:00+00:00")


def through(empty: Path, folder: Path, history: History, name: str) -> tuple[Store, Store, Any]:
    """The store before, the store after, and what was listed as lost on the way."""
    before, after = opened(empty, folder, "before.db"), opened(empty, folder, "after.db")
    before.add_comments(history[0])
    before.add_refinements(history[1])
    written = moving.write_out(before, folder / "out", name)
    if written.count:
        arrived = moving.bring_in(after, folder / "out", name)
        assert [str(fault) for fault in arrived.imported.faults] == []
    return before, after, written.lost


def by_id(records: list[Any]) -> dict[str, Any]:
    return {record.id: record for record in records}


def round_trip_of_all(empty: Path, history: History) -> None:
    with tempfile.TemporaryDirectory() as name:
        before, after, lost = through(empty, Path(name), history, "datasets")
        assert lost == ()
        for one, other in ((before.comments(None), after.comments(None)), (before.refinements(), after.refinements())):
            assert set(by_id(one)) == set(by_id(other))
            assert all(same(record, by_id(other)[record.id]) for record in one)
        assert set(by_id(before.prompts())) == set(by_id(after.prompts()))
        assert set(by_id(before.responses())) == set(by_id(after.responses()))
        before.close()
        after.close()


def round_trip_through_a_tool(empty: Path, history: History, tool: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        before, after, lost = through(empty, Path(name), history, tool)
        standing = {item.id for item in before.comments(None) if item.response is None}
        found = by_id(after.comments(None))
        assert set(found) == set(by_id(before.comments(None))) - standing
        for comment in before.comments(None):
            if comment.response is not None:
                older = tuple(item for item in comment.supersedes if item not in standing)
                assert same(dataclasses.replace(comment, supersedes=older), found[comment.id])
        counts = {item.reason: item.count for item in lost}
        assert counts.get("it stands without a response", 0) == len(standing)
        better = by_id(after.refinements())
        assert len(better) == len(before.refinements())
        for refinement in before.refinements():
            kept = tuple(item for item in refinement.addresses if item not in standing)
            assert same(dataclasses.replace(refinement, addresses=kept), better[refinement.id])
        before.close()
        after.close()


@given(history=histories())
@FEW
def test_a_datasets_folder_holds_everything(empty: Path, history: History) -> None:
    round_trip_of_all(empty, history)


@pytest.mark.slow
@given(history=histories())
@MANY
def test_many_more_datasets_folders_hold_everything(empty: Path, history: History) -> None:
    round_trip_of_all(empty, history)


@pytest.mark.parametrize("tool", TOOLS)
@given(history=histories())
@FEW
def test_annotation_tools_hold_what_stands_with_a_response(empty: Path, tool: str, history: History) -> None:
    round_trip_through_a_tool(empty, history, tool)


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS)
@given(history=histories())
@MANY
def test_annotation_tools_hold_many_more(empty: Path, tool: str, history: History) -> None:
    round_trip_through_a_tool(empty, history, tool)


BETTER = st.builds(
    Refinement, response=st.builds(Response, prompt=st.builds(Prompt, messages=MESSAGES), text=TEXT), text=WORDS
)


@pytest.mark.parametrize(("out", "back"), [("trl-preference", "trl"), ("openai-preference", "openai")])
@given(better=st.lists(BETTER, max_size=3, unique_by=lambda item: item.id))
@FEW
def test_preference_files_hold_refinements_without_comments(out: str, back: str, better: list[Refinement]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "out.jsonl"
        EXPORTED[out](Records(refinements=tuple(better)), path)
        expected = [item for item in better if item.text != item.response.text]
        assert list(moving.read(path, back).refinements if expected else ()) == expected


@given(better=st.lists(BETTER, min_size=1, max_size=3, unique_by=lambda item: item.id))
@FEW
def test_training_files_hold_better_answers_as_responses(better: list[Refinement]) -> None:
    with tempfile.TemporaryDirectory() as name:
        for out, back in (("trl-sft", "trl"), ("openai-chat", "openai"), ("ms-swift-sft", "trl")):
            EXPORTED[out](Records(refinements=tuple(better)), Path(name) / "out.jsonl")
            found = moving.read(Path(name) / "out.jsonl", back).responses
            assert [(item.prompt, item.text) for item in found] == [(item.response.prompt, item.text) for item in better]


def _exporter(name: str) -> Any:
    from sayso import registry

    return registry.load(EXPORTERS, name, kind="format")


EXPORTED = {name: _exporter(name) for name in EXPORTERS}


def test_every_format_of_the_tables_is_there() -> None:
    from sayso import registry

    assert all(callable(found) for found in EXPORTED.values())
    assert all(callable(registry.load(IMPORTERS, name, kind="format")) for name in IMPORTERS)


@given(response=RESPONSES, prompt=PROMPTS)
@FEW
def test_a_datasets_folder_holds_prompts_and_responses_nobody_commented_on(
    empty: Path, response: Response, prompt: Prompt
) -> None:
    with tempfile.TemporaryDirectory() as name:
        records = Records(prompts=(prompt,), responses=(response,))
        EXPORTED["datasets"](records, Path(name) / "out")
        found = moving.read(Path(name) / "out", "datasets")
        assert found.responses == (response,)
        assert found.prompts == ((prompt,) if prompt.id != response.prompt.id else ())


DRAFT = Response(prompt=ask("Sky?"), text="The sky is 🙂 green and low.")
SAID = Comment(
    id="c1", text="Wrong colour.", response=DRAFT, severity="major",
    spans=(Span(start=13, end=18, quote="green", prefix="🙂 "),),
)  # fmt: skip


def edited(folder: Path, tool: str, change: Any) -> Any:
    """What comes home after somebody changed the file of a tool."""
    path = folder / ("out.jsonl" if tool == "doccano" else "out.json")
    EXPORTED[tool](Records(comments=(SAID,)), path)
    text = path.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()] if tool == "doccano" else json.loads(text)
    change(rows[0])
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(lines if tool == "doccano" else json.dumps(rows), encoding="utf-8")
    return moving.read(path, tool)


def test_words_changed_in_label_studio_change_the_comment(tmp_path: Path) -> None:
    def change(task: Any) -> None:
        areas = [item for item in task["annotations"][0]["result"] if item["type"] == "textarea"]
        areas[0]["value"]["text"] = ["Say blue."]
        labels = [item for item in task["annotations"][0]["result"] if item["type"] == "labels"]
        labels[0]["value"]["labels"] = ["concern"]

    (comment,) = edited(tmp_path, "label-studio", change).comments
    assert comment == dataclasses.replace(SAID, text="Say blue.", kind="concern")


def test_a_span_added_in_doccano_is_a_new_comment_and_one_taken_away_stays_and_is_listed(tmp_path: Path) -> None:
    def change(row: Any) -> None:
        assert row["label"] == [[14, 19, "fix"]]  # in UTF-16 units
        row["label"] = [[4, 7, "vague"]]

    found = edited(tmp_path, "doccano", change)
    assert [(item.text, [span.quote for span in item.spans]) for item in found.comments] == [
        ("Wrong colour.", ["green"]), ("vague", ["sky"]),
    ]  # fmt: skip
    assert [item.what for item in found.lost] == ["comment"]


def test_a_persons_answer_in_argilla_counts_before_what_was_suggested(tmp_path: Path) -> None:
    def change(record: Any) -> None:
        record["responses"] = {
            "comment": [{"value": "Say blue.", "user_id": "u1"}, {"value": "Also too long.", "user_id": "u2"}],
            "refinement": [{"value": "The sky is blue.", "user_id": "u1"}],
        }

    found = edited(tmp_path, "argilla", change)
    assert found.comments[0] == dataclasses.replace(SAID, text="Say blue.")
    assert [(item.text, item.author) for item in found.comments[1:]] == [("Also too long.", "u2")]
    assert [item.text for item in found.refinements] == ["The sky is blue."]


@pytest.mark.parametrize("tool", TOOLS)
def test_another_response_than_the_one_that_rides_along_is_a_fault(tmp_path: Path, tool: str) -> None:
    def change(row: Any) -> None:
        inside = row["data"] if tool == "label-studio" else row["fields"] if tool == "argilla" else row
        inside["text" if tool == "doccano" else "response"] = "The sky is grey."

    found = edited(tmp_path, tool, change)
    assert found.comments == ()
    assert "take one of them out" in str(found.faults[0])


def test_a_comment_that_changed_elsewhere_becomes_its_next_revision(tmp_path: Path, store: Store) -> None:
    store.add_comments([SAID])

    def change(task: Any) -> None:
        areas = [item for item in task["annotations"][0]["result"] if item["type"] == "textarea"]
        areas[0]["value"]["text"] = ["Say blue."]

    edited(tmp_path, "label-studio", change)
    refused = moving.bring_in(store, tmp_path / "out.json", "label-studio")
    assert [fault.field for fault in refused.imported.faults] == ["id"]
    moving.bring_in(store, tmp_path / "out.json", "label-studio", revise=True)
    assert [(item.id, item.text) for item in store.comments()] == [("c1@2", "Say blue.")]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_better_answer_may_answer_a_comment_and_the_one_that_superseded_it(empty: Path, tool: str) -> None:
    older = Comment(id="a", text="Too long.", response=DRAFT, status="superseded")
    newer = Comment(id="b", text="Shorter.", response=DRAFT, supersedes=("a",))
    better = Refinement(response=DRAFT, text="Blue.", addresses=("a", "b"))
    round_trip_through_a_tool(empty, ([older, newer], [better]), tool)
