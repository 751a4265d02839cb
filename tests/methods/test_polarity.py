"""Polarity: who is praised and who is blamed, how groups are filled, what a class weighs, what the loss is measured from."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from tests.contracts.method import examples

from sayso.batches import collate
from sayso.errors import PreflightError, SettingsError
from sayso.methods.polarity import BAD, GOOD, MISMATCHED, SPARE, Polarity, verdict
from sayso.records import Comment, Example, Message, Prompt, Refinement, Response, ask

SAID = Response(prompt=ask("Hi?"), text="Hello.")


def said(kind, polarity=None, response=SAID):
    return Comment(text="So.", response=response, kind=kind, polarity=polarity)


@pytest.mark.parametrize(
    ("comments", "good"),
    [
        ((said("keep"),), True),
        ((said("fix"),), False),
        ((said("concern"),), False),
        ((said("question"),), None),
        ((said("question", polarity=1.0),), None),
        ((said("fix", polarity=1.0),), True),
        ((said("concern", polarity=-0.5),), False),
        ((said("keep"), said("question")), True),
        ((said("keep"), said("keep"), said("fix")), False),
        ((said("keep", response=None),), False),
        ((), None),
    ],
)
def test_what_counts_as_praise_and_what_as_blame(comments, good):
    assert verdict(comments) is good


def example(number, kind, refinement=None, prompt=None):
    prompt = prompt or ask(f"Ask {number}.")
    response = Response(prompt=prompt, text=f"Answer {number}.")
    better = refinement and Refinement(response=response, text=refinement)
    return Example(prompt=prompt, response=response, comments=(said(kind, response=response),), refinement=better)


def texts(policy, rows, kind):
    return [policy.tokenizer.decode(row.ids) for row in rows if row.kind == kind]


def shown(prompt, answer):
    return f"<|user|>{prompt}<|assistant|>{answer}<|end|>"


def test_a_group_is_its_responses_then_each_prompt_with_the_next_ones_response(tiny):
    rows = list(Polarity(group_size=3).rows([example(1, "keep"), example(2, "fix"), example(3, "keep")], tiny))
    assert [row.kind for row in rows] == [GOOD, BAD, GOOD, MISMATCHED, MISMATCHED, MISMATCHED]
    assert texts(tiny, rows, BAD) == [shown("Ask 2.", "Answer 2.")]
    assert texts(tiny, rows, MISMATCHED) == [shown(f"Ask {n}.", f"Answer {n % 3 + 1}.") for n in (1, 2, 3)]


def test_a_refinement_counts_as_praised_and_never_meets_its_own_prompt_as_a_mismatch(tiny):
    given = [example(1, "fix", "Better 1."), example(2, "fix", "Better 2.")]
    rows = list(Polarity().rows(given, tiny))
    assert [row.kind for row in rows[:4]] == [BAD, GOOD, BAD, GOOD]
    assert texts(tiny, rows, GOOD) == [shown("Ask 1.", "Better 1."), shown("Ask 2.", "Better 2.")]
    assert texts(tiny, rows, MISMATCHED) == [
        shown("Ask 1.", "Answer 2."),
        shown("Ask 1.", "Better 2."),
        shown("Ask 2.", "Answer 1."),
        shown("Ask 2.", "Better 1."),
    ]
    with pytest.raises(PreflightError, match="all 2 responses are blamed"):
        list(Polarity(refinements=False).rows(given, tiny))


def test_several_responses_to_one_prompt_are_texts_of_their_own(tiny):
    prompt = ask("Ask.")
    given = [example(1, "keep", prompt=prompt), example(2, "fix", prompt=prompt), example(3, "fix")]
    rows = list(Polarity(loss_type="apo_zero_unpaired").rows(given, tiny))
    assert [row.kind for row in rows] == [GOOD, BAD, BAD]
    assert texts(tiny, rows, BAD)[0] == shown("Ask.", "Answer 2.")


def test_earlier_turns_are_context(tiny):
    turns = (Message(role="user", content="A?"), Message(role="assistant", content="B."), Message(role="user", content="C?"))
    rows = list(Polarity().rows([example(1, "keep", prompt=Prompt(messages=turns)), example(2, "fix")], tiny))
    learnt = [token for token, weight in zip(rows[0].ids, rows[0].weights, strict=True) if weight]
    assert learnt == tiny.encode_response("Answer 1.")
    assert tiny.tokenizer.decode(rows[0].ids).startswith("<|user|>A?<|assistant|>B.<|end|><|user|>C?")


def test_the_last_group_is_filled_with_the_first_texts_again_and_they_are_not_learnt(tiny):
    given = [example(n, "keep" if n % 2 else "fix") for n in range(1, 7)]
    method = Polarity(group_size=4, desirable_weight=1.0, undesirable_weight=1.0)
    rows = list(method.rows(given, tiny))
    assert len(rows) == 2 * method.group
    assert [row.kind for row in rows[8:]] == [GOOD, BAD, SPARE, SPARE] + [MISMATCHED] * 4
    assert texts(tiny, rows, SPARE) == [shown("Ask 1.", "Answer 1."), shown("Ask 2.", "Answer 2.")]
    loss = method.loss(tiny, tiny.reference(), collate(rows, group=8, packed=True, pad_id=tiny.pad_id))
    assert loss.count == 6
    assert loss.total.item() == pytest.approx(6 * 0.5)  # at the reference each is 1 - sigma(0)


def test_examples_of_which_nothing_good_or_bad_was_said_make_no_row(tiny):
    given = [example(1, "keep"), example(2, "question"), example(3, "fix"), dataclasses.replace(examples(1)[0], comments=())]
    rows = list(Polarity(loss_type="apo_zero_unpaired", refinements=False).rows(given, tiny))
    assert [row.kind for row in rows] == [GOOD, BAD]


@pytest.mark.parametrize(("kind", "word"), [("keep", "praised"), ("fix", "blamed")])
def test_one_class_alone_is_refused(kind, word, tiny):
    with pytest.raises(PreflightError, match=f"all 3 responses are {word}"):
        list(Polarity().rows([example(n, kind) for n in range(3)], tiny))


@pytest.mark.parametrize(
    ("goods", "bads", "settings", "up", "down"),
    [
        (3, 3, {}, 1.0, 1.0),
        (4, 3, {}, 1.0, 1.0),
        (2, 6, {}, 3.0, 1.0),
        (8, 3, {}, 1.0, 2.0),  # 8 * 1 = 4/3 * 3 * 2
        (2, 6, {"undesirable_weight": 0.5}, 1.5, 0.5),
        (8, 3, {"desirable_weight": 0.5}, 0.5, 1.0),
        (8, 3, {"desirable_weight": 0.25}, 0.25, 2 / 3),
        (8, 3, {"undesirable_weight": 1.0}, 0.5, 1.0),
        (2, 6, {"desirable_weight": 1.0, "undesirable_weight": 1.0}, 1.0, 1.0),
    ],
)
def test_weights_that_are_not_given_follow_the_papers_rule(goods, bads, settings, up, down, tiny):
    given = [example(n, "keep") for n in range(goods)] + [example(n, "fix") for n in range(50, 50 + bads)]
    rows = list(Polarity(**settings).rows(given, tiny))
    for kind, weight in ((GOOD, up), (BAD, down)):
        assert [row.weights[-1] for row in rows if row.kind == kind] == pytest.approx(
            [weight] * (goods if kind == GOOD else bads)
        )
    if not {"desirable_weight", "undesirable_weight"} <= set(settings):
        assert 1 - 1e-9 <= goods * up / (bads * down) <= 4 / 3 + 1e-9


@pytest.mark.parametrize(
    "settings", [{"beta": 0}, {"desirable_weight": -1.0}, {"undesirable_weight": 0.0}, {"group_size": 1}]
)
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(SettingsError, match=next(iter(settings))):
        Polarity(**settings)


def log_ratio(policy, reference, row):
    batch = collate([row], packed=False, pad_id=policy.pad_id)
    return (policy.token_logprobs(batch) - reference.token_logprobs(batch)).sum()


@pytest.mark.parametrize("loss_type", ["kto", "apo_zero_unpaired"])
def test_loss_and_gradient_equal_one_response_at_a_time(loss_type, tiny):
    given = [example(n, "keep" if n % 3 else "fix", f"Better {n}." if n % 2 else None) for n in range(7)]
    method = Polarity(loss_type=loss_type, beta=0.2)
    reference = tiny.reference()
    with torch.no_grad():
        for parameter in tiny.module.parameters():
            parameter.mul_(1.3)
    rows = list(method.rows(given, tiny))
    slow, count, size = torch.zeros(()), 0, method.group
    for group in [rows[first : first + size] for first in range(0, len(rows), size)]:
        apart = [log_ratio(tiny, reference, row).item() for row in group if row.kind == MISMATCHED]
        point = max(0.0, sum(apart) / len(apart)) if apart else 0.0
        for row in group:
            if row.kind not in (GOOD, BAD):
                continue
            count += 1
            sign = 1 if row.kind == GOOD else -1
            slow = slow + row.weights[-1] * (1 - torch.sigmoid(sign * 0.2 * (log_ratio(tiny, reference, row) - point)))
    slow.backward()
    expected = [parameter.grad.clone() for parameter in tiny.module.parameters()]
    tiny.module.zero_grad()
    found = method.loss(tiny, reference, collate(rows, group=size, packed=True, pad_id=tiny.pad_id))
    found.total.backward()
    assert found.count == count == 10
    assert found.total.item() == pytest.approx(slow.item(), abs=1e-4)
    assert math.isfinite(found.sums["point"])
    for parameter, gradient in zip(tiny.module.parameters(), expected, strict=True):
        assert torch.allclose(parameter.grad, gradient, atol=1e-4)
