"""`hindsight` with its choices: a contrast with another comment, and the words that comments point at."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tests.contracts import method as contract

from sayso import config
from sayso.batches import collate
from sayso.errors import PreflightError, SettingsError
from sayso.methods.hindsight import Hindsight
from sayso.records import Comment, Example, Message, Prompt, Response, Span, ask, spans_of
from sayso.training.engine.optimizer import prepare
from sayso.training.preflight import examine
from sayso.training.steps import steps

SHUFFLED = Hindsight(contrast="shuffled")
SPANS = Hindsight(where="spans")


def learnt(row):
    return [token for token, weight in zip(row.ids, row.weights, strict=True) if weight]


def said(example, *texts):
    """The example with these comments in place of its own."""
    comments = tuple(Comment(text=text, response=example.response) for text in texts)
    return dataclasses.replace(example, comments=comments)


def varied(count=10):
    """The contract's examples, with comments of three kinds."""
    words = ("Say who.", "Too short.", "Say where.")
    return [said(item, words[number % 3]) for number, item in enumerate(EXAMPLES(count))]


def pointed(text, *quotes, prompt="Where?"):
    """An example whose comments, one a quote, point at words of the response."""
    response = Response(prompt=ask(prompt), text=text)
    comments = []
    for number, quote in enumerate(quotes):
        span = Span(start=text.index(quote), end=text.index(quote) + len(quote), quote=quote)
        comments.append(Comment(text=f"No {number}.", response=response, spans=(span,)))
    return Example(prompt=response.prompt, response=response, comments=tuple(comments))


EXAMPLES = contract.examples


READ = (
    contract.rows_are_repeatable_and_leave_the_examples_alone,
    contract.packing_changes_nothing,
    contract.micro_batching_changes_nothing,
)
"""The checks of the contract that a choice of rows and loss could break."""


@pytest.mark.parametrize("method", [SHUFFLED, Hindsight(contrast="shuffled", where="spans", teacher="live")], ids=repr)
@pytest.mark.parametrize("check", READ, ids=lambda check: check.__name__)
def test_every_choice_holds_the_contract(check, method, tiny_copy, monkeypatch):
    monkeypatch.setattr(contract, "examples", spanned)
    check(method, tiny_copy)


@pytest.mark.slow
def test_a_contrast_is_learnt_to_its_end(tiny):
    """A random model hardly tells two comments apart, so it takes more steps than the contract's thirty."""
    settings = dataclasses.replace(
        contract.SHORT, max_steps=60, per_device_train_batch_size=10, learning_rate=3e-3, use_lora=False
    )
    policy = prepare(contract._sharpened(tiny), settings)
    records = list(steps(SHUFFLED, policy, list(SHUFFLED.rows(varied(), policy)), settings))
    assert records[-1].sums["gap"] < 0.5 * records[0].sums["gap"]


def spanned(count=10):
    """Examples with comments of three kinds that all point at the first word."""
    span = Span(start=0, end=2, quote="It")
    return [
        dataclasses.replace(item, comments=tuple(dataclasses.replace(comment, spans=(span,)) for comment in item.comments))
        for item in varied(count)
    ]


def test_the_third_row_tells_words_that_were_said_of_another_example(tiny):
    given = varied(6)
    rows = list(SHUFFLED.rows(given, tiny))
    assert len(rows) == 18
    for number, example in enumerate(given):
        student, told, other = rows[3 * number : 3 * number + 3]
        assert learnt(student) == learnt(told) == learnt(other) == tiny.encode_response(example.response.text)
        own = example.comments[0].text
        assert own in tiny.decode(told.ids)
        assert own not in tiny.decode(other.ids)
        assert any(comment.text in tiny.decode(other.ids) for item in given for comment in item.comments)


def test_the_other_comment_stays_the_same_whatever_the_order_of_the_examples(tiny):
    given = varied()
    forwards, backwards = list(SHUFFLED.rows(given, tiny)), list(SHUFFLED.rows(given[::-1], tiny))
    groups = [[tuple(rows[first : first + 3]) for first in range(0, 30, 3)] for rows in (forwards, backwards)]
    assert groups[0] == groups[1][::-1]


def test_what_both_were_told_is_left_out_of_the_other(tiny):
    one, two, *_ = EXAMPLES(2)
    given = [said(one, "Say who.", "Shorter."), said(two, "Shorter.", "Politer.")]
    rows = list(SHUFFLED.rows(given, tiny))
    others = [tiny.decode(row.ids) for row in rows[2::3]]
    assert "Politer." in others[0]
    assert "Say who." in others[1]
    assert not any("Shorter." in text for text in others)


def test_where_others_were_told_a_part_of_its_own_words_that_part_is_the_contrast(tiny):
    """So an example that meets none of two standing comments learns what the one adds to the other."""
    one, two, *_ = EXAMPLES(2)
    given = [said(one, "Say who.", "Shorter."), said(two, "Shorter.")]
    rows = list(SHUFFLED.rows(given, tiny))
    assert [part in tiny.decode(rows[2].ids) for part in ("Say who.", "Shorter.")] == [False, True]
    assert [part in tiny.decode(rows[5].ids) for part in ("Say who.", "Shorter.")] == [True, False]


def test_examples_of_which_the_same_was_said_cannot_be_contrasted(tiny):
    with pytest.raises(PreflightError, match=r"of all 5 the same was said: 'Say who\.'; add examples"):
        list(SHUFFLED.rows(EXAMPLES(5), tiny))
    assert list(SHUFFLED.rows([], tiny)) == []


def test_the_contrasted_loss_equals_one_row_at_a_time(tiny):
    rows = list(SHUFFLED.rows(varied(4), tiny))
    reference = tiny.reference()
    with torch.no_grad():
        for parameter in tiny.module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)), alpha=0.05)

    def scores(scorer, row):
        return scorer.token_logprobs(collate([row], packed=False, pad_id=tiny.pad_id)).tolist()

    slow = 0.0
    for first in range(0, len(rows), 3):
        student, told, other = (
            scores(scorer, row) for scorer, row in zip((tiny, reference, reference), rows[first:], strict=False)
        )
        parts = []
        for now, towards, elsewhere in list(zip(student, told, other, strict=True))[2:]:
            advantage = max(-2.0, min(2.0, towards - elsewhere))
            parts.append(-advantage * now if advantage * (towards - now) > 0 else 0.0)
        slow += sum(parts) / len(parts)
    loss = SHUFFLED.loss(tiny, reference, collate(rows, group=3, packed=tiny.packed, pad_id=tiny.pad_id))
    assert loss.total.item() == pytest.approx(slow, abs=1e-4)
    assert loss.count == 4


def test_a_comment_that_does_no_more_than_another_teaches_nothing(tiny):
    rows = list(SHUFFLED.rows(varied(3), tiny))
    same = [rows[first + part] for first in (0, 3, 6) for part in (0, 1, 1)]
    loss = SHUFFLED.loss(tiny, tiny.reference(), collate(same, group=3, packed=True, pad_id=tiny.pad_id))
    loss.total.backward()
    assert loss.sums["gap"] == 0
    assert all(parameter.grad.abs().max() == 0 for parameter in tiny.module.parameters())


@pytest.mark.parametrize(
    ("text", "quotes", "expected"),
    [
        ("In the old town.", ["old"], "old"),
        ("In the old town.", ["the old", "old town"], "the old town"),  # they overlap
        ("In the old town.", ["town", "In"], "Intown"),
        ("在老城里，朋友。", ["老城"], "老城"),  # three bytes a character
        ("Café 😀 now.", ["é", "😀"], "é😀"),
    ],
)
def test_only_the_words_pointed_at_are_learnt(text, quotes, expected, tiny):
    student, told = SPANS.rows([pointed(text, *quotes)], tiny)
    assert tiny.tokenizer.decode(learnt(student)) == tiny.tokenizer.decode(learnt(told)) == expected
    assert student.weights[: len(tiny.encode_prompt(ask("Where?")))] == (0.0,) * len(tiny.encode_prompt(ask("Where?")))


def test_what_stands_first_is_learnt_where_it_is_pointed_at(tiny):
    """`skip_first` does not count into spans."""
    rows = list(SPANS.rows([pointed("In the old town.", "In")], tiny))
    loss = SPANS.loss(tiny, tiny.reference(), collate(rows, group=2, packed=True, pad_id=tiny.pad_id))
    assert loss.count == 1


def test_only_pointed_words_are_targets(tiny):
    rows = list(SPANS.rows([pointed("In the old town.", "old")], tiny))
    batch = collate(rows, group=2, packed=False, pad_id=tiny.pad_id)
    assert tiny.tokenizer.decode(batch.member(0).targets) == "old"


def test_spans_of_other_words_are_left_out_and_an_example_without_any_is_named(tiny):
    good, other = pointed("In the old town.", "old"), pointed("By the river.", "river", prompt="How?")
    stale = dataclasses.replace(other.comments[0].spans[0], quote="lake")
    lost = dataclasses.replace(other, comments=(dataclasses.replace(other.comments[0], spans=(stale,)),))
    foreign = dataclasses.replace(other, comments=good.comments)  # said of another response
    assert spans_of(lost) == spans_of(foreign) == ()
    rows = list(SPANS.rows([good, lost, foreign], tiny))
    assert len(rows) == 2
    with pytest.raises(PreflightError, match=f"1 of 2 examples have no spans.*: {other.prompt.id}"):
        examine(SPANS, tiny, [good, lost], rows)


def test_a_prompt_of_many_turns_keeps_its_earlier_answers_out_of_the_loss(tiny):
    turns = (
        Message(role="user", content="Hi."),
        Message(role="assistant", content="Hello."),
        Message(role="user", content="Where?"),
    )
    response = Response(prompt=Prompt(messages=turns), text="In the old town.")
    span = Span(start=7, end=10, quote="old")
    comments = (Comment(text="Name it.", response=response, spans=(span,)), Comment(text="Politer.", response=response))
    example = Example(prompt=response.prompt, response=response, comments=comments)
    student, told = SPANS.rows([example], tiny)
    assert tiny.tokenizer.decode(learnt(student)) == "old"
    assert "Hello." in tiny.tokenizer.decode(student.ids)
    assert "Name it.\nPoliter." in tiny.tokenizer.decode(told.ids)


def test_spans_of_the_response_do_not_choose_words_of_the_refinement():
    with pytest.raises(SettingsError, match="where: spans learns the words of the response"):
        Hindsight(where="spans", answer="refinement")
    with pytest.raises(SettingsError, match="where: spans learns the words of the response"):
        config.build(Hindsight, {"where": "spans", "answer": "refinement"}, where="method hindsight")
