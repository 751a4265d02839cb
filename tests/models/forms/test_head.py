"""The log-probability of a target without a second table of logits, beside log_softmax written out."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sayso.models.forms import head

M, H, V = 23, 8, 50


@pytest.fixture
def states() -> torch.Tensor:
    return torch.randn(M, H, generator=torch.Generator().manual_seed(0))


TARGETS = torch.arange(M) * 7 % V
FACTORS = torch.linspace(-1, 2, M)


def linear(*, bias: bool = False, learns: bool = True) -> nn.Linear:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return nn.Linear(H, V, bias=bias).requires_grad_(learns)


def slow(layer: nn.Module, states: torch.Tensor) -> torch.Tensor:
    return torch.log_softmax(layer(states), dim=1).gather(1, TARGETS[:, None]).squeeze(1)


def learnt(found: torch.Tensor, *by: torch.Tensor) -> list[torch.Tensor]:
    return [found.detach(), *torch.autograd.grad((FACTORS * found).sum(), by)]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("cached", [2**18, 4 * V])
@pytest.mark.parametrize("kept", [2**25, 5 * V])
def test_values_and_gradients_are_those_of_log_softmax(states, bias, cached, kept, monkeypatch) -> None:
    monkeypatch.setattr(head, "CACHED_LOGITS", cached)
    monkeypatch.setattr(head, "CHUNK_LOGITS", kept)
    layer = linear(bias=bias)
    states.requires_grad_()
    wanted = learnt(slow(layer, states), states, *layer.parameters())
    found = learnt(head.chunked(layer, V, states, TARGETS), states, *layer.parameters())
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("passing", [2**23, 5 * V])
def test_a_head_that_is_not_trained_gives_the_same_without_keeping_logits(states, passing, monkeypatch) -> None:
    monkeypatch.setattr(head, "PASSING_LOGITS", passing)
    layer = linear(bias=True, learns=False)
    states.requires_grad_()
    found = head.chunked(layer, V, states, TARGETS)
    assert sum(item.numel() for item in found.grad_fn.saved_tensors) == M * H
    for one, other in zip(learnt(found, states), learnt(slow(layer, states), states), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_without_gradients_few_logits_are_held_at_once(states, monkeypatch) -> None:
    monkeypatch.setattr(head, "PASSING_LOGITS", 5 * V)
    layer, held = linear(), []
    layer.register_forward_hook(lambda _layer, _given, logits: held.append(len(logits)))
    with torch.no_grad():
        found = head.chunked(layer, V, states, TARGETS)
        wanted = slow(layer, states)
    assert max(held[:-1]) == 5
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-5)


def test_very_likely_and_very_unlikely_targets_stay_finite() -> None:
    logits = torch.tensor([[1000.0, -1000.0, 0.0], [1000.0, -1000.0, 0.0]])
    found = head.pick(logits, torch.tensor([0, 1]))
    assert found.tolist() == [0.0, -2000.0]


def test_logits_that_are_read_again_are_left_alone(states) -> None:
    layer = linear()
    logits = torch.tanh(layer(states))  # its gradient is computed from its result
    before = logits.detach().clone()
    head.pick(logits, TARGETS, spare=True).sum().backward()
    assert torch.equal(logits, before)
    given = before.clone()
    head.pick(given, TARGETS)
    assert torch.equal(given, before)


def test_a_table_in_bfloat16_is_summed_in_float32(states) -> None:
    layer = linear().bfloat16()
    found = head.chunked(layer, V, states.bfloat16(), TARGETS)
    assert found.dtype == torch.float32
    found.sum().backward()
    assert layer.weight.grad.dtype == torch.bfloat16


def test_a_head_with_something_hung_onto_its_call_is_called(states) -> None:
    layer, called = linear(learns=False), []
    layer.register_forward_pre_hook(lambda *_: called.append(1))
    states.requires_grad_()
    found = learnt(head.chunked(layer, V, states, TARGETS), states)
    for one, other in zip(found, learnt(slow(layer, states), states), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)
    assert len(called) == 2
