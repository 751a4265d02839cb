"""TRL's dataset types come in whatever their form, and what goes out is what TRL's own utilities and trainers take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.store.bridges.samples import lost, reading

from sayso.records import Comment, Message, Prompt, Refinement, Response, ask
from sayso.store.bridges import trl
from sayso.store.bridges.results import Records

ASKED = [{"role": "user", "content": "Sky?"}]
SAYS_BLUE = [{"role": "assistant", "content": "Blue."}]
SAYS_GREEN = [{"role": "assistant", "content": "Green."}]
PREFERENCES = {
    "standard": {"prompt": "Sky?", "chosen": "Blue.", "rejected": "Green."},
    "conversational": {"prompt": ASKED, "chosen": SAYS_BLUE, "rejected": SAYS_GREEN},
    "implicit conversational": {"chosen": ASKED + SAYS_BLUE, "rejected": ASKED + SAYS_GREEN},
}
PROMPT = Prompt(messages=(Message(role="system", content="Be brief."), *ask("Sky?").messages))
DRAFT = Response(prompt=PROMPT, text="Green.", version="m1")
COMMENT = Comment(text="It is blue.", response=DRAFT, severity="major")
RECORDS = Records(
    comments=(COMMENT, Comment(text="Never say green.")),
    refinements=(Refinement(response=DRAFT, text="Blue.", addresses=(COMMENT.id,)),),
    responses=(DRAFT,),
    prompts=(PROMPT,),
)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("row", PREFERENCES.values(), ids=PREFERENCES.keys())
def test_a_preference_is_a_response_and_its_refinement(tmp_path: Path, row: dict[str, Any]) -> None:
    found = reading(tmp_path, [{**row, "score_chosen": 4}], "trl", file="rows.jsonl")
    assert found.faults == ()
    (better,) = found.refinements
    assert (better.response.prompt.text, better.response.text, better.text) == ("Sky?", "Green.", "Blue.")
    assert lost(found) == {"score_chosen": 1}


def test_the_prompt_of_an_implicit_preference_in_texts_is_what_both_begin_with(tmp_path: Path) -> None:
    found = reading(tmp_path, [{"chosen": "The sky is blue.", "rejected": "The sky is green."}], "trl", file="rows.jsonl")
    (better,) = found.refinements
    assert (better.response.prompt.text, better.response.text, better.text) == ("The sky is", " green.", " blue.")


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Sky?", "completion": "Blue."},
        {"prompt": ASKED, "completion": SAYS_BLUE},
        {"messages": ASKED + SAYS_BLUE},
    ],
)
def test_completions_and_chats_are_responses(tmp_path: Path, row: dict[str, Any]) -> None:
    found = reading(tmp_path, [row], "trl", file="rows.jsonl")
    assert [(item.prompt.text, item.text) for item in found.responses] == [("Sky?", "Blue.")]


def test_a_label_without_words_is_listed_as_lost(tmp_path: Path) -> None:
    found = reading(tmp_path, [{"prompt": "Sky?", "completion": "Blue.", "label": True}], "trl", file="rows.jsonl")
    assert (found.comments, lost(found)) == ((), {"label": 1})


def test_prompts_alone_are_prompts(tmp_path: Path) -> None:
    assert [item.text for item in reading(tmp_path, [{"prompt": ASKED}], "trl", file="rows.jsonl").prompts] == ["Sky?"]


def test_a_wrong_step_is_a_comment_on_the_step(tmp_path: Path) -> None:
    row = {"prompt": "2+2+1?", "completions": ["2+2 is 5.", "5+1 is 6."], "labels": [False, True]}
    (comment,) = reading(tmp_path, [row], "trl", file="rows.jsonl").comments
    assert (comment.text, [span.quote for span in comment.spans]) == ("This step is wrong.", ["2+2 is 5."])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "Only text."}, "prompt: missing"),
        ({"prompt": "Sky?", "chosen": "Blue."}, "rejected: missing"),
        ({"prompt": [{"role": "tool", "content": ""}], "completion": "x"}, "prompt[0].role: found"),
        ({"prompt": "Sky?", "completions": ["a", "b"], "labels": [True]}, "labels: found 1, expected 2 labels"),
        ({"prompt": "Sky?", "chosen": ASKED, "rejected": "x"}, "one message of the assistant"),
        ({"messages": ASKED}, "the assistant's answer last"),
    ],
)
def test_a_row_of_no_type_is_a_fault_that_names_the_field(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    found = reading(tmp_path, [{"prompt": "Fine?"}, row], "trl", file="rows.jsonl")
    assert len(found.faults) == 1
    assert found.faults[0].where == "rows.jsonl:2"
    assert message in str(found.faults[0])


def test_exports_have_exactly_trls_columns(tmp_path: Path) -> None:
    columns = {
        trl.write_sft: {"prompt", "completion"},
        trl.write_preference: {"prompt", "chosen", "rejected"},
        trl.write_kto: {"prompt", "completion", "label"},
        trl.write_prompts: {"prompt"},
        trl.write_privileged: {"prompt", "privileged_context"},
    }
    for write, expected in columns.items():
        assert write(RECORDS, tmp_path / "out.jsonl").count > 0
        assert {frozenset(line) for line in lines(tmp_path / "out.jsonl")} == {frozenset(expected)}


def test_trls_own_utilities_take_the_exports(tmp_path: Path) -> None:
    from tests.conftest import _byte_tokenizer
    from trl.data_utils import apply_chat_template, extract_prompt, is_conversational

    trl.write_preference(RECORDS, tmp_path / "dpo.jsonl")
    trl.write_sft(RECORDS, tmp_path / "sft.jsonl")
    trl.write_kto(RECORDS, tmp_path / "kto.jsonl")
    tokenizer = _byte_tokenizer()
    for name, column in (("dpo", "chosen"), ("sft", "completion"), ("kto", "completion")):
        row = lines(tmp_path / f"{name}.jsonl")[0]
        assert is_conversational(row)
        text = apply_chat_template(row, tokenizer)
        assert text["prompt"].endswith("<|user|>Sky?<|assistant|>")
        assert text[column].startswith("Blue.")
    (pair,) = lines(tmp_path / "dpo.jsonl")
    whole = {name: pair["prompt"] + pair[name] for name in ("chosen", "rejected")}
    assert extract_prompt(whole) == pair


def test_texts_leave_out_conversations_and_say_so(tmp_path: Path) -> None:
    single = Response(prompt=ask("Sea?"), text="Red.")
    records = Records(refinements=(*RECORDS.refinements, Refinement(response=single, text="Blue.")))
    written = trl.write_preference_texts(records, tmp_path / "out.jsonl")
    assert lines(tmp_path / "out.jsonl") == [{"prompt": "Sea?", "chosen": "Blue.", "rejected": "Red."}]
    assert ("prompt", 1) in [(item.what, item.count) for item in written.lost]
    assert trl.write_kto_texts(records, tmp_path / "kto.jsonl").count == 2
    assert trl.write_sft_texts(records, tmp_path / "sft.jsonl").count == 1


def test_what_a_training_file_cannot_hold_is_listed(tmp_path: Path) -> None:
    written = trl.write_preference(RECORDS, tmp_path / "out.jsonl")
    found = {(item.what, item.reason): item.count for item in written.lost}
    assert found["comment.text", "the file has no words about answers"] == 1
    assert found["comment.severity", ""] == 1
    assert found["comment", "it stands without a response"] == 1
    assert found["refinement.addresses", ""] == 1


def test_test_prompts_and_withdrawn_comments_are_never_written(tmp_path: Path) -> None:
    held = Response(prompt=ask("Held?", split="test"), text="No.")
    gone = Comment(id="gone", text="Wrong.", response=DRAFT, status="withdrawn")
    records = Records(
        comments=(gone, Comment(text="Wrong.", response=held)),
        refinements=(Refinement(response=held, text="Yes."), Refinement(response=DRAFT, text="Blue.", addresses=("gone",))),
        prompts=(held.prompt,),
    )
    for write in (trl.write_sft, trl.write_preference, trl.write_kto, trl.write_prompts, trl.write_privileged):
        write(records, tmp_path / "out.jsonl")
        assert "Held?" not in (tmp_path / "out.jsonl").read_text(encoding="utf-8")
        assert "Blue." not in (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    reasons = {item.reason for item in trl.write_sft(records, tmp_path / "out.jsonl").lost}
    assert "its prompt is of the test split" in reasons
    assert "the comments it addresses were withdrawn or superseded" in reasons


def marks(records: Records, folder: Path) -> dict[str, bool]:
    trl.write_kto(records, folder / "kto.jsonl")
    return {line["completion"][0]["content"]: line["label"] for line in lines(folder / "kto.jsonl")}


def test_kto_marks_follow_verdicts_then_refinements_then_comments(tmp_path: Path) -> None:
    praised, blamed, both, asked = (Response(prompt=PROMPT, text=text) for text in ("praised", "blamed", "both", "asked"))
    comments = (
        Comment(text="Good.", kind="keep", response=praised),
        Comment(text="Bad.", response=blamed),
        Comment(text="Good.", kind="keep", response=both),
        Comment(text="Hm.", kind="concern", response=both),
        Comment(text="Why?", kind="question", response=asked),
    )
    assert marks(Records(comments=comments), tmp_path) == {"praised": True, "blamed": False}
    verdicts = {both.id: ("good",), praised.id: ("good", "bad"), blamed.id: ("needs_work",)}
    assert marks(Records(comments=comments, verdicts=verdicts), tmp_path) == {"both": True, "blamed": False}
    better = (Refinement(response=praised, text="better"),)
    assert marks(Records(comments=comments[:1], refinements=better), tmp_path) == {"better": True, "praised": False}
