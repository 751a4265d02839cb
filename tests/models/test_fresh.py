"""A model with random weights, by the name of its architecture."""

from __future__ import annotations

import pytest
import torch

from sayso.batches import collate, row
from sayso.errors import NotFoundError, SettingsError
from sayso.models import local
from sayso.models.fresh import fresh

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
SHAPES = {
    "llama": SMALL,
    "qwen2": {**SMALL, "num_key_value_heads": 2},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2},
    "gpt_neox": SMALL,
    "bert": {**SMALL, "is_decoder": True},
}


@pytest.mark.parametrize("architecture", SHAPES)
def test_every_architecture_writes_and_is_opened_again(tiny_folder, tmp_path, architecture):
    made = fresh(architecture, SHAPES[architecture], tiny_folder, seed=0, device="cpu")
    made.save(tmp_path / "model")
    again = local.load(tmp_path / "model", device="cpu")
    assert again.inner.config.model_type == architecture
    assert again.max_length == 256
    assert again.chat.stop_ids == made.chat.stop_ids


@pytest.mark.parametrize("architecture", SHAPES)
def test_no_token_sees_those_after_it(tiny_folder, architecture):
    made = fresh(architecture, SHAPES[architecture], tiny_folder, seed=0, device="cpu")
    one, other = (collate([row([5], [6, 7, last])], packed=made.packed) for last in (8, 9))
    found = [made.token_logprobs(batch)[:2] for batch in (one, other)]
    assert torch.allclose(*found, atol=1e-6)


def test_the_same_seed_gives_the_same_weights_and_touches_no_one_elses_chance(tiny_folder):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, same, other = (fresh("llama", SMALL, tiny_folder, seed=seed, device="cpu") for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    name = "model.layers.0.mlp.up_proj.weight"
    found = [dict(model.module.named_parameters())[name] for model in (one, same, other)]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_numbers_are_taken_as_yaml_reads_them(tiny_folder):
    made = fresh("llama", {**SMALL, "rms_norm_eps": "1e-5", "initializer_range": 1}, tiny_folder, seed=0, device="cpu")
    assert made.inner.config.rms_norm_eps == 1e-5


@pytest.mark.parametrize(
    ("architecture", "keys", "error", "said"),
    [
        ("lama", {}, NotFoundError, "did you mean 'llama'"),
        ("clip", {}, NotFoundError, "unknown architecture"),
        ("xxxxxxxx", {}, NotFoundError, "expected a language model of transformers"),
        ("llama", {"hiden_size": 32}, SettingsError, "did you mean 'hidden_size'"),
        ("llama", {"hidden_size": "big"}, SettingsError, "hidden_size"),
        ("llama", {"hidden_size": 33, "num_attention_heads": 2}, SettingsError, "multiple"),
        ("llama", {"vocab_size": 10}, SettingsError, "the tokenizer has 260 entries"),
    ],
)
def test_what_it_cannot_be_made_of_is_said(tiny_folder, architecture, keys, error, said):
    with pytest.raises(error, match=said):
        fresh(architecture, keys, tiny_folder, seed=0, device="cpu")


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "gpt_neo", "bert", "t5", "bart"])
def test_without_keys_a_model_is_small(architecture, tiny_folder):
    assert fresh(architecture, {}, tiny_folder, seed=0).num_parameters() < 40_000_000


def test_a_model_that_memory_cannot_hold_is_refused_before_it_is_drawn(tiny_folder):
    with pytest.raises(SettingsError, match=r"has [\d,]+ weights, which take [\d.]+ GB, and [\d.]+ GB are free"):
        fresh("llama", {"hidden_size": 65_536, "intermediate_size": 262_144}, tiny_folder, seed=0)
