"""How far two models foretell apart, without a table of either: the same numbers as from whole tables."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sayso.losses.anchoring import divergence
from sayso.models.forms import apart as room
from sayso.models.forms.apart import States, apart


def head(seed: int, *, trained: bool = False, bias: bool = False, dtype: torch.dtype = torch.float32) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(6, 11, bias=bias, dtype=dtype).requires_grad_(trained)


def hidden(seed: int, count: int = 9, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def from_tables(now: States, before: States) -> torch.Tensor:
    with torch.no_grad():
        reference = torch.log_softmax(before.head(before.hidden), dim=1)
    return divergence(reference, torch.log_softmax(now.head(now.hidden), dim=1))


def gradients(far: torch.Tensor, *wanted: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return torch.autograd.grad((far * torch.arange(1.0, len(far) + 1)).sum(), wanted)


@pytest.mark.parametrize("logits", [22, 10_000], ids=["two at a time", "all at once"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("trained", [False, True])
def test_it_is_what_whole_tables_give_and_so_are_its_gradients(monkeypatch, logits, bias, trained):
    monkeypatch.setattr(room, "PASSING_LOGITS", logits)
    monkeypatch.setattr(room, "CACHED_LOGITS", 33)
    before = States(hidden=hidden(1), head=head(1, bias=bias))
    own = head(2, trained=trained, bias=bias)
    now, plain = (States(hidden=hidden(2).requires_grad_(), head=own) for _ in range(2))
    found, wanted = apart(now, before), from_tables(plain, before)
    torch.testing.assert_close(found, wanted)
    for one, other in zip(
        gradients(found, now.hidden, *(own.parameters() if trained else ())),
        gradients(wanted, plain.hidden, *(own.parameters() if trained else ())), strict=True,
    ):  # fmt: skip
        torch.testing.assert_close(one, other)


def test_by_hand_two_words():
    two = nn.Linear(1, 2, bias=False)
    two.weight.data = torch.tensor([[0.0], [1.0]])
    two.requires_grad_(requires_grad=False)
    now = States(hidden=torch.tensor([[0.0]], requires_grad=True), head=two)
    before = States(hidden=torch.tensor([[1.0986123]]), head=two)  # log 3: a quarter and three quarters
    found = apart(now, before)
    assert found.item() == pytest.approx(0.25 * 0.6931472 - 0.25 * 1.3862944 + 0.75 * (0.6931472 - 0.2876821), abs=1e-6)
    (slope,) = torch.autograd.grad(found.sum(), now.hidden)
    assert slope.item() == pytest.approx(0.5 - 0.75), "the difference of the second word's probabilities"


def test_the_same_model_is_nothing_apart():
    own = head(3)
    assert apart(States(hidden=hidden(4), head=own), States(hidden=hidden(4), head=own)).abs().max() < 1e-6


def test_no_targets_are_nothing():
    assert apart(States(hidden=hidden(4, 0), head=head(3)), States(hidden=hidden(4, 0), head=head(3))).shape == (0,)


def test_the_gradient_is_right_in_double_precision(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)  # tables are float32 otherwise
    own, other = head(5, dtype=torch.float64), head(6, dtype=torch.float64)
    before = States(hidden=hidden(6, 3, torch.float64), head=other)

    def far(states: torch.Tensor) -> torch.Tensor:
        return apart(States(hidden=states, head=own), before)

    assert torch.autograd.gradcheck(far, hidden(7, 3, torch.float64).requires_grad_())
