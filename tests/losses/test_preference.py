"""The preference losses against numbers worked out by hand and a slow way."""

from __future__ import annotations

import math

import pytest
import torch

from sayso.losses.preference import dpo


def test_at_the_reference_sigmoid_is_log_two_a_pair():
    sums = torch.tensor([-3.0, -4.0, -1.0, -9.0])
    loss = dpo(sums, sums, beta=0.1)
    assert loss.total.item() == pytest.approx(2 * math.log(2))
    assert loss.count == 2


def test_sigmoid_by_hand():
    # beta (D_chosen - D_rejected) = .5 (2 - (-2)) = 2; -ln sigma(2) = ln(1 + e^-2) = 0.126928
    loss = dpo(torch.tensor([-3.0, -7.0]), torch.tensor([-5.0, -5.0]), beta=0.5)
    assert loss.total.item() == pytest.approx(0.126928, abs=1e-6)
    assert loss.sums == {"margin": pytest.approx(2.0), "accuracy": 1.0}


def test_apo_zero_by_hand():
    # 1 - sigma(1) + sigma(-1) = 2 sigma(-1) = 2 / (1 + e) = 0.537883
    loss = dpo(torch.tensor([-3.0, -7.0]), torch.tensor([-5.0, -5.0]), beta=0.5, loss_type="apo_zero")
    assert loss.total.item() == pytest.approx(0.537883, abs=1e-6)


def test_the_sft_term_averages_over_each_chosen_response():
    sums = torch.tensor([-6.0, -1.0, -2.0, -1.0])
    loss = dpo(sums, sums, beta=0.1, sft_weight=0.5, tokens=torch.tensor([3.0, 9.0, 1.0, 9.0]))
    assert loss.total.item() == pytest.approx(2 * math.log(2) + 0.5 * (6 / 3 + 2 / 1))
    assert loss.sums["sft"] == pytest.approx(4.0)


@pytest.mark.parametrize("loss_type", ["sigmoid", "apo_zero"])
def test_it_equals_one_pair_at_a_time(loss_type):
    policy, reference = torch.randn(10) * 5, torch.randn(10) * 5
    slow = 0.0
    for pair in range(5):
        chosen, rejected = (0.3 * (policy[2 * pair + n] - reference[2 * pair + n]).item() for n in (0, 1))
        if loss_type == "sigmoid":
            slow += math.log1p(math.exp(-(chosen - rejected)))
        else:
            slow += 1 - 1 / (1 + math.exp(-chosen)) + 1 / (1 + math.exp(-rejected))
    assert dpo(policy, reference, beta=0.3, loss_type=loss_type).total.item() == pytest.approx(slow, rel=1e-5)


def test_a_far_away_pair_stays_finite():
    policy = torch.tensor([-5000.0, 0.0], requires_grad=True)
    loss = dpo(policy, torch.zeros(2), beta=1.0)
    loss.total.backward()
    assert loss.total.item() == pytest.approx(5000.0)
    assert policy.grad.tolist() == [-1.0, 1.0]


def test_the_reference_gets_no_part_in_apo_zeros_direction():
    policy = torch.zeros(2, requires_grad=True)
    dpo(policy, torch.zeros(2), beta=0.4, loss_type="apo_zero").total.backward()
    assert policy.grad.tolist() == pytest.approx([-0.1, 0.1])  # beta sigma(0) (1 - sigma(0))
