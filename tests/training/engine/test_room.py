"""Where memory runs out a step is done again on smaller micro-batches, and what is learnt is the same."""

from __future__ import annotations

import copy
import dataclasses
import logging

import pytest
import torch

from sayso.errors import NoRoomError
from sayso.methods.refine_sft import RefineSft
from sayso.training.engine.guard import Anchors
from sayso.training.engine.optimizer import trainable
from sayso.training.settings import Guard, Train
from sayso.training.steps import steps

FULL = Train(use_lora=False, max_steps=3, per_device_train_batch_size=8, learning_rate=1e-3, warmup_ratio=0)
REFUSALS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory: you tried …"),
    MemoryError(),
]


class _Small(torch.autograd.Function):
    """Nothing, or a refusal where more tokens than that come back in the backward pass."""

    @staticmethod
    def forward(ctx, values, refusal):
        ctx.refusal = refusal
        return values.clone()

    @staticmethod
    def backward(ctx, gradient):
        if ctx.refusal:
            raise ctx.refusal
        return gradient, None


def cramped(policy, most, refusal, *, late):
    """Make a policy refuse more than so many tokens at once: before it computes anything, or in the middle of a gradient."""
    whole, asked = policy.form, []

    class Form:
        def __getattr__(self, name):
            return getattr(whole, name)

        def _checked(self, batch):
            tokens = sum(len(item.ids) for item in batch.rows)
            asked.append(tokens)
            if tokens > most and not late:
                raise refusal
            return refusal if tokens > most else None

        def token_logprobs(self, module, batch):
            self._checked(batch)
            return whole.token_logprobs(module, batch)

        def distributions(self, module, batch):
            self._checked(batch)
            return whole.distributions(module, batch)

    form = Form()
    policy.form = form
    if late:  # the last layers have their gradient by then, the first do not
        policy.inner.model.layers[0].register_forward_hook(
            lambda _layer, _given, out: _Small.apply(out, refusal if asked[-1] > most else None)
        )
    return asked


def ran(policy, rows, settings, **more):
    records = list(steps(RefineSft(), policy, rows, settings, clock=lambda: 0, **more))
    return records, {name: item.detach() for name, item in trainable(policy.module).items()}


@pytest.mark.parametrize("refusal", REFUSALS, ids=["device", "processor", "python"])
@pytest.mark.parametrize("late", [False, True], ids=["forward", "backward"])
def test_a_step_that_does_not_fit_is_done_again_in_halves(refusal, late, ready, rows, caplog) -> None:
    most = 2 * max(len(item.ids) for item in rows)
    settings = dataclasses.replace(FULL, max_tokens=8 * most)
    wanted, weights = ran(ready(settings), rows, settings)
    policy = ready(settings)
    asked = cramped(policy, most, refusal, late=late)
    with caplog.at_level(logging.WARNING):
        found, learnt = ran(policy, rows, settings)
    for one, other in zip(found, wanted, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-5)
        assert one.grad_norm == pytest.approx(other.grad_norm, rel=1e-4)
    for name, value in weights.items():
        torch.testing.assert_close(learnt[name], value, atol=2e-5, rtol=0)
    refused = [place for place, tokens in enumerate(asked) if tokens > most]
    assert 1 <= len(refused) == len(caplog.messages) <= 4, "it stays halved"
    assert max(refused) < len(asked) / 2
    assert "train.max_tokens" in caplog.text


def test_the_anchors_are_halved_too_and_the_methods_gradient_stays_right(ready, rows) -> None:
    settings = dataclasses.replace(FULL, per_device_train_batch_size=1, max_tokens=4096)
    guard = Anchors(out=rows, settings=Guard(rows_per_step=8))
    wanted, weights = ran(ready(settings), rows, settings, guard=guard)
    policy = ready(settings)
    asked = cramped(policy, 2 * max(len(item.ids) for item in rows), MemoryError(), late=True)
    found, learnt = ran(policy, rows, settings, guard=guard)
    assert [one.out for one in found] == pytest.approx([one.out for one in wanted], rel=1e-4, abs=1e-6)
    for name, value in weights.items():
        torch.testing.assert_close(
            learnt[name], value, atol=5e-5, rtol=0
        )  # where a gradient is nearly nothing, AdamW magnifies rounding
    assert len(asked) > 2


def test_a_single_group_that_does_not_fit_is_an_error_that_says_what_to_do(ready, rows) -> None:
    settings = dataclasses.replace(FULL, max_tokens=512)
    policy = ready(settings)
    before = copy.deepcopy(policy.module.state_dict())
    cramped(policy, 3, MemoryError(), late=False)
    with pytest.raises(NoRoomError, match=r"do not fit into memory; set train\.gradient_checkpointing to true"):
        ran(policy, rows, settings)
    assert all(torch.equal(value, before[name]) for name, value in policy.module.state_dict().items())
    assert all(item.grad is None for item in policy.module.parameters())


def test_other_failures_are_not_taken_for_want_of_memory(ready, rows) -> None:
    policy = ready(FULL)
    asked = cramped(policy, 3, RuntimeError("mat1 and mat2 shapes cannot be multiplied"), late=False)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        ran(policy, rows, FULL)
    assert len(asked) == 1
