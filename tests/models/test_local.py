"""Opening a model folder and saving one: whole or not at all, and one clear line when something is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, BertConfig, T5Config

from sayso.batches import collate, row
from sayso.errors import ModelError, NotFoundError
from sayso.models import folders
from sayso.models.local import load
from sayso.models.writing.sampling import Sampling
from sayso.records import Message, Prompt

ROWS = [row([5, 6, 7], [8, 9, 1]), row([20], [21, 22, 23, 24, 1])]
PROMPT = Prompt(messages=(Message(role="user", content="a"),))


def score(scorer: Any, *, packed: bool = True) -> torch.Tensor:
    return scorer.token_logprobs(collate(ROWS, packed=packed))


@pytest.fixture
def copied(tiny_folder: Path, tmp_path: Path) -> Path:
    """The tiny folder, to be spoilt."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "copied"))


def test_a_loaded_model_is_float32_on_the_processor_in_evaluation_mode_and_trainable(tiny: Any) -> None:
    assert {p.dtype for p in tiny.module.parameters()} == {torch.float32}
    assert not tiny.module.training
    assert tiny.num_parameters() == tiny.num_parameters(trainable=True) == sum(p.numel() for p in tiny.trainable())
    assert (tiny.max_length, tiny.pad_id, tiny.packed) == (256, 0, True)


def test_half_precision_weights_are_widened_on_the_processor(copied: Path) -> None:
    weights = {name: tensor.half() for name, tensor in load_file(copied / "model.safetensors").items()}
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    assert next(load(copied, device="cpu").module.parameters()).dtype == torch.float32
    assert next(load(copied, device="cpu", dtype="bfloat16").module.parameters()).dtype == torch.bfloat16


def spoil_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def spoil_config_text(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def spoil_kind(folder: Path) -> None:
    BertConfig(hidden_size=8, num_attention_heads=1, num_hidden_layers=1).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "vit"}))


def spoil_direction(folder: Path) -> None:
    T5Config(num_layers=1, d_model=16, d_ff=16).save_pretrained(folder)


def spoil_type(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "no_such_type"}')


def spoil_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def spoil_header(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 100)


def spoil_presence(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def spoil_format(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")


def spoil_tensor(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights.pop("model.norm.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def spoil_shape(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "vocab_size": 100}))


def spoil_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def spoil_tokenizer_text(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


@pytest.mark.parametrize(
    ("spoil", "kind", "says"),
    [
        (spoil_config, NotFoundError, "no config.json"),
        (spoil_config_text, ModelError, "cannot be read as JSON"),
        (spoil_kind, ModelError, "'vit' is no language model"),
        (spoil_direction, ModelError, "cannot be opened"),
        (spoil_type, ModelError, "no_such_type"),
        (spoil_weights, ModelError, "damaged"),
        (spoil_header, ModelError, "damaged"),
        (spoil_presence, ModelError, "no weights"),
        (spoil_format, ModelError, "only pickled weights"),
        (spoil_tensor, ModelError, "lack 1 tensors.*'model.norm.weight'"),
        (spoil_shape, ModelError, "cannot be opened"),
        (spoil_tokenizer, ModelError, "no tokenizer"),
        (spoil_tokenizer_text, ModelError, "cannot be opened"),
    ],
)
def test_a_spoilt_folder_is_one_clear_line(copied: Path, spoil: Callable[[Path], None], kind: type, says: str) -> None:
    spoil(copied)
    with pytest.raises(kind, match=says) as told:
        load(copied)
    assert "\n" not in str(told.value)
    assert str(copied) in str(told.value)


@pytest.mark.parametrize("name", ["./nowhere", "/no/where", "nowhere", "a/b/c"])
def test_a_folder_that_is_not_there_is_not_found(name: str) -> None:
    with pytest.raises(NotFoundError, match="no model folder at"):
        load(name)


def test_a_file_is_no_folder(tiny_folder: Path) -> None:
    with pytest.raises(NotFoundError, match="no model folder at"):
        load(tiny_folder / "config.json")


def test_an_id_that_is_neither_cached_nor_reachable_is_not_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(NotFoundError, match="no model 'no/such-model'"):
        load("no/such-model")
    with pytest.raises(NotFoundError, match="no model 'no/such--model'"):
        load("no/such--model")


def test_a_cached_id_is_opened_without_asking_the_network(monkeypatch: pytest.MonkeyPatch, tiny_folder: Path) -> None:
    asked: list[dict[str, Any]] = []

    def snapshot(name: str, **how: Any) -> str:
        asked.append({"name": name, **how})
        return str(tiny_folder)

    monkeypatch.setattr(folders, "snapshot_download", snapshot)
    assert load("owner/model").name == "owner/model"
    assert [(call["name"], call["local_files_only"]) for call in asked] == [("owner/model", True)]
    assert "*.bin" not in asked[0]["allow_patterns"]


@pytest.mark.parametrize(("key", "value"), [("device", "abacus"), ("dtype", "float99")])
def test_a_device_or_dtype_that_is_none_is_named(tiny_folder: Path, key: str, value: str) -> None:
    with pytest.raises((ModelError, NotFoundError), match=f"'{value}'"):
        load(tiny_folder, **{key: value})


def test_a_saved_model_is_an_ordinary_folder_that_gives_the_same_probabilities(tiny: Any, tmp_path: Path) -> None:
    with torch.no_grad():
        tiny.trainable()[3].add_(0.1)
    tiny.save(tmp_path / "v1")
    again = load(tmp_path / "v1")
    torch.testing.assert_close(score(again), score(tiny), atol=0, rtol=0)
    assert again.encode_prompt(PROMPT) == tiny.encode_prompt(PROMPT)
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "v1", local_files_only=True)
    assert plain.config._attn_implementation == "sdpa"
    assert AutoTokenizer.from_pretrained(tmp_path / "v1", local_files_only=True).chat_template
    endings = {path.suffix for path in (tmp_path / "v1").iterdir()}
    assert endings <= {".json", ".safetensors", ".jinja"}
    with safe_open(tmp_path / "v1" / "model.safetensors", "pt") as file:
        assert len(list(file.keys())) > 10


def test_saving_again_replaces_the_folder_and_leaves_nothing_beside_it(tiny: Any, tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "stale.txt").write_text("old")
    tiny.save(tmp_path / "v1")
    assert not (tmp_path / "v1" / "stale.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["v1"]


def test_a_save_that_fails_leaves_the_old_folder_whole(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.save(tmp_path / "v1")
    before = (tmp_path / "v1" / "model.safetensors").read_bytes()

    def full(*_args: Any, **_keys: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tiny.tokenizer, "save_pretrained", full)
    with pytest.raises(ModelError, match="No space left"):
        tiny.save(tmp_path / "v1")
    assert (tmp_path / "v1" / "model.safetensors").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["v1"]


def test_the_reference_of_a_full_model_is_a_copy_that_training_does_not_move(tiny: Any) -> None:
    reference = tiny.reference()
    before = score(reference)
    assert not before.requires_grad
    torch.testing.assert_close(before, score(tiny).detach(), atol=0, rtol=0)
    optimizer = torch.optim.SGD(tiny.trainable(), lr=0.5)
    score(tiny).sum().neg().backward()
    optimizer.step()
    assert (score(tiny) - before).abs().max() > 1e-3
    torch.testing.assert_close(score(reference), before, atol=0, rtol=0)
    assert tiny.reference() is reference


def test_a_model_left_in_training_mode_is_scored_without_dropout(tiny: Any) -> None:
    before = score(tiny).detach()
    tiny.module.train()
    tiny.module.config.attention_dropout = 0.5
    for layer in tiny.module.model.layers:
        layer.self_attn.attention_dropout = 0.5
    torch.testing.assert_close(score(tiny).detach(), before, atol=0, rtol=0)


def test_a_batch_without_targets_has_no_log_probabilities(tiny: Any) -> None:
    for packed in (True, False):
        assert tiny.token_logprobs(collate([row([5, 6], [])], packed=packed)).shape == (0,)


def test_sampling_is_the_same_model_before_and_after_saving(tiny: Any, tmp_path: Path) -> None:
    tiny.save(tmp_path / "v1")
    sampling = Sampling(max_new_tokens=10, temperature=1.0)
    assert load(tmp_path / "v1").generate([PROMPT], sampling) == tiny.generate([PROMPT], sampling)
