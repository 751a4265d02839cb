"""Right for the right reasons: against a number by hand, a slow way, and finite differences through both derivatives."""

from __future__ import annotations

import math

import pytest
import torch

from sayso.losses.rationale import right_reasons


def test_one_input_by_hand():
    # Two classes by one input x: z = 2 x, p = sigmoid(z) = 3/4. d(log p + log(1 - p))/dx = 2 (1 - 2 p) = -1.
    loss = right_reasons(torch.tensor([0.75]).log(), torch.ones(1), torch.tensor([[[-1.0]]]), torch.ones(1, 1), penalty=3.0)
    assert loss.total.item() == pytest.approx(math.log(4 / 3) + 3.0)
    assert loss.count == 1
    assert loss.sums == {"nll": pytest.approx(math.log(4 / 3)), "beside": pytest.approx(1.0)}


def test_marked_words_are_free():
    gradient = torch.tensor([[[1.0, 2.0], [5.0, 5.0]]])
    loss = right_reasons(torch.zeros(1), torch.ones(1), gradient, torch.tensor([[1.0, 0.0]]), penalty=0.5)
    assert loss.total.item() == pytest.approx(2.5)


def _network(words, first, second):
    """(R, T, D) inputs, a hidden layer, the mean over tokens, and log-probabilities of classes (R, K)."""
    return (torch.tanh(words @ first).mean(dim=1) @ second).log_softmax(dim=1)


def _loss(words, first, second, beside, targets, penalty=0.7):
    found = _network(words, first, second)
    (gradient,) = torch.autograd.grad(found.sum(), words, create_graph=True)
    likely = found.gather(1, targets[:, None])[:, 0]
    return right_reasons(likely, torch.ones(len(targets), dtype=found.dtype), gradient, beside, penalty=penalty).total


@pytest.fixture
def drawn():
    generator = torch.Generator().manual_seed(5)

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)

    return normal(2, 3, 4), normal(4, 5), normal(5, 3), torch.tensor([[1.0, 0, 1], [0, 1, 1]]).double(), torch.tensor([2, 0])


def test_it_equals_the_slow_way(drawn):
    words, first, second, beside, targets = drawn
    slow, step = 0.0, 1e-5
    with torch.no_grad():
        for row, target in enumerate(targets.tolist()):
            slow -= float(_network(words, first, second)[row, target])
            for token in range(3):
                for number in range(4):
                    moved = [words.clone(), words.clone()]
                    moved[0][row, token, number] += step
                    moved[1][row, token, number] -= step
                    up, down = (float(_network(item, first, second).sum()) for item in moved)
                    slow += 0.7 * float(beside[row, token]) * ((up - down) / (2 * step)) ** 2
    assert _loss(*drawn).item() == pytest.approx(slow, rel=1e-7)


def test_its_gradient_is_that_of_finite_differences(drawn):
    words, first, second, beside, targets = drawn
    assert torch.autograd.gradcheck(lambda one, two: _loss(words, one, two, beside, targets), (first, second))
