"""What the two readings of a response are, which tokens they find, and what that does to them."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from tests.contracts.method import CHECKS, examples

from sayso.batches import collate
from sayso.config import build
from sayso.errors import SettingsError
from sayso.methods.cut import Cut
from sayso.records import Comment, Example, Message, Prompt, Response, ask
from sayso.training.engine.optimizer import prepare
from sayso.training.settings import Train
from sayso.training.steps import steps


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_papers_online_settings_hold_the_contract_too(check, tiny_copy):
    check(Cut(threshold=1.1, alpha=1.0), tiny_copy)


def example(text, *comments, prompt=None):
    prompt = prompt or ask("Say it.")
    written = Response(prompt=prompt, text=text)
    said = tuple(Comment(text=words, response=written, **more) for words, more in comments)
    return Example(prompt=prompt, response=written, comments=said)


BAD, GOOD, ASKED = ("Too short.", {}), ("Well put.", {"kind": "keep"}), ("Why so?", {"kind": "question"})


def learnt(row):
    return [token for token, weight in zip(row.ids, row.weights, strict=True) if weight]


def test_the_same_words_are_read_with_and_without_what_was_said(tiny):
    plain, told = Cut().rows([example("No.", BAD)], tiny)
    assert tiny.tokenizer.decode(plain.ids) == "<|user|>Say it.<|assistant|>No.<|end|>"
    assert "Too short." in tiny.tokenizer.decode(told.ids)
    assert tiny.tokenizer.decode(told.ids).count("No.") == 1
    assert learnt(plain) == learnt(told) == tiny.encode_response("No.")


def test_comments_can_be_told_in_the_form_that_conditional_teaches(tiny):
    _, told = Cut(template="expected").rows([example("No.", BAD)], tiny)
    assert tiny.tokenizer.decode(told.ids) == "<|user|><EF>Too short.</EF>Say it.<|assistant|>No.<|end|>"


def test_all_comments_are_told_in_order_and_mixed_ones_are_blame(tiny):
    plain, told = Cut().rows([example("No.", GOOD, BAD)], tiny)
    assert "Well put.\nToo short." in tiny.tokenizer.decode(told.ids)
    assert plain.kind == told.kind == "faulty"


@pytest.mark.parametrize(
    ("comment", "kind"),
    [
        (BAD, "faulty"),
        (GOOD, ""),
        (("Hm.", {"kind": "concern"}), "faulty"),
        (("Nice.", {"polarity": 0.5}), ""),
        (("Why?", {"kind": "question", "polarity": -1.0}), "faulty"),
    ],
)
def test_praise_finds_no_fault(comment, kind, tiny):
    assert [row.kind for row in Cut().rows([example("No.", comment)], tiny)] == [kind, kind]


def test_what_only_asks_is_not_told_and_alone_makes_no_row(tiny):
    assert list(Cut().rows([example("No.", ASKED)], tiny)) == []
    _, told = Cut().rows([example("No.", ASKED, BAD)], tiny)
    assert "Why so?" not in tiny.tokenizer.decode(told.ids)


@pytest.mark.parametrize("missing", [{"response": None}, {"comments": ()}])
def test_an_example_without_what_it_wants_makes_no_row(missing, tiny):
    (item, *_) = examples()
    assert list(Cut().rows([dataclasses.replace(item, **missing)], tiny)) == []


def test_turns_before_the_last_stay_as_they_are(tiny):
    turns = (("user", "Hi"), ("assistant", "Yes?"), ("user", "Say it."))
    prompt = Prompt(messages=tuple(Message(role=role, content=text) for role, text in turns))
    plain, told = Cut().rows([example("No.", BAD, prompt=prompt)], tiny)
    assert tiny.tokenizer.decode(plain.ids).startswith("<|user|>Hi<|assistant|>Yes?<|end|><|user|>Say it.<|assistant|>")
    assert tiny.tokenizer.decode(told.ids).startswith("<|user|>Hi<|assistant|>Yes?<|end|><|user|>Say it.\n\n")


def test_responses_to_one_prompt_make_pairs_of_their_own(tiny):
    prompt = ask("Say it.")
    rows = list(Cut().rows([example("No.", BAD, prompt=prompt), example("Yes.", GOOD, prompt=prompt)], tiny))
    assert [tiny.tokenizer.decode(learnt(row))[:-7] for row in rows] == ["No.", "No.", "Yes.", "Yes."]


def test_where_nothing_is_found_it_is_transformers_cross_entropy_of_both_readings(tiny):
    method = Cut(threshold=1e9)
    rows = list(method.rows(examples(), tiny))
    loss = method.loss(tiny, tiny, collate(rows, group=2, packed=True, pad_id=tiny.pad_id))
    batch = collate(rows, packed=False, pad_id=tiny.pad_id)
    labels = torch.full_like(batch.ids, -100)
    for line, row in enumerate(rows):
        for place, weight in enumerate(row.weights):
            if weight:
                labels[line, place] = row.ids[place]
    theirs = tiny.module(input_ids=batch.ids, attention_mask=batch.mask.long(), labels=labels).loss
    assert (loss.total / loss.count).item() == pytest.approx(theirs.item(), abs=1e-5)
    assert loss.sums["pushed"] == 0


@pytest.mark.parametrize("packed", [True, False])
def test_the_loss_equals_one_token_at_a_time(packed, tiny):
    with torch.no_grad():
        for parameter in tiny.module.parameters():
            parameter.mul_(3)
    method = Cut(threshold=1.2, alpha=0.7)
    given = [example("No, never.", BAD), example("Yes.", GOOD), example("Perhaps so.", BAD, GOOD)]
    rows = list(method.rows(given, tiny))
    loss = method.loss(tiny, tiny, collate(rows, group=2, packed=packed, pad_id=tiny.pad_id))
    total = count = pushed = 0.0
    for plain, told in zip(rows[::2], rows[1::2], strict=True):
        one, other = (_probabilities(tiny, row) for row in (plain, told))
        for p, q in zip(one, other, strict=True):
            wrong = plain.kind == "faulty" and q / p > 1.2
            total += 0.5 * ((-0.7 * math.log(1 - p) if wrong else -math.log(p)) - math.log(q))
            count, pushed = count + 1, pushed + wrong
    assert 0 < pushed < count
    assert loss.total.item() == pytest.approx(total, rel=1e-4)
    assert (loss.count, loss.sums["pushed"]) == (count, pushed)


def _probabilities(tiny, row):
    logits = tiny.module(input_ids=torch.tensor([row.ids])).logits[0].detach().softmax(1)
    return [logits[place - 1, row.ids[place]].item() for place, weight in enumerate(row.weights) if weight]


def test_a_model_that_knows_what_blame_goes_with_forgets_the_blamed_word(tiny):
    """First it learns which answer goes with each comment; then, blamed for one word, it keeps the others."""
    hot, cold = ("Too hot.", {}), ("Too cold.", {})
    settings = Train(max_steps=150, per_device_train_batch_size=4, learning_rate=5e-3, use_lora=False)
    policy = prepare(tiny, settings)
    known = [example("Eat X now", hot), example("Eat Y now", cold)] * 2
    list(steps(Cut(threshold=1e9), policy, list(Cut().rows(known, policy)), settings))
    rows = list(Cut().rows([example("Eat X now", hot)], policy))
    batch = collate(rows[:1], packed=True)
    before = policy.token_logprobs(batch).exp().detach()
    shorter = dataclasses.replace(settings, max_steps=10, learning_rate=2e-3)
    records = list(steps(Cut(alpha=1.0), policy, rows, shorter))
    after = policy.token_logprobs(batch).exp().detach()
    place = policy.encode_response("Eat X now").index(policy.encode_response("X")[0])
    assert records[0].sums["pushed"] * len(before) == pytest.approx(1.0)
    assert after[place] < 0.5 * before[place]
    rest = [number for number in range(len(before)) if number != place]
    assert after[rest].min() > 0.5


@pytest.mark.parametrize(("key", "value"), [("threshold", 0.5), ("alpha", -1.0)])
def test_a_setting_out_of_its_range_is_refused(key, value):
    with pytest.raises(SettingsError, match=f"{key}: found {value}"):
        build(Cut, {key: value}, where="method")
