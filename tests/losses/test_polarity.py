"""The unpaired loss against numbers worked out by hand and a slow way, and the reference point it measures from."""

from __future__ import annotations

import math

import pytest
import torch

from sayso.losses.polarity import kto, reference_point

GOOD, BAD = torch.tensor([True]), torch.tensor([False])


def one(apart, point, desirable, weight=1.0, beta=0.5):
    return kto(torch.tensor([apart]), torch.tensor([point]), desirable, torch.tensor([weight]), beta=beta)


def test_a_praised_response_by_hand():
    # 1 - sigma(.5 (3 - 1)) = 1 / (1 + e) = 0.268941
    loss = one(3.0, 1.0, GOOD)
    assert loss.total.item() == pytest.approx(0.268941, abs=1e-6)
    assert loss.count == 1
    assert loss.sums == {"accuracy": 1.0, "point": 1.0}


def test_a_blamed_response_by_hand():
    # 1 - sigma(.5 (1 - 3)) = e / (1 + e) = 0.731059, three times
    loss = one(3.0, 1.0, BAD, weight=3.0)
    assert loss.total.item() == pytest.approx(3 * 0.731059, abs=1e-5)
    assert loss.sums["accuracy"] == 0


def test_it_equals_one_response_at_a_time():
    apart, point, weights = torch.randn(9) * 4, torch.rand(9), torch.rand(9)
    desirable = torch.arange(9) % 3 > 0
    slow = 0.0
    for n in range(9):
        distance = 0.3 * (apart[n].item() - point[n].item()) * (1 if desirable[n] else -1)
        slow += weights[n].item() * (1 - 1 / (1 + math.exp(-distance)))
    assert kto(apart, point, desirable, weights, beta=0.3).total.item() == pytest.approx(slow, rel=1e-5)


def test_the_gradient_is_that_of_the_value_and_none_reaches_the_point():
    point, weights = torch.rand(5).double().requires_grad_(), torch.rand(5).double()
    desirable = torch.tensor([True, False, True, False, False])

    def total(apart):
        return kto(apart, point, desirable, weights, beta=0.3).total

    apart = torch.randn(5).double().requires_grad_()
    assert torch.autograd.gradcheck(total, (apart,))
    total(apart).backward()
    assert point.grad is None
    assert apart.grad.sign().tolist() == [-1, 1, -1, 1, 1]


def test_the_reference_point_is_the_mean_of_a_group_and_never_below_zero():
    mismatched = torch.tensor([[1.0, 2.0, 6.0], [-5.0, 1.0, 1.0]], requires_grad=True)
    point = reference_point(mismatched)
    assert point.tolist() == [3.0, 0.0]
    assert not point.requires_grad
