"""Writing in 8 bits: the model stays as it was, and a text still does not depend on what is beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, GPT2Config, T5Config
from transformers.pytorch_utils import Conv1D

from sayso.errors import ModelError
from sayso.models.writing import beams, eight_bits
from sayso.models.writing.generation import write
from sayso.models.writing.sampling import Sampling

PROMPTS = [[9, 8, 7], [20] * 9, [5, 6, 1, 2, 3], [30, 31]]
SAMPLING = Sampling(temperature=0, max_new_tokens=8, int8=True)


class _Layers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow, self.turned = nn.Linear(128, 96), nn.Linear(128, 8), Conv1D(96, 128)
        self.device = torch.device("cpu")


def test_a_layer_computes_nearly_the_same_and_afterwards_exactly_the_same() -> None:
    layers = _Layers()
    given = torch.randn((3, 2, 128), generator=torch.Generator().manual_seed(0))
    before = {name: part(given) for name, part in layers.named_children()}
    with torch.no_grad(), eight_bits.eight_bits(layers):
        for name in ("wide", "turned"):
            found = layers.get_submodule(name)(given)
            apart = (found - before[name]).norm() / before[name].norm()
            assert 1e-5 < apart < 0.02
            assert torch.equal(layers.get_submodule(name)(given[1:2]), found[1:2]), "a line depends on its neighbours"
        assert torch.equal(layers.narrow(given), before["narrow"])
    assert all(torch.equal(part(given), before[name]) for name, part in layers.named_children())
    assert all("forward" not in vars(part) for part in layers.children())


def test_a_large_weight_is_rounded_in_pieces_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = torch.randn((40, 64), generator=torch.Generator().manual_seed(0))
    weight[3] = 0
    whole = eight_bits._rounded(weight)
    monkeypatch.setattr(eight_bits, "PIECE", 7 * 64)
    assert all(torch.equal(one, other) for one, other in zip(eight_bits._rounded(weight), whole, strict=True))
    assert ((whole[0] * whole[1][:, None] - weight).abs() <= weight.abs().amax(1, keepdim=True) / 253).all()


def test_what_is_written_depends_neither_on_the_batch_nor_on_the_order(tiny: Any) -> None:
    whole = write(tiny.inner, PROMPTS, SAMPLING, stop_ids=frozenset(), max_length=256)
    assert (
        write(tiny.inner, PROMPTS[::-1], replace(SAMPLING, batch_size=1), stop_ids=frozenset(), max_length=256)
        == whole[::-1]
    )


def test_a_model_without_linear_modules_of_torch_writes_too() -> None:
    torch_state = torch.get_rng_state()
    module = AutoModelForCausalLM.from_config(
        GPT2Config(vocab_size=96, n_embd=64, n_layer=1, n_head=2, n_positions=64)
    ).eval()
    torch.set_rng_state(torch_state)
    found = write(module, PROMPTS, SAMPLING, stop_ids=frozenset(), max_length=64)
    assert [len(ids) for ids in found] == [8] * 4


def test_a_model_with_an_encoder_writes_so_too() -> None:
    torch_state = torch.get_rng_state()
    config = T5Config(
        vocab_size=96, d_model=64, d_kv=16, d_ff=64, num_layers=1, num_heads=4, decoder_start_token_id=0, pad_token_id=0
    )
    module = AutoModelForSeq2SeqLM.from_config(config).eval()
    torch.set_rng_state(torch_state)
    asked: list[int] = []
    before = eight_bits._multiply
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(eight_bits, "_multiply", lambda *given: asked.append(len(given[0])) or before(*given))
        target = beams.Target(lead=[0], stop_ids=frozenset({1}), max_length=20)
        found = beams.draw(module, PROMPTS, SAMPLING, target)
    assert len(found) == len(PROMPTS)
    assert asked
    assert all("forward" not in vars(part) for part in module.modules())


def test_another_device_and_another_processor_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = _Layers()
    layers.device = torch.device("meta")
    with pytest.raises(ModelError, match="this one is on meta; leave int8 out"), eight_bits.eight_bits(layers):
        pass
    layers.device = torch.device("cpu")
    monkeypatch.setattr(eight_bits, "serves", lambda: False)
    with pytest.raises(ModelError, match="int8 products do not work on this processor"), eight_bits.eight_bits(layers):
        pass
    empty = nn.Module()
    empty.device = torch.device("cpu")
    with pytest.raises(ModelError, match="Module has no linear layer"), eight_bits.eight_bits(empty):
        pass
