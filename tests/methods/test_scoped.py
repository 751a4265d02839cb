"""Scoped: how pairs and answers that hold the model are grouped, and a gradient that is DPO's and the anchors' together."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tests.contracts.method import anchor, examples

from sayso.batches import collate
from sayso.errors import PreflightError, SettingsError
from sayso.methods.refine_dpo import RefineDpo
from sayso.methods.scoped import Scoped
from sayso.training.preflight import examine


def grouped(rows):
    """Return what each group holds: the pair's prompt, and the prompt and kind of each answer beside it."""
    groups = [rows[first : first + 4] for first in range(0, len(rows), 4)]
    assert all([row.kind for row in group[:2]] == ["chosen", "rejected"] for group in groups)
    return [(group[0].label.split()[0], *((row.label.split()[0], row.kind) for row in group[2:])) for group in groups]


def ids(given):
    return [item.prompt.id for item in given]


def test_a_group_is_a_pair_a_near_answer_and_one_out(tiny):
    pairs, near, out = examples(2), [anchor("near", n) for n in range(2)], [anchor("out", n) for n in range(2)]
    rows = list(Scoped().rows([*out, *pairs, *near], tiny))
    expected = [
        (one, (other, "near"), (third, "out")) for one, other, third in zip(ids(pairs), ids(near), ids(out), strict=True)
    ]
    assert grouped(rows) == expected
    said = [tiny.tokenizer.decode(row.ids) for row in rows[:3]]
    assert said[0] == "<|user|>Tell me of dog 0.<|assistant|>Dog 0 ran away.<|end|>"
    assert said[1] == "<|user|>Tell me of dog 0.<|assistant|>It ran away.<|end|>"
    assert said[2] == "<|user|>Sing to the near cow 0.<|assistant|>Moo.<|end|>"


def test_the_shorter_lists_are_gone_round_again_until_the_longest_is_through(tiny):
    pairs, near, out = examples(2), [anchor("near", 0)], [anchor("out", n) for n in range(5)]
    found = grouped(list(Scoped().rows([*pairs, *near, *out], tiny)))
    assert [group[0] for group in found] == [ids(pairs)[n % 2] for n in range(5)]
    assert {group[1] for group in found} == {(near[0].prompt.id, "near")}
    assert [group[2][0] for group in found] == ids(out)


@pytest.mark.parametrize("scope", ["near", "out"])
def test_where_there_is_one_kind_of_answer_a_group_holds_two_of_it(scope, tiny):
    pairs, held = examples(2), [anchor(scope, n) for n in range(5)]
    found = grouped(list(Scoped().rows([*pairs, *held], tiny)))
    told = [name for group in found for name, _kind in group[1:]]
    assert told == [*ids(held), ids(held)[0]]
    assert {kind for group in found for _name, kind in group[1:]} == {scope}


def test_pairs_without_an_answer_to_hold_and_answers_without_pairs_are_refused(tiny):
    for given in (examples(2), [anchor("out", 0)]):
        with pytest.raises(PreflightError, match="needs pairs and something that holds"):
            list(Scoped().rows(given, tiny))


def test_an_answer_that_holds_needs_neither_comment_nor_refinement(tiny):
    given = [*examples(3), anchor("near", 0), anchor("out", 0)]
    rows = list(Scoped().rows(given, tiny))
    examine(Scoped(), tiny, given, rows)
    bare = dataclasses.replace(given[0], refinement=None)
    with pytest.raises(PreflightError, match="1 of 5 examples have no refinement"):
        examine(Scoped(), tiny, [bare, *given[1:]], rows)
    with pytest.raises(PreflightError, match="1 of 5 examples have no response"):
        examine(Scoped(), tiny, [*given[:4], dataclasses.replace(given[4], response=None)], rows)


@pytest.mark.parametrize("settings", [{"near_weight": -1.0}, {"out_weight": -0.1}, {"beta": 0.0}, {"kl_share": 1.5}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(SettingsError, match=next(iter(settings))):
        Scoped(**settings)


def moved(policy):
    """Return the policy's reference, and leave the policy some way from it."""
    reference = policy.reference()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in policy.module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
    return reference


def gradient(policy, loss):
    policy.module.zero_grad()
    loss.backward()
    return [parameter.grad.clone() for parameter in policy.module.parameters()]


def mean_hold(policy, reference, held, kl_share):
    """The anchors' loss one answer, one token and one word of the vocabulary at a time, by transformers' own output."""
    total = torch.zeros(())
    for example in held:
        context, answer = policy.encode_prompt(example.prompt), policy.encode_response(example.response.text)
        given = torch.tensor([context + answer])
        now = policy.module(input_ids=given).logits[0].log_softmax(-1)
        before = reference(input_ids=given).logits[0].log_softmax(-1).detach()
        losses = []
        for place in range(len(context), len(context) + len(answer)):
            nll = -now[place - 1, given[0, place]]
            kl = sum(before[place - 1, v].exp() * (before[place - 1, v] - now[place - 1, v]) for v in range(now.shape[1]))
            losses.append((1 - kl_share) * nll + (kl_share * kl if kl_share else 0))
        total = total + sum(losses) / len(losses)
    return total / len(held)


@pytest.mark.parametrize(
    ("settings", "near", "out"),
    [({}, 3, 3), ({"near_weight": 0.7, "out_weight": 1.5, "kl_share": 0.4, "beta": 0.3}, 3, 3), ({}, 0, 6), ({}, 6, 0)],
    ids=["as published", "with divergence", "out only", "near only"],
)
def test_loss_and_gradient_are_dpos_plus_the_anchors(settings, near, out, tiny, tiny_folder):
    from transformers import AutoModelForCausalLM

    method = Scoped(**settings)
    before = AutoModelForCausalLM.from_pretrained(tiny_folder)
    reference = moved(tiny)
    pairs = examples(3)
    sides = {"near": [anchor("near", n) for n in range(near)], "out": [anchor("out", n) for n in range(out)]}

    plain = RefineDpo(beta=method.beta, sft_weight=0.0)
    slow = plain.loss(tiny, reference, collate(list(plain.rows(pairs, tiny)), group=2, packed=False, pad_id=tiny.pad_id))
    expected = slow.total / slow.count
    for kind, weight in (("near", method.near_weight), ("out", method.out_weight)):
        if sides[kind]:
            expected = expected + weight * mean_hold(tiny, before, sides[kind], method.kl_share)
    wanted = gradient(tiny, expected)

    rows = list(method.rows([*pairs, *sides["near"], *sides["out"]], tiny))
    found = method.loss(tiny, reference, collate(rows, group=4, packed=True, pad_id=tiny.pad_id))
    assert found.count == 3
    assert (found.total / found.count).item() == pytest.approx(expected.item(), abs=1e-5)
    for one, other in zip(gradient(tiny, found.total / found.count), wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_an_anchor_of_no_weight_is_not_scored_and_none_leaves_plain_dpo(tiny):
    reference = moved(tiny)
    given = [*examples(2), anchor("near", 0), anchor("out", 0)]
    plain = RefineDpo(sft_weight=0.0)
    pairs = plain.loss(tiny, reference, collate(list(plain.rows(given[:2], tiny)), group=2, packed=True, pad_id=tiny.pad_id))
    for method, reported in ((Scoped(near_weight=0.0), {"out"}), (Scoped(near_weight=0.0, out_weight=0.0), set())):
        batch = collate(list(method.rows(given, tiny)), group=4, packed=True, pad_id=tiny.pad_id)
        loss = method.loss(tiny, reference, batch)
        assert set(loss.sums) - set(pairs.sums) == reported
        assert (loss.total.item() == pytest.approx(pairs.total.item())) is not bool(reported)
