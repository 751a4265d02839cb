"""A whole training: its folder, its report, taken up again to the same end, and refused when it is another's."""

from __future__ import annotations

import json
import math
import os
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from sayso.batches import collate
from sayso.errors import ModelError, NotFoundError, SettingsError
from sayso.models import local
from sayso.training import finetuning, fitting, pretraining

FEW = ["train.num_train_epochs=1", "train.per_device_train_batch_size=4", "train.save_steps=3", "data.eval_steps=4",
    "data.validation_share=0.2"]  # fmt: skip
SMALL = ["model.hidden_size=32", "model.num_hidden_layers=2", "model.num_attention_heads=2", "model.intermediate_size=64"]


def quiet(**_seen: object) -> None:
    """Watch nothing."""


@pytest.fixture
def plain_texts(tmp_path) -> Path:
    path = tmp_path / "texts.jsonl"
    lines = [
        {"text": f"The {name} ran {number} miles. " * (1 + number % 3)} for number in range(12) for name in ("cat", "dog")
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def chats(tmp_path) -> Path:
    path = tmp_path / "chats.jsonl"
    turns = [
        [("user", f"Say {n}."), ("assistant", f"It is {n}."), ("user", "Thanks."), ("assistant", "Gladly!")]
        for n in range(24)
    ]
    lines = [{"messages": [{"role": role, "content": text} for role, text in said]} for said in turns]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def pretraining_task(tiny_folder, plain_texts):
    def make(*more: str) -> fitting.Task:
        settings = pretraining.settings_of([], [f"tokenizer={tiny_folder}", *SMALL, *FEW, *more])
        return pretraining.task([plain_texts], settings)

    return make


@pytest.fixture
def finetuning_task(tiny_folder, chats):
    def make(*more: str) -> fitting.Task:
        return finetuning.task(str(tiny_folder), [chats], finetuning.settings_of([], [*FEW, *more]))

    return make


def weights(folder: Path) -> dict[str, torch.Tensor]:
    (path,) = (folder / "model").glob("*.safetensors")
    return load_file(path)


def same(one: Path, other: Path) -> bool:
    found, expected = weights(one), weights(other)
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in found)


def interrupt_at(step: int, number: signal.Signals = signal.SIGINT):
    def watch(*, note: str, **_seen: object) -> None:
        if note.startswith(f"step {step} of"):
            os.kill(os.getpid(), number)

    return watch


@pytest.mark.parametrize(("which", "number"), [("pretraining_task", signal.SIGTERM), ("finetuning_task", signal.SIGINT)])
def test_interrupted_it_leaves_a_checkpoint_and_goes_on_to_the_same_end(request, tmp_path, which, number):
    task, heard = request.getfixturevalue(which), signal.getsignal(number)
    straight = fitting.fit(task(), tmp_path / "straight", quiet)
    with pytest.raises(KeyboardInterrupt) as stopped:
        fitting.fit(task(), tmp_path / "broken", interrupt_at(2, number))
    assert stopped.value.args == (number,)
    assert [path.name for path in (tmp_path / "broken" / "checkpoints").iterdir()] == ["step-00000002"]
    resumed = fitting.fit(task(), tmp_path / "broken", quiet)
    assert same(tmp_path / "straight", tmp_path / "broken")
    assert (resumed.steps, resumed.tokens, resumed.loss) == (straight.steps, straight.tokens, straight.loss)
    assert resumed.validation == straight.validation
    read = [(tmp_path / name / "validation.jsonl").read_text(encoding="utf-8") for name in ("straight", "broken")]
    assert read[0] == read[1]
    assert signal.getsignal(number) is heard


def test_the_model_is_opened_by_hugging_face_and_says_what_ours_says(pretraining_task, tmp_path):
    report = fitting.fit(pretraining_task(), tmp_path / "run", quiet)
    ours = local.load(report.model, device="cpu")
    theirs, words = AutoModelForCausalLM.from_pretrained(report.model), AutoTokenizer.from_pretrained(report.model)
    from sayso.batches import row

    ids = words("The cat ran.").input_ids
    batch = collate([row(ids[:1], ids[1:])], packed=ours.packed)
    logits = theirs(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
    expected = logits.gather(1, torch.tensor(ids[1:])[:, None]).squeeze(1)
    assert torch.allclose(ours.token_logprobs(batch), expected, atol=1e-4)


def test_the_report_says_what_was_done(pretraining_task, tmp_path):
    task = pretraining_task()
    report = fitting.fit(task, tmp_path / "run", quiet)
    assert report.steps == math.ceil(report.rows / 4)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert report.tokens == sum(line["tokens"] for line in lines)
    assert [line["step"] for line in lines] == list(range(1, report.steps + 1))
    assert report.validation is not None
    assert report.validation.loss < math.log(260)
    held = json.loads((tmp_path / "run" / "tokens" / "validation" / "rows.json").read_text(encoding="utf-8"))
    bits = report.validation.loss * report.validation.tokens / math.log(2) / held["num_bytes"]
    assert report.validation.bits_per_byte == pytest.approx(bits)
    assert report.validation.tokens == held["targets"]
    assert report.parameters == task.policy.num_parameters()


def test_what_is_done_is_not_done_again(pretraining_task, tmp_path):
    first = fitting.fit(pretraining_task(), tmp_path / "run", quiet)
    before = (tmp_path / "run" / "model" / "model.safetensors").stat().st_mtime_ns
    again = fitting.fit(pretraining_task("train.save_steps=50"), tmp_path / "run", quiet)
    assert again.again
    assert (again.steps, again.loss, again.validation) == (first.steps, first.loss, first.validation)
    assert (tmp_path / "run" / "model" / "model.safetensors").stat().st_mtime_ns == before


def test_other_settings_and_other_files_in_the_same_folder_are_refused_and_named(pretraining_task, plain_texts, tmp_path):
    fitting.fit(pretraining_task(), tmp_path / "run", quiet)
    with pytest.raises(SettingsError, match=r"model\.hidden_size: 32 → 64"):
        fitting.fit(pretraining_task("model.hidden_size=64"), tmp_path / "run", quiet)
    with pytest.raises(SettingsError, match="seed: 0 → 1"):
        fitting.fit(pretraining_task("seed=1"), tmp_path / "run", quiet)
    plain_texts.write_text('{"text": "Something else."}\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="files: "):
        fitting.fit(pretraining_task(), tmp_path / "run", quiet)
    assert (tmp_path / "run" / "model").exists()


def test_a_budget_of_tokens_ends_the_schedule(pretraining_task, tmp_path):
    whole = fitting.fit(pretraining_task(), tmp_path / "whole", quiet)
    half = fitting.fit(pretraining_task(f"data.tokens={whole.tokens // 2}"), tmp_path / "half", quiet)
    twice = fitting.preview(pretraining_task(f"data.tokens={whole.tokens * 2}"), tmp_path / "twice", quiet)
    assert half.steps == pytest.approx(whole.steps / 2, abs=1)
    assert twice.steps == 2 * whole.steps
    last = json.loads((tmp_path / "half" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert last["num_steps"] == half.steps
    with pytest.raises(SettingsError, match="set one of them"):
        fitting.fit(pretraining_task("data.tokens=9", "train.max_steps=3"), tmp_path / "both", quiet)


def test_a_preview_counts_and_writes_nothing(finetuning_task, tmp_path):
    found = fitting.preview(finetuning_task("data.max_length=60"), tmp_path / "run", quiet)
    assert found.steps == math.ceil(found.rows / 4)
    assert found.tokens_seen == found.tokens
    assert 0 < found.trainable < found.parameters
    assert found.seconds > 0
    assert found.longest <= 60
    assert not (tmp_path / "run").exists()


def test_an_adapter_is_trained_unless_all_weights_are_wanted(finetuning_task, tiny_folder, tmp_path):
    adapter = fitting.fit(finetuning_task(), tmp_path / "adapter", quiet)
    whole = fitting.fit(finetuning_task("train.use_lora=false"), tmp_path / "whole", quiet)
    assert (Path(adapter.model) / "adapter_config.json").exists()
    assert not (Path(whole.model) / "adapter_config.json").exists()
    for folder in (adapter.model, whole.model):
        assert local.load(folder, device="cpu").max_length == 256


def test_long_conversations_are_counted(finetuning_task, chats, tmp_path):
    long = {"messages": [{"role": "user", "content": "x" * 300}, {"role": "assistant", "content": "y"}]}
    chats.write_text(chats.read_text(encoding="utf-8") + json.dumps(long) + "\n", encoding="utf-8")
    assert fitting.fit(finetuning_task(), tmp_path / "run", quiet).left_out == 1


def test_progress_is_told_in_tokens_up_to_the_last(pretraining_task, tmp_path):
    seen = []
    report = fitting.fit(pretraining_task("data.eval_steps=1"), tmp_path / "run", lambda **found: seen.append(found))
    steps = [item for item in seen if item["stage"] == "pretrain"]
    assert len(steps) == report.steps
    assert [item["done"] for item in steps] == sorted(item["done"] for item in steps)
    assert steps[-1]["done"] == steps[-1]["total"] == report.tokens
    assert "validation" in steps[-1]["note"]


def test_wrong_settings_are_refused_before_anything_is_written(tiny_folder, plain_texts):
    for wrong, said in (("train.use_lora=true", "nothing to adapt"), ("modle.hidden_size=3", "did you mean 'model'"),
        ("train.optim=adam", "train.optim"), ("data.packing=often", "data.packing"),
        ("train.seed=3", "set seed")):  # fmt: skip
        with pytest.raises(SettingsError, match=said):
            pretraining.settings_of([], [wrong])
    with pytest.raises(SettingsError, match="sayso tokenizer train"):
        pretraining.task([plain_texts], pretraining.settings_of([], []))
    with pytest.raises((NotFoundError, ModelError)):
        pretraining.task([plain_texts], pretraining.settings_of([], [f"tokenizer={plain_texts.parent / 'none'}"]))


def test_a_folder_without_readable_settings_is_refused(pretraining_task, tmp_path):
    fitting.fit(pretraining_task(), tmp_path / "run", quiet)
    (tmp_path / "run" / "settings.json").write_text("{", encoding="utf-8")
    with pytest.raises(SettingsError, match="cannot be read"):
        fitting.fit(pretraining_task(), tmp_path / "run", quiet)
