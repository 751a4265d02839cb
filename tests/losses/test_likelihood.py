"""The likelihood loss against a number worked out by hand, a slow way, and transformers' own."""

from __future__ import annotations

import math

import pytest
import torch

from sayso.losses.likelihood import nll, smoothed


def test_two_tokens_by_hand():
    loss = nll(torch.tensor([0.5, 0.25]).log(), torch.ones(2))
    assert loss.total.item() == pytest.approx(math.log(8))  # -ln 1/2 - ln 1/4
    assert loss.count == 2


def test_a_weight_counts_as_so_many_tokens():
    loss = nll(torch.tensor([0.5, 0.25]).log(), torch.tensor([3.0, 0.5]))
    assert loss.total.item() == pytest.approx(4 * math.log(2))
    assert loss.count == 3.5


def test_it_equals_one_token_at_a_time():
    logits, targets = torch.randn(9, 17), torch.randint(0, 17, (9,))
    weights = torch.rand(9)
    slow = 0.0
    for m in range(9):
        total = sum(math.exp(value) for value in logits[m].tolist())
        slow -= weights[m].item() * (logits[m, targets[m]].item() - math.log(total))
    logprobs = logits.log_softmax(-1)[torch.arange(9), targets]
    assert nll(logprobs, weights).total.item() == pytest.approx(slow, abs=1e-5)


def test_a_wrong_shape_is_named():
    with pytest.raises(Exception, match="weights"):
        nll(torch.zeros(3), torch.zeros(4))


def test_smoothed_targets_are_torchs_own():
    logits, targets = torch.randn(9, 17), torch.randint(0, 17, (9,))
    found = smoothed(logits.log_softmax(-1), targets, torch.ones(9), share=0.1)
    expected = torch.nn.functional.cross_entropy(logits, targets, label_smoothing=0.1, reduction="sum")
    assert found.total.item() == pytest.approx(expected.item(), rel=1e-5)
    plain = nll(logits.log_softmax(-1)[torch.arange(9), targets], torch.ones(9))
    assert found.sums["nll"] == pytest.approx(plain.total.item(), rel=1e-5)
    assert found.count == 9
