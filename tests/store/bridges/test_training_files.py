"""Files for training tools have the columns their documentation names, and load where they are read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sayso.errors import RecordError
from sayso.records import Comment, Message, Prompt, Refinement, Response
from sayso.store.bridges import hub, llama_factory, ms_swift, openai
from sayso.store.bridges.results import Records

LONG = Prompt(
    messages=(
        Message(role="system", content="Be brief."),
        Message(role="user", content="Hello."),
        Message(role="assistant", content="Hello!"),
        Message(role="user", content="Sky?"),
    )
)
ODD = Prompt(messages=(Message(role="user", content="One."), Message(role="user", content="Two.")))
DRAFT = Response(prompt=LONG, text="Green.")
SAID = Comment(text="It is blue.", response=DRAFT)
RECORDS = Records(
    comments=(SAID,),
    refinements=(
        Refinement(response=DRAFT, text="Blue.", addresses=(SAID.id,)),
        Refinement(response=Response(prompt=ODD, text="Three?"), text="Three."),
    ),
)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_openai_preference_lines_have_input_and_two_outputs(tmp_path: Path) -> None:
    openai.write_preference(RECORDS, tmp_path / "out.jsonl")
    first = lines(tmp_path / "out.jsonl")[0]
    assert set(first) == {"input", "preferred_output", "non_preferred_output"}
    assert [turn["role"] for turn in first["input"]["messages"]] == ["system", "user", "assistant", "user"]
    assert first["preferred_output"] == [{"role": "assistant", "content": "Blue."}]
    assert first["non_preferred_output"] == [{"role": "assistant", "content": "Green."}]


def test_openai_chat_lines_end_with_the_better_answer(tmp_path: Path) -> None:
    openai.write_chat(RECORDS, tmp_path / "out.jsonl")
    first = lines(tmp_path / "out.jsonl")[0]
    assert list(first) == ["messages"]
    assert first["messages"][-1] == {"role": "assistant", "content": "Blue."}


def test_ms_swift_lines_have_messages_and_what_the_method_asks_for(tmp_path: Path) -> None:
    for write, more in (
        (ms_swift.write_sft, None),
        (ms_swift.write_dpo, "rejected_response"),
        (ms_swift.write_kto, "label"),
    ):
        write(RECORDS, tmp_path / "out.jsonl")
        first = lines(tmp_path / "out.jsonl")[0]
        assert set(first) == {"messages", more} - {None}
        assert first["messages"][-1] == {"role": "assistant", "content": "Blue."}
    ms_swift.write_dpo(RECORDS, tmp_path / "out.jsonl")
    assert lines(tmp_path / "out.jsonl")[0]["rejected_response"] == "Green."


def test_llama_factory_alpaca_folder_names_its_data_sets(tmp_path: Path) -> None:
    written = llama_factory.write_alpaca(RECORDS, tmp_path / "data")
    info = load(tmp_path / "data" / "dataset_info.json")
    assert info["sayso_dpo"]["ranking"] is True
    assert info["sayso_dpo"]["columns"] == {
        "prompt": "instruction", "query": "input", "system": "system", "history": "history",
        "chosen": "chosen", "rejected": "rejected",
    }  # fmt: skip
    assert info["sayso_sft"]["columns"]["response"] == "output"
    assert info["sayso_kto"]["columns"]["kto_tag"] == "kto_tag"
    for entry in info.values():
        rows = load(tmp_path / "data" / entry["file_name"])
        assert all(column in row for row in rows for column in entry["columns"].values())
    (pair,) = load(tmp_path / "data" / "sayso_dpo.json")
    assert pair == {
        "instruction": "Sky?", "input": "", "system": "Be brief.", "history": [["Hello.", "Hello!"]],
        "chosen": "Blue.", "rejected": "Green.",
    }  # fmt: skip
    assert any(item.reason == "the format has no such order of turns" for item in written.lost)


def test_llama_factory_sharegpt_folder_names_its_data_sets(tmp_path: Path) -> None:
    llama_factory.write_sharegpt(RECORDS, tmp_path)
    info = load(tmp_path / "dataset_info.json")
    assert {entry["formatting"] for entry in info.values()} == {"sharegpt"}
    (pair,) = load(tmp_path / "sayso_dpo.json")
    assert [turn["from"] for turn in pair["conversations"]] == ["human", "gpt", "human"]
    assert pair["chosen"] == {"from": "gpt", "value": "Blue."}
    assert [row["kto_tag"] for row in load(tmp_path / "sayso_kto.json")] == [True, False]
    assert load(tmp_path / "sayso_sft.json")[0]["conversations"][-1] == {"from": "gpt", "value": "Blue."}


def test_llama_factory_keeps_other_data_sets_and_refuses_another_programs_file(tmp_path: Path) -> None:
    (tmp_path / "dataset_info.json").write_text('{"mine": {"file_name": "mine.json"}}', encoding="utf-8")
    llama_factory.write_alpaca(RECORDS, tmp_path)
    assert load(tmp_path / "dataset_info.json")["mine"] == {"file_name": "mine.json"}
    (tmp_path / "dataset_info.json").write_text("[", encoding="utf-8")
    with pytest.raises(RecordError, match="name another folder"):
        llama_factory.write_alpaca(RECORDS, tmp_path)


def test_the_card_of_a_datasets_folder_types_every_column(tmp_path: Path) -> None:
    hub.write(RECORDS, tmp_path / "out")
    head = (tmp_path / "out" / "README.md").read_text(encoding="utf-8").split("---")[1]
    card = yaml.safe_load(head)
    assert [part["config_name"] for part in card["configs"]] == ["comments", "refinements"]
    for part in card["dataset_info"]:
        rows = lines(tmp_path / "out" / f"{part['config_name']}.jsonl")
        assert all(list(row) == [column["name"] for column in part["features"]] for row in rows)


def test_a_part_that_is_gone_leaves_no_file_behind(tmp_path: Path) -> None:
    hub.write(RECORDS, tmp_path)
    hub.write(Records(comments=(SAID,)), tmp_path)
    assert not (tmp_path / "refinements.jsonl").exists()


@pytest.mark.slow
def test_datasets_opens_the_folder(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    hub.write(RECORDS, tmp_path / "out")
    script = (
        "import sys, datasets\n"
        "for part, rows in (('comments', 1), ('refinements', 2)):\n"
        "    found = datasets.load_dataset(sys.argv[1], part, cache_dir=sys.argv[2])['train']\n"
        "    assert len(found) == rows, found\n"
        "assert datasets.load_dataset(sys.argv[1], cache_dir=sys.argv[2])['train'][0]['text'] == 'It is blue.'\n"
    )
    call = [sys.executable, "-c", script, str(tmp_path / "out"), str(tmp_path / "cache")]
    done = subprocess.run(call, capture_output=True, text=True, env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")})
    assert done.returncode == 0, done.stderr
