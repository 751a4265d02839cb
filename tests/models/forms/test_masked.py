"""A model that fills gaps scores what stood there, packed or padded, as transformers does one text at a time."""

from __future__ import annotations

import pytest
import torch

from sayso.batches import Row, collate
from sayso.errors import ModelError
from sayso.models import local
from sayso.models.fresh import fresh
from sayso.records import ask

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
KINDS = ("bert", "roberta")
ROWS = [
    Row(ids=(9, 260, 11, 260, 13), weights=(0, 1, 0, 1, 0), labels=(9, 10, 11, 12, 13)),
    Row(ids=(260, 21), weights=(1, 0), labels=(20, 21)),
]


@pytest.mark.parametrize("architecture", KINDS)
def test_gaps_are_as_probable_as_transformers_says_one_text_at_a_time(tiny_folder, architecture):
    model = fresh(architecture, SMALL, tiny_folder, seed=0, device="cpu")
    assert model.packed, model.packed_reason
    assert model.tokenizer.mask_token_id == 260
    expected = []
    for item in ROWS:
        with torch.no_grad():
            logits = model.inner(input_ids=torch.tensor([item.ids])).logits[0].log_softmax(-1)
        expected += [logits[place, item.labels[place]] for place, weight in enumerate(item.weights) if weight]
    for packed in (True, False):
        batch = collate(ROWS, packed=packed, pad_id=model.pad_id)
        torch.testing.assert_close(model.token_logprobs(batch).detach(), torch.stack(expected), atol=1e-5, rtol=0)
        picked = model.distributions(batch).gather(1, batch.targets[:, None]).squeeze(1)
        torch.testing.assert_close(picked.detach(), torch.stack(expected), atol=1e-5, rtol=0)


def test_a_vocabulary_of_any_size_can_be_tried(tiny_folder):
    model = fresh("bert", {**SMALL, "vocab_size": 264}, tiny_folder, seed=0, device="cpu")  # 264 divides 7919 + 1
    assert model.form.head == "cls"


def test_every_token_sees_those_after_it_packed_or_not(tiny_folder):
    model = fresh("bert", SMALL, tiny_folder, seed=0, device="cpu")
    other = [Row(ids=(*ROWS[0].ids[:-1], 99), weights=ROWS[0].weights, labels=ROWS[0].labels), ROWS[1]]
    for packed in (True, False):
        one, two = (model.token_logprobs(collate(rows, packed=packed)).detach() for rows in (ROWS, other))
        assert not torch.isclose(one[0], two[0], atol=1e-6)
        assert torch.allclose(one[2], two[2], atol=1e-6), "a row sees another"


@pytest.mark.parametrize("architecture", KINDS)
def test_its_folder_is_opened_as_what_it_is_and_holds_the_mask(tiny_folder, tmp_path, architecture):
    model = fresh(architecture, SMALL, tiny_folder, seed=0, device="cpu")
    model.save(tmp_path / "model")
    again = local.load(tmp_path / "model", device="cpu")
    batch = collate(ROWS, packed=True)
    assert torch.equal(again.token_logprobs(batch), model.token_logprobs(batch))
    assert (again.tokenizer.mask_token, again.max_length) == ("<|mask|>", 256)


def test_it_answers_no_prompts_and_says_so(tiny_folder):
    model = fresh("bert", SMALL, tiny_folder, seed=0, device="cpu")
    with pytest.raises(ModelError, match="fills masked words and answers no prompts"):
        model.encode_prompt(ask("Hi"))


def test_rows_as_long_as_the_context_fit_its_table_of_positions(tiny_folder):
    model = fresh("roberta", SMALL, tiny_folder, seed=0, device="cpu")
    ids = tuple([9] * model.max_length)
    row = Row(ids=ids, weights=(0.0,) * 255 + (1.0,), labels=ids)
    assert torch.isfinite(model.token_logprobs(collate([row], packed=False))).all()
