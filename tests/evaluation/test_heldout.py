"""Held-out loss of a real tiny model."""

from __future__ import annotations

import math

import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn

from sayso.batches import Batch, Row, row
from sayso.errors import RecordError
from sayso.evaluation.heldout import loss


class Bigram:
    """A model whose next token depends on the last alone, so that its loss can be worked out by hand."""

    pad_id = 0

    def __init__(self, *, packed: bool) -> None:
        self.packed = packed
        self.module = nn.Embedding(4, 4)
        self.batches = 0
        self.graph = False

    def token_logprobs(self, batch: Batch) -> Float[Tensor, " M"]:
        self.batches += 1
        states = self.module(batch.ids).log_softmax(-1).view(-1, 4)  # (B*T, V)
        found = states[batch.where, batch.targets]
        self.graph |= found.requires_grad
        assert not self.module.training
        return found


ROWS = [row([1, 2], [3, 0]), row([1], [2, 2, 3]), row([2], [1])]


def slow(policy: Bigram, rows: list[Row]) -> float:
    table = policy.module.weight.detach().log_softmax(-1)
    pairs = [(item.ids[t - 1], item.ids[t]) for item in rows for t in range(1, len(item.ids)) if item.weights[t]]
    return -sum(float(table[last, token]) for last, token in pairs) / len(pairs)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("max_tokens", [4, 1000])
def test_the_loss_is_that_of_the_targets_one_by_one(*, packed: bool, max_tokens: int) -> None:
    torch.manual_seed(0)
    policy = Bigram(packed=packed)
    found = loss(policy, ROWS, max_tokens=max_tokens)
    assert found.loss == pytest.approx(slow(policy, ROWS), abs=1e-5)
    assert found.tokens == 6
    assert found.perplexity == pytest.approx(math.exp(found.loss))


def test_nothing_of_it_is_kept_for_training() -> None:
    policy = Bigram(packed=True)
    loss(policy, ROWS, max_tokens=4)
    assert policy.batches == 3
    assert not policy.graph
    assert policy.module.training


def test_weights_do_not_count() -> None:
    torch.manual_seed(0)
    policy = Bigram(packed=True)
    assert loss(policy, [row([1], [2, 3], weight=0.5)]).loss == loss(policy, [row([1], [2, 3])]).loss


def test_rows_without_a_target_are_an_error() -> None:
    with pytest.raises(RecordError, match="none of the 1 held-out rows"):
        loss(Bigram(packed=True), [row([1, 2], [])])
