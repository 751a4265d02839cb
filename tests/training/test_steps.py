"""The loop: what a step does to the weights, what it reports, and how it refuses."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from sayso.batches import collate
from sayso.errors import ModelError, PreflightError, SettingsError
from sayso.losses.distillation import kl
from sayso.losses.loss import Loss
from sayso.methods.refine_sft import RefineSft
from sayso.training.engine.guard import Anchors
from sayso.training.engine.optimizer import trainable
from sayso.training.settings import Guard, Train
from sayso.training.steps import steps

FULL = Train(use_lora=False, max_steps=3, per_device_train_batch_size=4, learning_rate=1e-2, max_grad_norm=0, warmup_ratio=0)


def weights(policy):
    return {name: item.detach().clone() for name, item in trainable(policy.module).items()}


def test_a_run_equals_a_loop_written_out_by_hand(ready, rows):
    settings = dataclasses.replace(FULL, per_device_train_batch_size=10, weight_decay=0.1, lr_scheduler_type="constant")
    policy, slow = ready(settings), ready(settings)
    list(steps(RefineSft(), policy, rows, settings))
    named = trainable(slow.module)
    decayed = [item for item in named.values() if item.ndim > 1]
    plain = [item for item in named.values() if item.ndim == 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0}], lr=1e-2)
    for _ in range(3):
        optimizer.zero_grad()
        count = sum(int(sum(row.weights)) for row in rows)
        for row in rows:
            batch = collate([row], packed=False)
            (-slow.token_logprobs(batch).sum() / count).backward()
        optimizer.step()
    for name, value in weights(policy).items():
        assert torch.allclose(value, named[name], atol=1e-4), name


def test_accumulating_is_the_same_as_a_larger_batch(ready, rows):
    found = []
    for size, accumulation in ((8, 1), (2, 4)):
        settings = dataclasses.replace(FULL, per_device_train_batch_size=size, gradient_accumulation_steps=accumulation)
        records = steps(RefineSft(), ready(settings), rows, settings)
        found.append([(record.loss, record.grad_norm) for record in records])
    assert found[0] == found[1]


def test_records_say_where_the_run_is(ready, rows):
    ticks = iter(range(100, 200, 10))
    settings = Train(max_steps=2, per_device_train_batch_size=4, learning_rate=1e-3, warmup_ratio=0)
    first, second = steps(RefineSft(), ready(settings), rows, settings, clock=lambda: next(ticks))
    assert (first.step, first.num_steps, first.rows, first.seconds) == (1, 2, 4, 10)
    assert (second.step, second.seconds) == (2, 20)
    assert first.learning_rate == 1e-3
    assert first.tokens == sum(len(row.ids) for row in rows if row in _rows_of(first, rows, settings))
    assert first.near is None
    assert math.isfinite(first.grad_norm)


def _rows_of(record, rows, settings):
    from sayso.training.engine.order import groups_of_step

    return [rows[group] for group in groups_of_step(record.step - 1, len(rows), settings)]


def test_without_a_rate_the_methods_own_is_used(ready, rows):
    settings = Train(max_steps=1, warmup_ratio=0)
    (record,) = steps(RefineSft(learning_rate=0.125), ready(settings), rows, settings)
    assert record.learning_rate == 0.125


def test_an_anchor_adds_its_own_mean_gradient(ready, rows):
    settings = dataclasses.replace(FULL, max_steps=1, per_device_train_batch_size=4)
    guard = Anchors(
        near=rows[:2], out=rows[5:], settings=Guard(near_weight=0.3, out_weight=0.7, rows_per_step=9, kl_share=0)
    )
    policy = ready(settings)
    record = next(steps(RefineSft(), policy, rows, settings, guard=guard))
    slow = ready(settings)
    expected = torch.zeros(sum(item.numel() for item in trainable(slow.module).values()))
    for part, weight in ((_rows_of(record, rows, settings), 1.0), (rows[:2], 0.3), (rows[5:], 0.7)):
        batch = collate(part, packed=False)
        (-slow.token_logprobs(batch).mean() * weight).backward()
    expected = torch.cat([item.grad.flatten() for item in trainable(slow.module).values()])
    assert record.grad_norm == pytest.approx(expected.norm().item(), rel=1e-4)
    assert record.near == pytest.approx(-slow.token_logprobs(collate(rows[:2], packed=False)).mean().item(), abs=1e-5)
    assert record.out == pytest.approx(-slow.token_logprobs(collate(rows[5:], packed=False)).mean().item(), abs=1e-5)


def test_a_guard_that_is_switched_off_does_nothing(ready, rows):
    off = Anchors(near=rows[:2], out=rows[5:], settings=Guard(enabled=False))
    with_guard = list(steps(RefineSft(), ready(FULL), rows, FULL, guard=off, clock=lambda: 0))
    assert with_guard == list(steps(RefineSft(), ready(FULL), rows, FULL, clock=lambda: 0))


def test_anchors_hold_the_model_on_their_answers(ready, rows):
    settings = dataclasses.replace(FULL, max_steps=20, per_device_train_batch_size=5)
    held = collate(rows[7:], packed=False)
    scores = []
    for guard in (None, Anchors(out=rows[7:], settings=Guard(kl_share=0))):
        policy = ready(settings)
        list(steps(RefineSft(), policy, rows[:5], settings, guard=guard))
        scores.append(policy.token_logprobs(held).mean().item())
    assert scores[1] > scores[0] + 0.1


def test_anchors_by_divergence_keep_whole_distributions_near_what_they_were(ready, rows):
    settings = dataclasses.replace(FULL, max_steps=20, per_device_train_batch_size=5)
    held = collate(rows[7:], packed=False)
    before = ready(settings).distributions(held).detach()
    apart = []
    for guard in (None, Anchors(out=rows[7:])):
        policy = ready(settings)
        list(steps(RefineSft(), policy, rows[:5], settings, guard=guard))
        apart.append(kl(before, policy.distributions(held).detach(), held.weights).total.item())
    assert apart[1] < apart[0] / 2


def test_before_the_first_step_the_divergence_is_nothing_and_adds_no_gradient(ready, rows):
    settings = dataclasses.replace(FULL, max_steps=1, per_device_train_batch_size=4)
    bare = next(steps(RefineSft(), ready(settings), rows, settings))
    guarded = next(steps(RefineSft(), ready(settings), rows, settings, guard=Anchors(out=rows[5:])))
    assert guarded.out == pytest.approx(0, abs=1e-6)
    assert guarded.grad_norm == pytest.approx(bare.grad_norm, rel=1e-4)


class _Broken:
    """A method whose loss is not finite from some call on."""

    group, uses_reference, learning_rate, wants = 1, False, 1e-2, frozenset[str]()

    def __init__(self, good_calls, *, bad=float("nan")):
        self.good_calls, self.bad = good_calls, bad

    def loss(self, policy, reference, batch):
        self.good_calls -= 1
        total = -policy.token_logprobs(batch).sum()
        return Loss(total=total if self.good_calls >= 0 else total * self.bad, count=float(len(batch.targets)))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_names_the_rows_and_changes_nothing(bad, ready, rows):
    policy = ready(FULL)
    run = steps(_Broken(2, bad=bad), policy, rows, FULL)
    next(run), next(run)
    before = weights(policy)
    with pytest.raises(ModelError, match=r"at step 3, on p-\w+ .*learning_rate"):
        next(run)
    assert all(torch.equal(before[name], value) for name, value in weights(policy).items())
    assert all(item.grad is None for item in policy.module.parameters())


def test_rows_whose_every_token_is_left_out_are_named(ready, rows):
    class Nothing(_Broken):
        def loss(self, policy, reference, batch):
            return Loss(total=policy.token_logprobs(batch).sum() * 0, count=0.0)

    with pytest.raises(PreflightError, match="nothing is left to learn from at step 1: p-"):
        next(steps(Nothing(0), ready(FULL), rows, FULL))


def test_the_loop_leaves_the_random_numbers_of_others_alone(ready, rows):
    settings = Train(max_steps=1, lora_dropout=0.5)
    policy = ready(settings)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    list(steps(RefineSft(), policy, rows, settings))
    assert torch.equal(torch.rand(3), expected)


def test_a_model_that_was_not_made_ready_is_refused(tiny, rows):
    with pytest.raises(SettingsError, match="use_lora is True, but the model carries no adapter"):
        next(steps(RefineSft(), tiny, rows, Train()))


def test_only_the_adapter_is_trained(ready, rows):
    settings = Train(max_steps=2, learning_rate=1e-2)
    policy = ready(settings)
    before = {name: item.detach().clone() for name, item in policy.module.named_parameters()}
    list(steps(RefineSft(), policy, rows, settings))
    changed = {name for name, item in policy.module.named_parameters() if not torch.equal(before[name], item)}
    assert changed
    assert all("lora_" in name for name in changed)
