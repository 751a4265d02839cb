"""The files for LLaMA-Factory and ms-swift against their documented formats, as JSON Schemas written from the documentation.

LLaMA-Factory: https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md (sharegpt format, `dataset_info.json`) and
https://github.com/hiyouga/LLaMA-Factory/blob/main/src/llamafactory/hparams/finetuning_args.py (what `train.yaml` may say).
ms-swift: https://swift.readthedocs.io/en/latest/Customization/Custom-dataset.html (standard dataset format) and
https://swift.readthedocs.io/en/latest/Instruction/Command-line-parameters.html (options).
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.contracts.method import examples
from tests.loop.export.samples import data_set, lines, written

from sayso.training.settings import Train

TEXT = {"type": "string"}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object", "properties": {**required, **(optional or {})}, "required": list(required),
        "additionalProperties": False,
    }  # fmt: skip


def _turn(*roles: str, role: str, content: str) -> dict[str, Any]:
    return _object({role: {"enum": list(roles)}, content: TEXT})


GPT = _turn("gpt", role="from", content="value")
HUMAN = _turn("human", role="from", content="value")
TURNS = {"type": "array", "items": _turn("human", "gpt", role="from", content="value"), "minItems": 1}
SHAREGPT = {
    "completions": _object({"conversations": TURNS}, {"system": TEXT}),
    "pairs": _object({"conversations": TURNS, "chosen": GPT, "rejected": GPT}, {"system": TEXT}),
    "marks": _object({"conversations": TURNS, "kto_tag": {"type": "boolean"}}, {"system": TEXT}),
}
DESCRIPTION = _object(
    {"file_name": TEXT, "formatting": {"const": "sharegpt"}, "columns": {"type": "object", "additionalProperties": TEXT}},
    {"ranking": {"type": "boolean"}},
)
LORA = {
    "lora_rank": {"type": "integer"},
    "lora_alpha": {"type": "integer"},
    "lora_dropout": {"type": "number"},
    "lora_target": TEXT,
}
STAGES = {
    "completions": {"stage": {"const": "sft"}, "mask_history": {"const": True}},
    "pairs": {"stage": {"const": "dpo"}, "pref_beta": {"type": "number"}, "pref_loss": {"enum": ["sigmoid", "ipo"]}},
    "marks": {"stage": {"const": "kto"}, "kto_chosen_weight": {"type": "number"}, "kto_rejected_weight": {"type": "number"}},
}
MESSAGES = {"type": "array", "items": _turn("system", "user", "assistant", role="role", content="content"), "minItems": 1}
SWIFT = {
    "completions": _object({"messages": MESSAGES}),
    "pairs": _object({"messages": MESSAGES, "rejected_response": TEXT}),
    "marks": _object({"messages": MESSAGES, "label": {"type": "boolean"}}),
    "tasks": _object({"messages": MESSAGES, "comments": TEXT, "response": TEXT}),
}
METHODS = ["sft", "refine_sft", "conditional", "critique", "cut", "refine_dpo", "scoped", "polarity"]


@pytest.mark.parametrize("name", METHODS)
def test_llama_factory_finds_what_its_documentation_asks_for(name: str, tiny_folder: Path, tmp_path: Path) -> None:
    found = data_set(tiny_folder, name)
    written(found, "llama-factory", tmp_path)
    info = json.loads((tmp_path / "dataset_info.json").read_text(encoding="utf-8"))
    given = yaml.safe_load((tmp_path / "train.yaml").read_text(encoding="utf-8"))
    assert given["dataset"] == "sayso"
    for label, described in info.items():
        jsonschema.validate(described, DESCRIPTION)
        rows = json.loads((tmp_path / described["file_name"]).read_text(encoding="utf-8"))
        form = found.form if label == "sayso" else "completions"
        assert described.get("ranking", False) == (form == "pairs")
        for row in rows:
            jsonschema.validate(row, SHAREGPT[form])
            assert set(described["columns"].values()) >= set(row)
            senders = [turn["from"] for turn in row["conversations"]]  # a human in odd places, gpt in even ones
            assert senders == ["human", "gpt"] * (len(senders) // 2) + ["human"] * (len(senders) % 2)
            assert len(senders) % 2 == (form == "pairs")
    schema = {"properties": {**LORA, **STAGES[found.form]}, "required": [*LORA, *STAGES[found.form]]}
    jsonschema.validate(given, schema)


@pytest.mark.parametrize("name", [*METHODS, "feedback_rl"])
def test_ms_swift_finds_what_its_documentation_asks_for(name: str, tiny_folder: Path, tmp_path: Path) -> None:
    found = data_set(tiny_folder, name)
    written(found, "ms-swift", tmp_path)
    for row in lines(tmp_path / "train.jsonl"):
        jsonschema.validate(row, SWIFT[found.form])
        assert row["messages"][-1]["role"] == ("user" if found.form == "tasks" else "assistant")
    for row in lines(tmp_path / "anchors.jsonl"):
        jsonschema.validate(row, SWIFT["completions"])
    script = (tmp_path / "train.sh").read_text(encoding="utf-8")
    words = shlex.split(script.replace("\\\n", " ").split("swift ")[1])
    kind = {"pairs": "dpo", "marks": "kto", "tasks": "grpo"}.get(found.form)
    assert words[0] == ("rlhf" if kind else "sft")
    options = dict(zip(words[1::2], words[2::2], strict=False))
    assert options.get("--rlhf_type") == kind
    assert (options["--dataset"], options["--model"]) == ("train.jsonl", str(tiny_folder))
    assert words[-1] == "$@"


def test_a_wrong_file_is_found_by_the_schemas(tiny_folder: Path, tmp_path: Path) -> None:
    written(data_set(tiny_folder, "refine_dpo"), "ms-swift", tmp_path)
    (row, *_rest) = lines(tmp_path / "train.jsonl")
    for wrong in ({**row, "chosen": "x"}, {"messages": row["messages"]}, {**row, "messages": []}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, SWIFT["pairs"])


def test_the_settings_go_by_the_trainers_names(tiny_folder: Path, tmp_path: Path) -> None:
    train = Train(learning_rate=3e-4, max_steps=7, lora_r=4, lora_target_modules=("q_proj", "v_proj"), bf16=True)
    method = {"name": "refine_dpo", "beta": 0.25, "loss_type": "ipo", "ld_alpha": 0.5}
    found = data_set(tiny_folder, method, train=train, adapter=str(tmp_path / "adapter"))
    written(found, "llama-factory", tmp_path / "lf")
    given = yaml.safe_load((tmp_path / "lf" / "train.yaml").read_text(encoding="utf-8"))
    expected = {
        "learning_rate": 3e-4, "max_steps": 7, "lora_rank": 4, "lora_target": "q_proj,v_proj", "bf16": True,
        "pref_beta": 0.25, "pref_loss": "ipo", "pref_ftx": 0.3, "ld_alpha": 0.5, "create_new_adapter": True,
        "adapter_name_or_path": str(tmp_path / "adapter"),
    }  # fmt: skip
    assert {key: given.get(key) for key in expected} == expected
    assert "num_train_epochs" not in given
    written(found, "ms-swift", tmp_path / "ms")
    script = (tmp_path / "ms" / "train.sh").read_text(encoding="utf-8")
    for words in ("--beta 0.25", "--loss_type ipo", "--rpo_alpha 0.3", "--ld_alpha 0.5", "--target_modules q_proj v_proj",
                  "--torch_dtype bfloat16", "--model merged", "--merge_lora true"):  # fmt: skip
        assert words in script
    written(found, "trl", tmp_path / "trl")
    script = (tmp_path / "trl" / "train.py").read_text(encoding="utf-8")
    compile(script, "train.py", "exec")
    for words in (
        '"beta": 0.25',
        "['ipo', 'sft']",
        "[1.0, 0.3]",
        '"ld_alpha": 0.5',
        f"ADAPTER = {str(tmp_path / 'adapter')!r}",
    ):
        assert words in script


def test_a_loss_that_a_trainer_has_not_is_listed(tiny_folder: Path, tmp_path: Path) -> None:
    found = data_set(tiny_folder, {"name": "refine_dpo", "loss_type": "apo_zero"})
    for tool, listed in (("llama-factory", True), ("trl", False), ("ms-swift", False)):
        done = written(found, tool, tmp_path / tool)
        assert ("method.loss_type: apo_zero" in [item.what for item in done.lost]) == listed


def test_a_conversation_that_does_not_take_turns_is_listed(tiny_folder: Path, tmp_path: Path) -> None:
    import dataclasses

    from sayso.records import Message, Prompt

    turns = (Message(role="user", content="One."), Message(role="user", content="Two?"))
    (item, *rest) = examples(3)
    odd = dataclasses.replace(item, prompt=Prompt(messages=turns))
    done = written(data_set(tiny_folder, "refine_sft", inside=[odd, *rest], near=[], out=[]), "llama-factory", tmp_path)
    assert (done.count, [(one.what, one.count) for one in done.lost]) == (2, [("prompt", 1)])


def test_the_plugin_judges_as_the_reward_does(tiny_folder: Path, tmp_path: Path) -> None:
    """ms-swift is not installed here; a module of its shape takes its place (`swift.rewards` has ORM and orms)."""
    written(data_set(tiny_folder, "feedback_rl"), "ms-swift", tmp_path)
    (tmp_path / "swift").mkdir()
    (tmp_path / "swift" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "swift" / "rewards.py").write_text("orms = {}\nclass ORM: ...\n", encoding="utf-8")
    code = (
        "import json, reward_plugin\nfrom swift.rewards import orms\n"
        "row = json.loads(open('train.jsonl').readline())\n"
        "print(orms['sayso_checks']()(['It ran away.', 'TTTT'], [row['comments']] * 2, response=[''] * 2, messages=[]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.returncode) == ("[1.0, 0.0]", 0), done.stderr
