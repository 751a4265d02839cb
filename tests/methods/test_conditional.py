"""`conditional`: answers under the words said of them, in rows of their own or in chains, and good ones without."""

from __future__ import annotations

import dataclasses
import re

import pytest
import torch
from tests.contracts import method as contract

from sayso.batches import Row, collate
from sayso.errors import ModelError, PreflightError, SettingsError
from sayso.methods.conditional import Conditional
from sayso.models.forms.chat import chat_of
from sayso.records import Comment, Example, Message, Prompt, Refinement, Response, ask
from sayso.training.engine.optimizer import prepare
from sayso.training.preflight import describe, examine
from sayso.training.steps import steps

CHAIN = Conditional(form="chain")
READ = (
    contract.rows_are_repeatable_and_leave_the_examples_alone,
    contract.packing_changes_nothing,
    contract.micro_batching_changes_nothing,
)
"""The checks of the contract that a choice of rows could break."""


def learnt(row):
    return [token for token, weight in zip(row.ids, row.weights, strict=True) if weight]


def shown(tiny, method, given):
    return [tiny.tokenizer.decode(row.ids) for row in method.rows(given, tiny)]


def answered(text, *said, prompt="Where?", better=None, kind="fix"):
    response = Response(prompt=ask(prompt), text=text)
    comments = tuple(Comment(text=words, response=response, kind=kind) for words in said)
    refinement = Refinement(response=response, text=better) if better else None
    return Example(prompt=response.prompt, response=response, comments=comments, refinement=refinement)


@pytest.mark.parametrize("method", [CHAIN], ids=repr)
@pytest.mark.parametrize("check", READ, ids=lambda check: check.__name__)
def test_every_choice_holds_the_contract(check, method, tiny_copy):
    check(method, tiny_copy)


def test_each_answer_is_learnt_under_its_words_and_a_good_one_without(tiny):
    assert shown(tiny, Conditional(unconditioned=1), [answered("Here.", "Too short.", "Rude.", better="In the hall.")]) == [
        "<|user|><EF>Too short.\nRude.</EF>Where?<|assistant|>Here.<|end|>",
        "<|user|><EF>This is right as it is.</EF>Where?<|assistant|>In the hall.<|end|>",
        "<|user|>Where?<|assistant|>In the hall.<|end|>",
    ]


def test_told_gives_the_words_before_the_prompt(tiny):
    (first, *_) = shown(tiny, Conditional(template="told"), [answered("Here.", "Too short.", better="In the hall.")])
    assert first == "<|user|>Too short.\n\nWhere?<|assistant|>Here.<|end|>"  # this template has no system turns


def test_a_response_of_which_only_praise_was_said_is_a_good_answer(tiny):
    praised = answered("In the hall.", "Exactly.", kind="keep")
    blamed = answered("Here.", "Too short.", prompt="Where to?")
    mixed = answered("There.", "Short.", prompt="Whence?")
    mixed = dataclasses.replace(mixed, comments=(*mixed.comments, *praised.comments))
    assert shown(tiny, Conditional(unconditioned=1), [praised, blamed, mixed]) == [
        "<|user|><EF>Exactly.</EF>Where?<|assistant|>In the hall.<|end|>",
        "<|user|>Where?<|assistant|>In the hall.<|end|>",
        "<|user|><EF>Too short.</EF>Where to?<|assistant|>Here.<|end|>",
        "<|user|><EF>Short.\nExactly.</EF>Whence?<|assistant|>There.<|end|>",
    ]


def test_refinements_can_be_told_praise_that_was_really_said(tiny):
    given = [
        answered("Here.", "Too short.", better="In the hall."),
        answered("On the left.", "Just so.", prompt="Which way?", kind="keep"),
        answered("At noon.", "Good.", prompt="When?", kind="keep"),
    ]
    method = Conditional(praise="said", unconditioned=0)
    refined = [text for text in shown(tiny, method, given) if "In the hall." in text]
    assert len(refined) == 1
    assert re.search(r"<EF>(Just so|Good)\.</EF>Where\?", refined[0])
    assert refined == [text for text in shown(tiny, method, given[::-1]) if "In the hall." in text]
    with pytest.raises(PreflightError, match="no comment of the examples praises"):
        list(method.rows(given[:1], tiny))


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.01, 1), (0.5, 5), (0.51, 6), (1.0, 10)])
def test_as_many_good_answers_as_the_share_says_are_learnt_without_words(share, expected, tiny):
    given = contract.examples()
    method = Conditional(unconditioned=share)
    plain = [row for row in method.rows(given, tiny) if "no condition" in row.label]
    assert len(plain) == expected
    again = [row for row in method.rows(given[::-1], tiny) if "no condition" in row.label]
    assert {row.ids for row in plain} == {row.ids for row in again}
    assert all("Dog" in tiny.decode(learnt(row)) for row in plain)


def test_without_a_good_answer_training_is_refused_unless_words_will_be_told_at_use(tiny):
    given = [answered("Here.", "Too short.")]
    with pytest.raises(PreflightError, match="1 answers would be learnt, none of them a good one"):
        list(Conditional().rows(given, tiny))
    assert len(list(Conditional(unconditioned=0).rows(given, tiny))) == 1


def test_examples_without_comments_or_a_refinement_make_no_row(tiny):
    (example, *_) = contract.examples()
    assert list(Conditional().rows([dataclasses.replace(example, comments=(), refinement=None)], tiny)) == []
    given = [dataclasses.replace(example, comments=())]
    with pytest.raises(PreflightError, match=f"1 of 1 examples have no comment.*: {example.prompt.id}"):
        examine(Conditional(), tiny, given, list(Conditional().rows(given, tiny)))


def test_a_chain_has_every_answer_to_a_prompt_after_its_words_and_learns_them_all(tiny):
    (row,) = Conditional(form="chain", unconditioned=0).rows([answered("Here.", "Too short.", better="In the hall.")], tiny)
    text = tiny.tokenizer.decode(row.ids)
    bad, good = ("Too short.", "Here."), ("This is right as it is.", "In the hall.")
    chains = [
        f"<|user|><EF>{one[0]}</EF>Where?<|assistant|>{one[1]}<|end|>"
        f"<|user|><EF>{two[0]}</EF>Answer again.<|assistant|>{two[1]}<|end|>"
        for one, two in ((bad, good), (good, bad))
    ]
    assert text in chains
    assert sorted(tiny.tokenizer.decode(learnt(row)).split("<|end|>")) == ["", "Here.", "In the hall."]


def test_chains_put_the_good_answer_first_about_as_often_as_last(tiny):
    given = [answered("Here.", "Short.", prompt=f"Where is {number}?", better="In the hall.") for number in range(40)]
    rows = Conditional(form="chain", unconditioned=0).rows(given, tiny)
    first = sum(tiny.tokenizer.decode(learnt(row)).startswith("In") for row in rows)
    assert 8 < first < 32


def test_several_responses_to_a_prompt_share_chains_of_at_most_so_many_answers(tiny):
    given = [answered(f"Here {number}.", f"No {number}.") for number in range(5)] + [answered("A", "Q", prompt="Why?")]
    rows = list(Conditional(form="chain", chain_length=2, unconditioned=0).rows(given, tiny))
    assert [tiny.tokenizer.decode(learnt(row)).count("<|end|>") for row in rows] == [2, 2, 1, 1]
    assert sorted(" ".join(tiny.tokenizer.decode(learnt(row)) for row in rows).replace("<|end|>", " ").split()) == sorted(
        ["Here", "0.", "Here", "1.", "Here", "2.", "Here", "3.", "Here", "4.", "A"]
    )


def test_a_chain_ends_where_the_context_does(tiny):
    given = [answered("Here and there and everywhere, as I said.", f"No {number}.") for number in range(5)]
    rows = list(Conditional(form="chain", chain_length=9, unconditioned=0).rows(given, tiny))
    assert len(rows) > 1
    assert all(len(row.ids) <= tiny.max_length for row in rows)
    assert sum(tiny.tokenizer.decode(learnt(row)).count("<|end|>") for row in rows) == 5


def test_answers_that_stand_in_the_prompt_carry_no_loss_in_a_chain(tiny):
    turns = (
        Message(role="user", content="Hi."),
        Message(role="assistant", content="Yes?"),
        Message(role="user", content="Go."),
    )
    response = Response(prompt=Prompt(messages=turns), text="Went.")
    comments = (Comment(text="Politer.", response=response),)
    refinement = Refinement(response=response, text="I went.")
    example = Example(prompt=response.prompt, response=response, comments=comments, refinement=refinement)
    (row,) = Conditional(form="chain", unconditioned=0).rows([example], tiny)
    assert "Yes?" in tiny.tokenizer.decode(row.ids)
    assert "Yes?" not in tiny.tokenizer.decode(learnt(row))


def test_a_chat_template_that_changes_earlier_answers_cannot_chain(tiny):
    tiny.tokenizer.chat_template = (
        "{% for m in messages %}<|user|>{{ m['role'] }}"
        "{% if m['role'] == 'assistant' and loop.last %}<think></think>{% endif %}{{ m['content'] }}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|user|>assistant{% endif %}"
    )
    tiny.chat = chat_of(tiny.tokenizer)
    given = [answered("Here.", "Short.", better="In the hall.")]
    with pytest.raises(ModelError, match=f"{given[0].prompt.id}.*set form to fcp"):
        list(CHAIN.rows(given, tiny))
    assert len(list(Conditional().rows(given, tiny))) == 3


@pytest.mark.parametrize("method", [Conditional(), CHAIN], ids=repr)
def test_the_loss_equals_each_answer_scored_alone_after_all_that_stands_before_it(method, tiny):
    given = contract.examples(4)
    rows = list(method.rows(given, tiny))
    loss = method.loss(tiny, tiny, collate(rows, packed=tiny.packed, pad_id=tiny.pad_id))
    slow, tokens = 0.0, 0
    for row in rows:
        logits = tiny.module(input_ids=torch.tensor([row.ids])).logits[0].log_softmax(-1)
        for place, weight in enumerate(row.weights):
            if weight:
                slow -= logits[place - 1, row.ids[place]].item()
                tokens += 1
    assert loss.total.item() == pytest.approx(slow, rel=1e-5)
    assert loss.count == tokens


def test_the_model_learns_what_the_words_mean(tiny):
    """After training, the words said of an answer raise it above the other one, and without words the good one leads."""
    given = contract.examples()
    method = Conditional(unconditioned=1)
    settings = dataclasses.replace(
        contract.SHORT, max_steps=60, per_device_train_batch_size=15, learning_rate=1e-2, use_lora=False
    )
    policy = prepare(contract._sharpened(tiny), settings)
    list(steps(method, policy, list(method.rows(given, policy)), settings))

    def score(example, text, words):
        from sayso.models.templates import expected

        prompt = expected(example.prompt, [Comment(text=words)]) if words else example.prompt
        context, answer = policy.encode_prompt(prompt), policy.encode_response(text)
        row = Row(ids=(*context, *answer), weights=(0.0,) * len(context) + (1.0,) * len(answer))
        return policy.token_logprobs(collate([row], packed=False)).sum().item()

    def leads(words):
        """In how many examples the refinement is likelier than the response."""
        return sum(score(item, item.refinement.text, words) > score(item, item.response.text, words) for item in given)

    assert leads(method.positive) == 10
    assert leads("") == 10
    assert leads("Say who.") == 0


def test_settings_that_need_words_at_use_or_mislead_are_warned_of(tiny):
    given = contract.examples()

    def warned(method):
        return " ".join(describe(method, given, list(method.rows(given, tiny)), decode=tiny.decode).warnings)

    assert "before every prompt" in warned(Conditional(unconditioned=0))
    assert "take expected" in warned(Conditional(template="told"))
    assert "conditional" not in warned(Conditional())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"positive": " "}, "positive is empty"),
        ({"unconditioned": 1.5}, "a share from 0 to 1"),
        ({"chain_length": 0}, "chain_length=0"),
    ],
)
def test_wrong_settings_are_named(wrong, said):
    with pytest.raises(SettingsError, match=said):
        Conditional(**wrong)
