"""The anchor against a number worked out by hand and a slow way."""

from __future__ import annotations

import math

import pytest
import torch

from sayso.losses.anchoring import anchor, divergence

ROW_OF = torch.tensor([0, 0, 0, 2])  # row 1 has no target


def test_two_rows_by_hand():
    # -ln of 1/2, 1/4, 1/8 is 1, 2, 3 times ln 2, on average 2; of 1/2 it is ln 2
    loss = anchor(torch.tensor([0.5, 0.25, 0.125, 0.5]).log(), ROW_OF)
    assert loss.total.item() == pytest.approx(3 * math.log(2))
    assert loss.count == 2


def test_a_share_of_divergence_by_hand():
    logprobs = torch.tensor([0.5, 0.25, 0.125, 0.5]).log()
    loss = anchor(logprobs, ROW_OF, kl_share=0.25, divergence=torch.tensor([1.0, 2.0, 6.0, 5.0]))
    assert loss.total.item() == pytest.approx(0.75 * 3 * math.log(2) + 0.25 * (3 + 5))


def test_divergence_equals_one_target_at_a_time():
    reference, policy = torch.randn(4, 6).log_softmax(1), torch.randn(4, 6).log_softmax(1)
    slow = [
        sum(r.exp().item() * (r - p).item() for r, p in zip(*rows, strict=True))
        for rows in zip(reference, policy, strict=True)
    ]
    assert divergence(reference, policy).tolist() == pytest.approx(slow, abs=1e-5)


def test_the_gradient_is_that_of_the_value_and_none_reaches_the_reference():
    reference = torch.randn(4, 3).double().requires_grad_()

    def total(logits):
        logprobs = logits.log_softmax(1)
        apart = divergence(reference.log_softmax(1), logprobs)
        return anchor(logprobs[:, 0], ROW_OF, kl_share=0.4, divergence=apart).total

    logits = torch.randn(4, 3).double().requires_grad_()
    assert torch.autograd.gradcheck(total, (logits,))
    total(logits).backward()
    assert reference.grad is None
