"""What people said in other tools comes in as comments: words, places, better answers, and what is lost is listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.store.bridges.samples import (
    ANSWER,
    ARGILLA,
    ARGILLA_FLAT,
    BETTER,
    DOCCANO,
    GITHUB,
    KILN_RUN,
    LABEL_STUDIO,
    LANGFUSE_TRACE,
    OPEN_WEBUI,
    PHOENIX_ANNOTATIONS,
    PHOENIX_SPANS,
    QUESTION,
    WORDS,
    lost,
    reading,
)

from sayso.records import Comment
from sayso.store.bridges import moving


def said(comments: tuple[Comment, ...]) -> list[tuple[str, list[str]]]:
    """The words of comments, each with the stretches they are about."""
    return [(comment.text, [span.quote for span in comment.spans]) for comment in comments]


def test_label_studio_gives_regions_with_words_labels_choices_and_corrections(tmp_path: Path) -> None:
    found = reading(tmp_path, LABEL_STUDIO, "label-studio")
    assert found.faults == ()
    assert said(found.comments) == [
        (WORDS, ["Click the gear."]), ("unverified", ["It takes a minute"]), ("tone: curt", []),
    ]  # fmt: skip
    assert {comment.author for comment in found.comments} == {"ann@example.org"}
    assert found.comments[0].created == "2026-01-31T09:30:00.000000Z"
    assert found.comments[0].response.prompt.text == QUESTION
    assert [item.text for item in found.refinements] == [BETTER]
    assert set(found.refinements[0].addresses) == {comment.id for comment in found.comments}
    assert lost(found)["annotations[].result[].value.rating"] == 1
    assert lost(found)["annotations[]"] == 1  # the cancelled one


def test_label_studio_words_are_believed_over_offsets(tmp_path: Path) -> None:
    task = json.loads(json.dumps(LABEL_STUDIO))
    task[0]["annotations"][0]["result"][2]["value"] |= {"start": 37, "end": 54}  # counted in UTF-16 units, as it once did
    assert said(reading(tmp_path, task, "label-studio").comments)[1] == ("unverified", ["It takes a minute"])


@pytest.mark.parametrize("file", ["records.json", "records.jsonl"])
def test_argilla_gives_what_each_person_and_agent_answered(tmp_path: Path, file: str) -> None:
    found = reading(tmp_path, ARGILLA, "argilla", file=file)
    assert found.faults == ()
    assert said(found.comments) == [(WORDS, ["Click the gear."]), ("Friendly ending.", []), ("curt", [])]
    assert [(item.kind, item.author, item.source) for item in found.comments] == [
        ("concern", "u1", "person"), ("keep", "u2", "person"), ("fix", "tone-model", "model"),
    ]  # fmt: skip
    assert [item.text for item in found.refinements] == [BETTER]
    assert found.refinements[0].addresses == (found.comments[0].id,)
    assert {"metadata.team", "responses.stars", "status"} <= set(lost(found))


def test_argilla_flattened_rows_say_the_same(tmp_path: Path) -> None:
    found = reading(tmp_path, ARGILLA_FLAT, "argilla", file="rows.jsonl")
    assert found.faults == ()
    assert said(found.comments) == [(WORDS, []), ("curt", [])]
    assert [item.author for item in found.comments] == ["u1", "tone-model"]


def test_langfuse_gives_scores_with_comments_and_corrections(tmp_path: Path) -> None:
    found = reading(tmp_path, LANGFUSE_TRACE, "langfuse")
    assert found.faults == ()
    by_id = {comment.id: comment for comment in found.comments}
    assert set(by_id) == {"langfuse-s1", "langfuse-s2", "langfuse-s5"}
    first = by_id["langfuse-s1"]
    assert (first.text, first.kind, first.polarity, first.author) == (WORDS, "fix", -1, "ann")
    assert [message.role for message in first.response.prompt.messages] == ["system", "user"]
    assert first.response.text == ANSWER
    assert by_id["langfuse-s2"].polarity is None  # four of how many?
    assert (by_id["langfuse-s5"].response.text, by_id["langfuse-s5"].response.version) == ("Gear, Reset.", "small-1")
    assert [item.text for item in found.refinements] == [BETTER]
    assert lost(found)["scores[].value"] == 1


@pytest.mark.parametrize("parts", [True, 3, "o1"])
def test_langfuse_names_observations_that_are_no_list(tmp_path: Path, parts: object) -> None:
    found = reading(tmp_path, [{**LANGFUSE_TRACE, "observations": parts}], "langfuse")
    assert [fault.field for fault in found.faults] == ["observations"]


def test_langfuse_joins_the_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "scores").mkdir()
    row = {"id": "o1", "trace_id": "t1", "input": QUESTION, "output": ANSWER, "provided_model_name": "small-1"}
    (tmp_path / "observations.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    (tmp_path / "scores" / "day.csv").write_text(
        "id,observation_id,name,value,data_type,comment,timestamp\n"
        f's1,o1,good,0,NUMERIC,"{WORDS}",2026-01-31 09:30:00.000000\n',
        encoding="utf-8",
    )
    found = moving.read(tmp_path, "langfuse")
    assert found.faults == ()
    assert [(item.text, item.polarity, item.created) for item in found.comments] == [
        (WORDS, -1, "2026-01-31T09:30:00+00:00")
    ]


def test_phoenix_joins_annotations_with_their_spans(tmp_path: Path) -> None:
    (tmp_path / "spans.json").write_text(json.dumps(PHOENIX_SPANS), encoding="utf-8")
    (tmp_path / "annotations.json").write_text(json.dumps(PHOENIX_ANNOTATIONS), encoding="utf-8")
    found = moving.read(tmp_path, "phoenix")
    assert found.faults == ()
    assert [(item.text, item.polarity, item.source) for item in found.comments] == [
        (WORDS, -1, "person"), ("Kind.", 1, "model"), ("tone: curt", None, "tool"),
    ]  # fmt: skip
    assert found.comments[0].response.prompt.text == QUESTION
    assert found.comments[0].response.version == "small-1"
    assert lost(found)["score"] == 1


def test_phoenix_annotations_without_their_spans_are_a_fault(tmp_path: Path) -> None:
    found = reading(tmp_path, PHOENIX_ANNOTATIONS, "phoenix")
    assert [fault.field for fault in found.faults] == ["span_id"] * 4
    assert found.comments == ()


def test_open_webui_gives_comments_with_thumbs_and_the_chat_before(tmp_path: Path) -> None:
    found = reading(tmp_path, OPEN_WEBUI, "open-webui")
    assert found.faults == ()
    (comment,) = found.comments
    assert (comment.id, comment.text, comment.polarity, comment.kind) == ("open-webui-f1", WORDS, -1, "fix")
    assert (comment.response.prompt.text, comment.response.text) == (QUESTION, ANSWER)
    assert comment.created == "2026-01-31T09:30:00+00:00"
    assert {"data.reason", "data.tags"} <= set(lost(found))


def test_open_webui_takes_the_reason_where_there_is_no_comment(tmp_path: Path) -> None:
    rows = json.loads(json.dumps(OPEN_WEBUI))
    rows[0]["data"]["comment"] = ""
    assert reading(tmp_path, rows, "open-webui").comments[0].text == "not helpful"
    rows[0]["data"]["reason"] = None
    found = reading(tmp_path, rows, "open-webui")
    assert found.comments == ()
    assert lost(found)["data.rating"] == 1


def test_kiln_reads_a_project_folder(tmp_path: Path) -> None:
    run = tmp_path / "tasks" / "1 - Help" / "runs" / "run1"
    (run / "feedback" / "n1").mkdir(parents=True)
    (run.parents[1] / "task.kiln").write_text(json.dumps({"instruction": "Be kind."}), encoding="utf-8")
    (run / "task_run.kiln").write_text(json.dumps(KILN_RUN), encoding="utf-8")
    note = {"id": "n1", "feedback": "Too short.", "source": "run-page", "created_by": "bo"}
    (run / "feedback" / "n1" / "feedback.kiln").write_text(json.dumps(note), encoding="utf-8")
    found = moving.read(tmp_path, "kiln")
    assert found.faults == ()
    assert [(item.text, item.polarity) for item in found.comments] == [(WORDS, -0.5), ("Too short.", -0.5)]
    assert [turn.content for turn in found.comments[0].response.prompt.messages] == ["Be kind.", QUESTION]
    assert found.comments[0].response.version == "small-1"
    assert [item.text for item in found.refinements] == [BETTER]
    assert set(found.refinements[0].addresses) == {comment.id for comment in found.comments}


def test_kiln_reads_one_run(tmp_path: Path) -> None:
    found = reading(tmp_path, KILN_RUN, "kiln", file="task_run.kiln")
    assert [item.text for item in found.comments] == [WORDS]


def test_github_gives_comments_on_lines_with_the_suggested_change_put_in(tmp_path: Path) -> None:
    found = reading(tmp_path, GITHUB, "github")
    assert found.faults == ()
    (comment,) = found.comments
    assert (comment.text, comment.author, comment.id) == ("This line does nothing.", "ann", "github-10")
    assert comment.response.text == "    token = make()\n    token = token\n    send(user, token)"
    assert [span.quote for span in comment.spans] == ["    token = token\n    send(user, token)"]
    assert [item.text for item in found.refinements] == ["    token = make()\n    send(user, token)"]
    assert "acme/shop#7" in comment.response.prompt.text
    assert lost(found)["in_reply_to_id"] == 1


@pytest.mark.parametrize(
    ("suggestion", "better"),
    [("", "one\nthree"), ("2\n2b\n", "one\n2\n2b\nthree")],
)
def test_github_suggestions_take_lines_out_or_put_several_in(tmp_path: Path, suggestion: str, better: str) -> None:
    row = {
        "id": 1, "path": "a.txt", "diff_hunk": "@@ -0,0 +1,3 @@\n+one\n+two\n+three", "original_line": 2,
        "body": f"```suggestion\n{suggestion}```",
    }  # fmt: skip
    found = reading(tmp_path, [row], "github")
    assert [item.text for item in found.refinements] == [better]
    assert found.comments[0].text == "Suggested change."


def test_doccano_gives_labelled_spans_and_comments(tmp_path: Path) -> None:
    found = reading(tmp_path, DOCCANO, "doccano", file="all.jsonl")
    assert found.faults == ()
    assert said(found.comments) == [
        ("vague", ["Click the gear."]), ("unverified", ["It takes a minute"]), (WORDS, []), (WORDS, ["Click the gear."]),
    ]  # fmt: skip
    assert found.comments[3].kind == "concern"  # the only words of the row and the only labels of the row, a kind


def test_doccano_without_a_column_for_the_prompt_says_what_to_do(tmp_path: Path) -> None:
    found = reading(tmp_path, [{"text": ANSWER, "label": []}], "doccano", file="all.jsonl")
    assert [str(fault) for fault in found.faults] == [
        "all.jsonl:1: prompt: missing; expected a column with what the model was asked; add it to the file"
    ]
