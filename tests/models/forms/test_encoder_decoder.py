"""A model with an encoder reads sources, scores targets and writes them, as transformers does one at a time."""

from __future__ import annotations

import pytest
import torch
from tests.models.encoders import SHAPES, made

from sayso.batches import Row, collate, row
from sayso.errors import ModelError
from sayso.models import adapters, local
from sayso.models.forms import encoder_decoder
from sayso.models.writing.sampling import Sampling
from sayso.records import Message, Prompt, ask

PAIRS = (("the cat", "a dog"), ("the", "dog on the mat"), ("the cat", "cat"))
ANY = pytest.mark.parametrize("architecture", SHAPES)


def rows_of(model):
    return [row(model.encode_prompt(ask(one)), model.encode_response(other)) for one, other in PAIRS]


def alone(model, item):
    """Return the log-probabilities of one row's target by transformers' own forward pass."""
    first = next(number for number, weight in enumerate(item.weights) if weight)
    decoder = torch.tensor([[model.form.start, *item.ids[first:-1]]])
    with torch.no_grad():
        logits = model.inner(input_ids=torch.tensor([item.ids[:first]]), decoder_input_ids=decoder).logits[0]
    return logits.log_softmax(-1).gather(1, torch.tensor(item.ids[first:])[:, None]).squeeze(1)


@ANY
def test_targets_are_as_probable_as_transformers_says_one_by_one(tiny_folder, architecture):
    model = made(architecture, tiny_folder)
    rows = rows_of(model)
    expected = torch.cat([alone(model, item) for item in rows])
    for packed in (False, True):
        batch = collate(rows, packed=packed, pad_id=model.pad_id)
        torch.testing.assert_close(model.token_logprobs(batch).detach(), expected, atol=1e-5, rtol=0)
        picked = model.distributions(batch).gather(1, batch.targets[:, None]).squeeze(1)
        torch.testing.assert_close(picked.detach(), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("short", [0, 64])
def test_both_ways_to_attend_and_logits_in_chunks_say_the_same(tiny_folder, monkeypatch, short):
    model = made("bart", tiny_folder)
    batch = collate(rows_of(model), packed=False, pad_id=model.pad_id)
    before = model.token_logprobs(batch)
    monkeypatch.setattr(encoder_decoder, "SHORT", short)
    monkeypatch.setattr("sayso.models.forms.head.CHUNK_LOGITS", 3 * 260)
    torch.testing.assert_close(model.token_logprobs(batch), before, atol=1e-5, rtol=0)


def test_a_model_whose_logits_are_more_than_a_head_makes_them_itself(tiny_folder):
    model = made("bart", tiny_folder)
    batch = collate(rows_of(model), packed=False, pad_id=model.pad_id)
    plain = encoder_decoder.EncoderDecoder(chat=model.form.chat, start=model.form.start, scale=None)
    torch.testing.assert_close(plain.token_logprobs(model.inner, batch), model.token_logprobs(batch), atol=1e-5, rtol=0)
    torch.testing.assert_close(plain.distributions(model.inner, batch), model.distributions(batch), atol=1e-5, rtol=0)


def test_the_target_begins_after_the_source_also_where_its_first_tokens_are_not_learnt(tiny_folder):
    model = made("bart", tiny_folder)
    whole = rows_of(model)[1]
    few = Row(
        ids=whole.ids, weights=tuple(weight * (number >= len(whole.ids) - 3) for number, weight in enumerate(whole.weights))
    )
    found = model.token_logprobs(collate([few], packed=False, pad_id=model.pad_id))
    torch.testing.assert_close(found.detach(), alone(model, whole)[-3:], atol=1e-5, rtol=0)


def test_a_source_without_an_end_ends_where_learning_begins(tiny_folder):
    model = made("t5", tiny_folder)
    item = row([9, 10, 11], [12, 13])
    found = model.token_logprobs(collate([item], packed=False, pad_id=model.pad_id))
    torch.testing.assert_close(found.detach(), alone(model, item), atol=1e-5, rtol=0)


@ANY
def test_what_is_written_depends_on_the_source_and_the_seed_alone(tiny_folder, architecture):
    model = made(architecture, tiny_folder)
    prompts = [ask("the cat"), ask("hello, dog of mine"), ask("the cat")]
    sampling = Sampling(max_new_tokens=8, temperature=1.0, seed=3)
    together = model.write(prompts, sampling)
    assert together[:2] == [model.write([prompt], sampling)[0] for prompt in prompts[:2]]
    assert together == model.write(prompts, Sampling(max_new_tokens=8, temperature=1.0, seed=3, batch_size=1))
    assert together[0] != together[2]
    assert together != model.write(prompts, Sampling(max_new_tokens=8, temperature=1.0, seed=4))
    assert all(len(answer.ids) == 8 or answer.ended for answer in together)


@ANY
def test_the_likeliest_words_are_those_that_transformers_writes(tiny_folder, architecture):
    model = made(architecture, tiny_folder)
    prompt = ask("the cat sat")
    for beams in (1, 3):
        written = model.write([prompt], Sampling(max_new_tokens=6, temperature=0, num_beams=beams))[0]
        found = model.inner.generate(
            input_ids=torch.tensor([model.encode_prompt(prompt)]), num_beams=beams, max_new_tokens=6, do_sample=False,
            decoder_start_token_id=model.form.start, eos_token_id=model.tokenizer.eos_token_id,
            suppress_tokens=[model.pad_id],
        )  # fmt: skip
        assert list(written.ids) == found[0, 1:].tolist()


def test_a_causal_model_refuses_beams(tiny):
    with pytest.raises(ModelError, match=r"num_beams: found 4"):
        tiny.generate([ask("Hi")], Sampling(num_beams=4))


def test_a_prompt_of_one_turn_is_its_words_and_a_longer_one_names_who_speaks(tiny_folder):
    model = made("t5", tiny_folder)
    assert model.decode(model.encode_prompt(ask("Guten Tag."))) == "Guten Tag."
    turns = tuple(Message(role=role, content=text) for role, text in (("user", "Hi"), ("assistant", "Ho"), ("user", "And?")))
    assert model.decode(model.encode_prompt(Prompt(messages=turns))) == "User: Hi\nAssistant: Ho\nUser: And?\nAssistant:"


def test_spans_of_an_answer_are_found_in_its_tokens(tiny_folder):
    model = made("bart", tiny_folder)
    ids = model.encode_response("a cat ran")
    (span,) = model.token_spans("a cat ran", [(2, 5)])
    assert model.decode([ids[number] for number in span]) == "cat"


@ANY
def test_a_folder_and_an_adapter_are_opened_again(tiny_folder, tmp_path, architecture):
    model = made(architecture, tiny_folder)
    batch = collate(rows_of(model), packed=False, pad_id=model.pad_id)
    expected = model.token_logprobs(batch).detach()
    model.save(tmp_path / "model")
    again = local.load(tmp_path / "model", device="cpu")
    assert torch.equal(again.token_logprobs(batch).detach(), expected)
    adapted = adapters.attach(again, adapters.Lora(lora_r=2), seed=0)
    with torch.no_grad():
        for parameter in adapted.trainable():
            parameter.add_(0.05)
    changed = adapted.token_logprobs(batch).detach()
    assert torch.equal(adapted.reference().token_logprobs(batch), expected)
    adapted.save(tmp_path / "adapter")
    assert torch.equal(local.load(tmp_path / "adapter", device="cpu").token_logprobs(batch).detach(), changed)
    assert not torch.equal(changed, expected)


def test_dropout_is_on_only_while_learning_and_only_when_asked(tiny_folder):
    model = made("bart", tiny_folder)
    batch = collate(rows_of(model), packed=False, pad_id=model.pad_id)
    still = model.token_logprobs(batch).detach()
    assert torch.equal(model.token_logprobs(batch).detach(), still)
    model.dropout = True
    assert not torch.allclose(model.token_logprobs(batch).detach(), still)
    with torch.no_grad():
        assert torch.equal(model.token_logprobs(batch), still)
    before = model.write([ask("the cat")], Sampling(max_new_tokens=4, temperature=0))
    assert before == model.write([ask("the cat")], Sampling(max_new_tokens=4, temperature=0))
