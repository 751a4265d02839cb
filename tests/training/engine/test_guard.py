"""The anchors: the model's own answers, as rows."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from sayso.batches import collate
from sayso.losses.distillation import kl
from sayso.losses.likelihood import nll
from sayso.models.writing.sampling import Sampling
from sayso.records import ask
from sayso.training.engine import guard
from sayso.training.engine.guard import Anchors, Known, anchor_rows, own_answers
from sayso.training.engine.order import endless
from sayso.training.engine.remembering import row_key
from sayso.training.settings import Guard


class Counting:
    """A model before training that counts how many rows it is asked about."""

    def __init__(self, model) -> None:
        self.model, self.asked = model, 0

    def distributions(self, batch):
        self.asked += batch.num_rows
        with torch.no_grad():
            return self.model.distributions(batch)


class Showing(Counting):
    """One that shows what its output head reads."""

    def states(self, batch):
        self.asked += batch.num_rows
        with torch.no_grad():
            return self.model.states(batch)


@pytest.fixture
def moved(tiny):
    """A policy that has gone from where it began."""
    policy = copy.deepcopy(tiny)
    with torch.no_grad():
        for number, weight in enumerate(policy.module.parameters()):
            weight.add_(0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(number)))
    return policy


@pytest.fixture
def anchors(tiny):
    rows = anchor_rows(tiny, [(ask(f"Why {number}?"), f"Because {'so ' * number}it is.") for number in range(1, 8)])
    return Anchors(near=rows[:3], out=rows[3:], settings=Guard(rows_per_step=2, near_weight=0.5, kl_share=0.75))


def one_by_one(policy, reference, anchors, step, seed):
    """What a step should add and say, in the plainest way: one anchor after another."""
    said = {}
    for name, rows, weight in anchors.kinds():
        chosen = endless(rows, step=step, size=anchors.settings.rows_per_step, seed=seed)
        count, share = sum(sum(item.weights) for item in chosen), anchors.settings.kl_share
        losses = []
        for item in chosen:
            batch = collate([item], packed=False, pad_id=policy.pad_id)
            now = policy.distributions(batch)
            apart = kl(reference.distributions(batch), now, batch.weights).total
            likely = nll(policy.token_logprobs(batch), batch.weights).total
            losses.append(share * apart + (1 - share) * likely)
        total = torch.stack(losses).sum() / count
        (weight * total).backward()
        said[name] = total.item()
    return said


def gradients(policy):
    return {name: weight.grad for name, weight in policy.module.named_parameters()}


def test_an_anchor_learns_the_models_own_answer_after_its_prompt(tiny):
    prompts = [ask("Why?"), ask("Where to?")]
    pairs = own_answers(tiny, prompts, Sampling(max_new_tokens=5, seed=1))
    assert [prompt for prompt, _ in pairs] == prompts
    assert [text for _, text in pairs] == tiny.generate(prompts, Sampling(max_new_tokens=5, seed=1))
    for made, (prompt, text) in zip(anchor_rows(tiny, pairs), pairs, strict=True):
        context, answer = tiny.encode_prompt(prompt), tiny.encode_response(text)
        assert made.ids == (*context, *answer)
        assert made.weights == (0.0,) * len(context) + (1.0,) * len(answer)
        assert prompt.id in made.label


def test_a_kind_without_rows_or_weight_is_not_used(tiny):
    rows = anchor_rows(tiny, [(ask("Why?"), "So.")])
    assert [name for name, _, _ in Anchors(near=rows, out=rows).kinds()] == ["near", "out"]
    assert [name for name, _, _ in Anchors(out=rows).kinds()] == ["out"]
    assert [name for name, _, _ in Anchors(near=rows, out=rows, settings=Guard(out_weight=0)).kinds()] == ["near"]
    assert Anchors(near=rows, settings=Guard(enabled=False)).kinds() == ()


@pytest.mark.parametrize("kl_share", [0.0, 0.75, 1.0])
@pytest.mark.parametrize("reference", [Counting, Showing])
def test_near_and_out_go_through_the_model_together_and_add_what_they_add_one_by_one(
    tiny, moved, anchors, reference, kl_share
):
    plain, anchors = copy.deepcopy(moved), replace(anchors, settings=replace(anchors.settings, kl_share=kl_share))
    wanted = one_by_one(plain, Counting(tiny), anchors, 2, 7)
    said = guard.backward(moved, reference(tiny), anchors, step=2, seed=7, max_tokens=1000)
    assert said == pytest.approx(wanted, rel=1e-4)
    for name, gradient in gradients(moved).items():
        torch.testing.assert_close(gradient, gradients(plain)[name], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("reference", [Counting, Showing])
def test_the_model_before_training_is_asked_once_about_each_anchor(tiny, moved, anchors, reference):
    before, plain = reference(tiny), copy.deepcopy(moved)
    known = guard.remembered(moved, before, anchors, num_steps=2, max_tokens=40)
    assert before.asked == len(known.rows) == 7
    assert (known.head is not None) == (reference is Showing)
    for step in range(3):
        said = guard.backward(moved, before, anchors, step=step, seed=1, max_tokens=1000, known=known)
        wanted = guard.backward(plain, Counting(tiny), anchors, step=step, seed=1, max_tokens=1000)
        assert said == pytest.approx(wanted, rel=1e-4)
    assert before.asked == 7
    for name, gradient in gradients(moved).items():
        torch.testing.assert_close(gradient, gradients(plain)[name], atol=1e-5, rtol=1e-4)


def test_anchors_that_do_not_all_come_up_are_asked_about_as_they_do(tiny, anchors):
    before = Counting(tiny)
    known = guard.remembered(tiny, before, anchors, num_steps=1, max_tokens=1000)
    assert (known.rows, before.asked) == ({}, 0)
    some = guard.remembered(tiny, Counting(tiny), Anchors(near=anchors.near, settings=Guard()), num_steps=1, max_tokens=1000)
    assert set(some.rows) == {row_key(item) for item in anchors.near}


def test_tables_that_are_too_large_or_find_no_room_are_not_held(tiny, anchors, monkeypatch):
    class Full(Counting):
        def distributions(self, batch):
            raise MemoryError

    assert guard.remembered(tiny, Full(tiny), anchors, num_steps=9, max_tokens=1000) == Known()
    monkeypatch.setattr(guard, "HELD_BYTES", 1000)
    before = Counting(tiny)
    assert guard.remembered(tiny, before, anchors, num_steps=9, max_tokens=40) == Known()
    assert before.asked < 7, "the first of them told how large all would be"


def test_likelihood_alone_asks_no_model_before_training(tiny, anchors):
    held, before = Anchors(near=anchors.near, settings=Guard(kl_share=0)), Counting(tiny)
    assert guard.remembered(tiny, before, held, num_steps=9, max_tokens=1000) == Known()
    guard.backward(tiny, before, held, step=0, seed=0, max_tokens=1000)
    assert before.asked == 0
