"""What is the same is read once, and memory grows in blocks: what is written stays the same."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, DynamicCache, GPT2Config, GPTNeoXConfig, LlamaConfig, MistralConfig
from transformers.cache_utils import DynamicLayer

from sayso.models.forms.packing import switch_on
from sayso.models.writing import generation
from sayso.models.writing.cache import GrowingLayer, growing, only_grows
from sayso.models.writing.sampling import Sampling

SIZES = {"vocab_size": 96, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
CONFIGS = {
    "llama": LlamaConfig(**SIZES, num_key_value_heads=2, max_position_embeddings=128),
    "gpt_neox": GPTNeoXConfig(**SIZES, max_position_embeddings=128),
    "gpt2": GPT2Config(vocab_size=96, n_embd=32, n_layer=2, n_head=4, n_positions=128),
    "sliding": MistralConfig(**SIZES, num_key_value_heads=2, max_position_embeddings=128, sliding_window=12),
}
LEAD = [5, 9, 2, 7, 11, 30, 31, 8, 60, 61, 62, 63, 3, 4, 5, 6, 7, 8]
ENDS = [[20], [21, 22, 23, 24, 25], [26, 27], [20], [90, 91, 92, 93, 94, 95, 1, 2, 3], [20]]
PROMPTS = [LEAD + end for end in ENDS]
GREEDY = Sampling(temperature=0, max_new_tokens=12)
WARM = Sampling(temperature=1.2, max_new_tokens=12, seed=3)

write = partial(generation.write, by_position=True)


def model(kind: str) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        config = deepcopy(CONFIGS[kind])
        config.initializer_range = 0.3  # so that tokens are not all the same
        made = AutoModelForCausalLM.from_config(config).eval()
    assert switch_on(made) == ""
    return made


@pytest.mark.parametrize("sampling", [GREEDY, WARM], ids=["greedy", "sampled"])
@pytest.mark.parametrize("kind", CONFIGS)
def test_prompts_that_begin_alike_are_continued_as_each_alone(kind: str, sampling: Sampling) -> None:
    module = model(kind)
    stop = write(module, PROMPTS[1:2], sampling, stop_ids=frozenset(), max_length=128)[0][3]
    found = write(module, PROMPTS, sampling, stop_ids=frozenset({stop}), max_length=128, keep_stop=True)
    again = write(
        module, PROMPTS, replace(sampling, batch_size=2), stop_ids=frozenset({stop}), max_length=128, keep_stop=True
    )
    assert found == again
    for number in (0, 1, 2, 4):  # of the others an earlier copy is there
        alone = write(
            module, PROMPTS[number : number + 1], sampling, stop_ids=frozenset({stop}), max_length=128, keep_stop=True
        )
        assert found[number] == alone[0]
    assert len(set(map(len, found))) > 1, "some line should leave early"
    assert (found[0] == found[3] == found[5]) is (sampling is GREEDY)


def test_what_all_prompts_share_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module = model("llama")
    read: list[tuple[int, int]] = []
    whole = module.forward
    monkeypatch.setattr(module, "forward", lambda **given: read.append(tuple(given["input_ids"].shape)) or whole(**given))
    write(module, PROMPTS, replace(GREEDY, max_new_tokens=2), stop_ids=frozenset(), max_length=128)
    assert read == [(1, len(LEAD)), (4, 9), (6, 1)]  # the beginning, each different prompt, all lines


def test_a_model_that_may_count_columns_reads_every_prompt_whole_and_writes_the_same() -> None:
    module = model("llama")
    read: list[tuple[int, int]] = []
    whole = module.forward
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "forward", lambda **given: read.append(tuple(given["input_ids"].shape)) or whole(**given))
        plain = generation.write(module, PROMPTS, WARM, stop_ids=frozenset(), max_length=128)
    assert read[0] == (6, len(LEAD) + 9)
    assert plain == write(module, PROMPTS, WARM, stop_ids=frozenset(), max_length=128)


def test_a_window_reads_every_prompt_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    module = model("sliding")
    assert not only_grows(growing(module.config))
    read: list[tuple[int, int]] = []
    whole = module.forward
    monkeypatch.setattr(module, "forward", lambda **given: read.append(tuple(given["input_ids"].shape)) or whole(**given))
    write(module, PROMPTS, replace(GREEDY, max_new_tokens=1), stop_ids=frozenset(), max_length=128)
    assert read == [(6, len(LEAD) + 9)]


@pytest.mark.parametrize(
    ("prompts", "shared"), [(PROMPTS, len(LEAD)), (PROMPTS[:1], 0), ([LEAD, LEAD], len(LEAD) - 1), ([[1] * 30, [2] * 30], 0)]
)
def test_a_token_is_left_of_every_prompt(prompts: list[list[int]], shared: int) -> None:
    assert generation._lead(prompts) == prompts[0][:shared]


def test_a_layer_with_room_holds_what_transformers_own_holds() -> None:
    ours, theirs = GrowingLayer(), DynamicLayer()
    draw = torch.Generator().manual_seed(0)
    lines = 5
    for turn in range(90):
        new = [torch.randn((lines, 2, 7 if turn == 0 else 1, 4), generator=draw) for _ in range(2)]
        for layer in (ours, theirs):
            layer.update(*new)
        if turn in (3, 70):
            order = [0, 4, 2, 3] if lines == 5 else [3, 1]
            ours.leave(order)
            theirs.batch_select_indices(torch.tensor(order))
            lines = len(order)
        if turn == 40:  # as a model's own code might, behind the layer's back
            index = torch.tensor([1, 1, 0, 3])
            for layer in (ours, theirs):
                layer.reorder_cache(index)
        if turn == 50:
            ours.drop(2)
            theirs.keys, theirs.values = theirs.keys[:, :, 2:], theirs.values[:, :, 2:]
        assert torch.equal(ours.keys, theirs.keys)
        assert torch.equal(ours.values, theirs.values)
        assert ours.get_seq_length() == theirs.get_seq_length()


def test_the_past_is_not_copied_at_every_token_and_room_serves_again() -> None:
    layer = GrowingLayer()
    one = torch.ones((2, 2, 1, 4))
    rooms = {layer.update(one, one)[0].untyped_storage().data_ptr() for _ in range(60)}
    assert len(rooms) == 1
    layer.reset()
    assert layer.get_seq_length() == 0
    assert layer.update(one, one)[0].untyped_storage().data_ptr() in rooms


def test_only_layers_that_grow_are_replaced() -> None:
    assert [type(layer) for layer in growing(CONFIGS["llama"]).layers] == [GrowingLayer, GrowingLayer]
    kept = [type(layer) for layer in growing(CONFIGS["sliding"]).layers]
    assert kept == [type(layer) for layer in DynamicCache(config=CONFIGS["sliding"]).layers]
