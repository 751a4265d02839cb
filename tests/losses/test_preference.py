"""The preference losses against numbers worked out by hand and a slow way."""

from __future__ import annotations

import math

import pytest
import torch

from sayso.losses.preference import dpo, length_weights


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


def test_apo_down_by_hand():
    # sigma(1) + 1 - sigma(2) = 0.731059 + 1 - 0.880797
    loss = dpo(torch.tensor([-3.0, -7.0]), torch.tensor([-5.0, -5.0]), beta=0.5, loss_type="apo_down")
    assert loss.total.item() == pytest.approx(0.850262, abs=1e-6)


def test_ipo_by_hand():
    # D = 2 over 4 tokens, -2 over 8; (.5 + .25 - 1 / (2 * .5))^2 = .0625
    tokens = torch.tensor([4.0, 8.0])
    loss = dpo(torch.tensor([-3.0, -7.0]), torch.tensor([-5.0, -5.0]), beta=0.5, loss_type="ipo", tokens=tokens)
    assert loss.total.item() == pytest.approx(0.0625)


def test_the_sft_term_can_have_likelihoods_of_its_own():
    sums, said = torch.tensor([-6.0, -1.0]), torch.tensor([-9.0, -1.0])
    loss = dpo(sums, sums, beta=0.1, sft_weight=1.0, tokens=torch.tensor([3.0, 9.0]), likelihoods=said)
    assert loss.total.item() == pytest.approx(math.log(2) + 3)


def slow(loss_type, chosen, rejected, beta, tokens):
    """One pair, in numbers; `chosen` and `rejected` are log ratios."""

    def sigma(x):
        return 1 / (1 + math.exp(-x))

    return {
        "sigmoid": -math.log(sigma(beta * (chosen - rejected))),
        "apo_zero": 1 - sigma(beta * chosen) + sigma(beta * rejected),
        "apo_down": sigma(beta * chosen) + 1 - sigma(beta * (chosen - rejected)),
        "ipo": (chosen / tokens[0] - rejected / tokens[1] - 1 / (2 * beta)) ** 2,
    }[loss_type]


FORMS = ("sigmoid", "apo_zero", "apo_down", "ipo")


@pytest.mark.parametrize("loss_type", FORMS)
def test_it_equals_one_pair_at_a_time(loss_type):
    policy, reference, tokens = torch.randn(10) * 5, torch.randn(10) * 5, torch.randint(1, 9, (10,)).float()
    apart, lengths = (policy - reference).tolist(), tokens.tolist()
    pairs = [(apart[n], apart[n + 1], 0.3, lengths[n : n + 2]) for n in range(0, 10, 2)]
    expected = sum(slow(loss_type, *pair) for pair in pairs)
    found = dpo(policy, reference, beta=0.3, loss_type=loss_type, tokens=tokens)
    assert found.total.item() == pytest.approx(expected, rel=1e-5)
    assert found.count == 5


@pytest.mark.parametrize("loss_type", FORMS)
def test_the_gradient_is_that_of_the_value(loss_type):
    tokens = torch.randint(1, 9, (6,)).double()

    def total(policy):
        return dpo(policy, torch.zeros(6).double(), beta=0.3, loss_type=loss_type, tokens=tokens, sft_weight=0.2).total

    assert torch.autograd.gradcheck(total, (torch.randn(6).double().requires_grad_(),))


def test_tokens_beyond_the_shorter_side_count_alpha():
    row_of = torch.tensor([0, 0, 0, 0, 1, 1, 2, 3, 3])
    assert length_weights(row_of, alpha=0.25).tolist() == [1, 1, 0.25, 0.25, 1, 1, 1, 1, 0.25]
    assert length_weights(row_of, alpha=1.0).tolist() == [1] * 9


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
