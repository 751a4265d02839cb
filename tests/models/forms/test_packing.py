"""Packed lines give what padded ones give, for log-probabilities and gradients, or the model says why it runs padded."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoConfig,
    GPTNeoForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)  # fmt: skip

from sayso.batches import Row, collate, row
from sayso.models.forms import scoring
from sayso.models.forms.packing import ATTENTION

SMALL = {"vocab_size": 60, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
GROUPED = {**SMALL, "num_key_value_heads": 2}
ROWS = [
    row([5, 6, 7], [8, 9, 10, 11], weight=0.5),
    Row(
        ids=(3, 4, 9, 20, 21, 22, 23, 24, 25, 26, 27, 28),
        weights=(0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    ),
    row([1], [2]),
]


def llama() -> Any:
    return LlamaForCausalLM(LlamaConfig(**GROUPED))


def qwen2() -> Any:
    return Qwen2ForCausalLM(Qwen2Config(**GROUPED))


def gpt2() -> Any:
    return GPT2LMHeadModel(GPT2Config(vocab_size=60, n_embd=32, n_layer=2, n_head=4, n_positions=64))


def gpt_neox() -> Any:
    return GPTNeoXForCausalLM(GPTNeoXConfig(**SMALL))


def mistral_with_a_window_shorter_than_a_row() -> Any:
    return MistralForCausalLM(MistralConfig(**GROUPED, sliding_window=5))


def built(make: Any) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return make().eval()


def learnt(model: Any, *, packed: bool, head_alone: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities and the gradient of their weighted sum."""
    batch = collate(ROWS, packed=packed)
    found = scoring.token_logprobs(model, batch, head_alone=head_alone)
    model.zero_grad()
    (found * batch.weights).sum().backward()
    return found.detach(), torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


@pytest.mark.parametrize("make", [llama, qwen2, gpt2, gpt_neox, mistral_with_a_window_shorter_than_a_row])
@pytest.mark.parametrize("head_alone", [True, False])
def test_packed_equals_padded_equals_the_rows_alone(make: Any, head_alone: bool) -> None:
    model = built(make)
    assert scoring.head_stands_alone(model)
    alone = [slow(model, item) for item in ROWS]
    padded = learnt(model, packed=False, head_alone=head_alone)
    able, reason = scoring.supports_packing(model, head_alone=head_alone)
    assert able, reason
    packed = learnt(model, packed=True, head_alone=head_alone)
    again = learnt(model, packed=False, head_alone=head_alone)
    torch.testing.assert_close(packed[0], torch.cat(alone), atol=1e-5, rtol=0)
    for one in (packed, again):
        torch.testing.assert_close(one[0], padded[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(one[1], padded[1], atol=1e-5, rtol=0)


def slow(model: Any, item: Row) -> torch.Tensor:
    """The obvious way: one row, all logits, a full log-softmax."""
    with torch.no_grad():
        whole = model(input_ids=torch.tensor([item.ids])).logits[0].log_softmax(-1)
    return torch.stack([whole[t - 1, item.ids[t]] for t in range(1, len(item.ids)) if item.weights[t]])


def test_rows_of_a_packed_line_do_not_see_each_other() -> None:
    model = built(llama)
    scoring.supports_packing(model, head_alone=True)
    whole = scoring.token_logprobs(model, collate(ROWS, packed=True), head_alone=True)
    other = scoring.token_logprobs(model, collate([row([50, 51], [52] * 9), *ROWS[1:]], packed=True), head_alone=True)
    torch.testing.assert_close(whole[4:], other[9:], atol=1e-6, rtol=0)


def test_generation_with_a_cache_is_the_same_after_packing_was_switched_on() -> None:
    model = built(llama)
    asked = {"input_ids": torch.tensor([[5, 6, 7]]), "attention_mask": torch.ones(1, 3, dtype=torch.long)}
    before = model.generate(**asked, max_new_tokens=8, do_sample=False, pad_token_id=0)
    assert scoring.supports_packing(model, head_alone=True)[0]
    assert model.config._attn_implementation == ATTENTION
    assert torch.equal(before, model.generate(**asked, max_new_tokens=8, do_sample=False, pad_token_id=0))


def test_gradient_checkpointing_keeps_the_rows_apart() -> None:
    model = built(llama)
    scoring.supports_packing(model, head_alone=True)
    plain = learnt(model, packed=True, head_alone=True)
    model.train()  # dropout is 0 in this model; transformers checkpoints in training mode only
    model.activation_checkpointing_enable()
    assert model.model.layers[0].gradient_checkpointing
    torch.testing.assert_close(learnt(model, packed=True, head_alone=True)[1], plain[1], atol=1e-6, rtol=0)


def test_a_model_outside_the_attention_interface_runs_padded_and_says_so() -> None:
    model = built(lambda: GPTNeoForCausalLM(GPTNeoConfig(
        vocab_size=60, hidden_size=32, num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]],
        max_position_embeddings=64)))  # fmt: skip
    assert scoring.supports_packing(model, head_alone=True) == (
        False,
        "GPTNeoForCausalLM does not go through transformers' attention interface",
    )


def test_a_model_that_caps_its_logits_is_scored_by_its_own_forward_and_runs_padded() -> None:
    config = Gemma2Config(**GROUPED, head_dim=8, final_logit_softcapping=0.5, attn_logit_softcapping=0.5)
    model = built(lambda: Gemma2ForCausalLM(config))
    head_alone = scoring.head_stands_alone(model)
    assert not head_alone
    able, reason = scoring.supports_packing(model, head_alone=head_alone)
    assert not able
    assert reason
    found = scoring.token_logprobs(model, collate(ROWS, packed=False), head_alone=head_alone)
    torch.testing.assert_close(found, torch.cat([slow(model, item) for item in ROWS]), atol=1e-5, rtol=0)


def test_a_packed_line_that_would_differ_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "packed_inputs", lambda batch: {"input_ids": batch.ids})
    model = built(llama)
    able, reason = scoring.supports_packing(model, head_alone=True)
    assert not able
    assert "differ by" in reason
    assert model.config._attn_implementation == "sdpa"


def test_scoring_in_chunks_changes_neither_values_nor_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    model = built(llama)
    whole = learnt(model, packed=False, head_alone=True)
    monkeypatch.setattr("sayso.models.forms.head.CHUNK_LOGITS", 3 * 60)
    chunked = learnt(model, packed=False, head_alone=True)
    torch.testing.assert_close(chunked[0], whole[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(chunked[1], whole[1], atol=1e-6, rtol=0)


def test_log_probabilities_are_float32_even_of_a_bfloat16_model() -> None:
    model = built(llama).bfloat16()
    assert scoring.token_logprobs(model, collate(ROWS, packed=False), head_alone=True).dtype == torch.float32
    able, reason = scoring.supports_packing(model, head_alone=True)
    assert able, reason


def test_tied_embeddings_learn_the_same_without_a_table_of_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    model = built(lambda: LlamaForCausalLM(LlamaConfig(**GROUPED, tie_word_embeddings=True, pad_token_id=ROWS[0].ids[0])))
    made = []
    model.get_input_embeddings().register_forward_hook(lambda words, _given, _out: made.append(words.sparse))
    found = learnt(model, packed=False, head_alone=True)
    monkeypatch.setattr(scoring, "_few_words", nullcontext)
    wanted = learnt(model, packed=False, head_alone=True)
    assert made == [True, False]
    torch.testing.assert_close(found[1], wanted[1], atol=1e-6, rtol=1e-6)
