"""The losses that push words down against numbers worked out by hand, slow ways, and their own derivatives."""

from __future__ import annotations

import math

import pytest
import torch

from sayso.losses.unlikelihood import NEAREST, cut, edited, log1mexp, unlikelihood


def test_log1mexp_by_hand_on_both_sides_of_one_half():
    found = log1mexp(torch.tensor([0.25, 0.5, 0.75]).log())
    assert found.tolist() == pytest.approx([math.log(0.75), math.log(0.5), math.log(0.25)], abs=1e-6)


@pytest.mark.parametrize("logprob", [-1e-3, -2e-4, -0.6931, -0.6932, -5.0, -30.0, -90.0])
def test_log1mexp_loses_no_digits(logprob):
    exact = math.log1p(-math.exp(logprob)) if logprob < -0.5 else math.log(-math.expm1(logprob))
    assert log1mexp(torch.tensor([logprob], dtype=torch.float64)).item() == pytest.approx(exact, rel=1e-12)
    assert log1mexp(torch.tensor([logprob])).item() == pytest.approx(exact, rel=1e-3)


def test_a_certain_word_has_a_finite_loss_and_an_impossible_one_none():
    logprobs = torch.tensor([0.0, -1e-9, -math.inf], requires_grad=True)
    value = log1mexp(logprobs)
    value.sum().backward()
    assert value.tolist() == pytest.approx([-10.21, -10.21, 0.0], abs=0.01)
    assert logprobs.grad.tolist() == pytest.approx([-9999.5, -9999.5, 0.0], abs=0.1)


def test_the_derivatives_are_right_on_the_curve_and_on_the_line():
    logprobs = torch.tensor([-3.0, -0.7, -0.69, -0.01, -0.5 * NEAREST], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(log1mexp, (logprobs,), eps=1e-7, atol=1e-3)


def test_the_gradient_by_the_logits_is_never_larger_than_the_probability():
    for confidence in (0.0, 1.0, 4.0, 8.0, 12.0, 16.0, 40.0, 100.0):
        logits = torch.zeros(1, 50)
        logits[0, 3] = confidence
        logits.requires_grad_()
        logprobs = logits.log_softmax(1)[:, 3]
        unlikelihood(logprobs, torch.ones(1)).total.backward()
        probability = logprobs.exp().item()
        assert torch.isfinite(logits.grad).all()
        assert 0 <= logits.grad[0, 3].item() <= probability * 1.002
        assert logits.grad[0, 3].item() == pytest.approx(probability, rel=2e-3) or -logprobs.item() < NEAREST


def test_two_words_pushed_down_by_hand():
    # -ln(1 - 1/2) - 2 ln... : weights 1 and 2, p 1/2 and 1/4: ln 2 + 2 ln(4/3) = 1.268511
    loss = unlikelihood(torch.tensor([0.5, 0.25]).log(), torch.tensor([1.0, 2.0]))
    assert loss.total.item() == pytest.approx(1.268511, abs=1e-5)
    assert loss.count == 3
    assert loss.sums == {"pushed": 3.0}


def test_the_gate_leaves_improbable_words_alone_but_counts_them():
    logprobs = torch.tensor([-0.5, -0.7], requires_grad=True)
    loss = unlikelihood(logprobs, torch.ones(2), gate=0.6)
    loss.total.backward()
    assert loss.count == 2
    assert loss.sums["pushed"] == 1.0
    # p / (1 - p) at p = e^-.5 is 1.541494
    assert logprobs.grad.tolist() == pytest.approx([1.541494, 0.0], abs=1e-5)


def test_a_step_against_the_gradient_makes_the_word_less_probable():
    logits = torch.randn(6, 11, requires_grad=True)
    before = logits.log_softmax(1)[:, 4]
    unlikelihood(before, torch.ones(6)).total.backward()
    assert ((logits - 0.5 * logits.grad).log_softmax(1)[:, 4] < before).all()


def test_edits_by_hand():
    # raised: 2 * ln 2; lowered: .5 * ln(4/3) gated out at gate .6, kept without a gate
    logprobs, weights = torch.tensor([0.5, 0.25]).log(), torch.tensor([2.0, -0.5])
    assert edited(logprobs, weights).total.item() == pytest.approx(2 * math.log(2) + 0.5 * math.log(4 / 3), abs=1e-6)
    gated = edited(logprobs, weights, gate=0.6)
    assert gated.total.item() == pytest.approx(2 * math.log(2), abs=1e-6)
    assert (gated.count, gated.sums) == (2.5, {"pushed": 0.0})


@pytest.mark.parametrize("gate", [None, 0.6, 2.0])
def test_edits_equal_one_token_at_a_time(gate):
    logits, targets, weights = torch.randn(40, 5), torch.randint(0, 5, (40,)), torch.randn(40)
    slow = size = pushed = 0.0
    for m in range(40):
        probability = math.exp(logits[m, targets[m]]) / sum(math.exp(value) for value in logits[m].tolist())
        weight = weights[m].item()
        size += abs(weight)
        if weight > 0:
            slow -= weight * math.log(probability)
        elif gate is None or -math.log(probability) < gate:
            slow += weight * math.log(1 - probability)
            pushed -= weight
    loss = edited(logits.log_softmax(1)[torch.arange(40), targets], weights, gate=gate)
    assert loss.total.item() == pytest.approx(slow, rel=1e-5)
    assert loss.count == pytest.approx(size, rel=1e-5)
    assert loss.sums["pushed"] == pytest.approx(pushed, rel=1e-5)


def test_the_derivatives_of_edits_are_right():
    weights = torch.tensor([1.0, 0.2, -0.5, -0.5], dtype=torch.float64)
    logprobs = torch.tensor([-1.0, -3.0, -0.3, -0.9], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda given: edited(given, weights, gate=0.6).total, (logprobs,))


def test_cut_by_hand():
    # p = 1/2, 1/4 and q = 3/4, 1/4: the first ratio is 1.5 > 1.2, the second 1.
    # l = -.5 ln(1/2) = .346574 and -ln(1/4) = 1.386294; -ln q = .287682 and 1.386294; half of all = 1.703422
    plain, told = torch.tensor([0.5, 0.25]).log(), torch.tensor([0.75, 0.25]).log()
    loss = cut(plain, told, torch.ones(2), torch.tensor([True, True]), threshold=1.2, alpha=0.5)
    assert loss.total.item() == pytest.approx(1.703422, abs=1e-5)
    assert loss.count == 2
    assert loss.sums["pushed"] == 1.0


@pytest.mark.parametrize(("faulty", "threshold"), [(True, 1e9), (False, 1.0)], ids=["threshold never met", "praised"])
def test_cut_without_a_wrong_token_is_the_mean_of_two_likelihoods(faulty, threshold):
    plain, told = torch.randn(8) - 3, torch.randn(8) - 3
    loss = cut(plain, told, torch.ones(8), torch.full((8,), faulty), threshold=threshold, alpha=1.0)
    assert loss.total.item() == pytest.approx(-(plain.sum() + told.sum()).item() / 2, rel=1e-5)
    assert loss.sums["pushed"] == 0


@pytest.mark.parametrize(("threshold", "alpha"), [(1.1, 1.0), (1.2, 0.5), (3.0, 0.1)])
def test_cut_equals_one_token_at_a_time(threshold, alpha):
    plain, told, weights, faulty = torch.rand(30), torch.rand(30), torch.rand(30), torch.rand(30) < 0.7
    slow = 0.0
    for p, q, w, bad in zip(plain.tolist(), told.tolist(), weights.tolist(), faulty.tolist(), strict=True):
        wrong = bad and q / p > threshold
        slow += w * 0.5 * (-math.log(q) + (-alpha * math.log(1 - p) if wrong else -math.log(p)))
    loss = cut(plain.log(), told.log(), weights, faulty, threshold=threshold, alpha=alpha)
    assert loss.total.item() == pytest.approx(slow, rel=1e-5)


def test_the_derivatives_of_cut_are_right_by_both_readings():
    plain = torch.tensor([-1.0, -0.2, -2.0], dtype=torch.float64, requires_grad=True)
    told = torch.tensor([-0.5, -0.9, -1.0], dtype=torch.float64, requires_grad=True)
    weights, faulty = torch.ones(3, dtype=torch.float64), torch.tensor([True, True, False])

    def total(one, other):
        return cut(one, other, weights, faulty, threshold=1.2, alpha=0.5).total

    assert torch.autograd.gradcheck(total, (plain, told))


def test_the_ratio_itself_carries_no_gradient():
    plain, told = torch.tensor([-1.0], requires_grad=True), torch.tensor([-0.5], requires_grad=True)
    cut(plain, told, torch.ones(1), torch.tensor([True]), threshold=1.2, alpha=1.0).total.backward()
    assert told.grad.item() == pytest.approx(-0.5)  # of half its likelihood alone
    assert plain.grad.item() == pytest.approx(0.5 * 0.581977, abs=1e-5)  # half p / (1 - p)
