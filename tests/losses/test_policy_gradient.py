"""Policy gradients of rows against numbers worked out by hand, a slow way, numerical gradients, and TRL."""

from __future__ import annotations

import math
from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch

from sayso.losses.policy_gradient import advantage_weighted, clipped, shaped

ROW_OF = torch.tensor([0, 0, 2, 2, 2])  # row 1 has no target
ADVANTAGES = torch.tensor([0.5, 0.5, -1.0, -1.0, -1.0])


def logs(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).log()


def test_a_clipped_surrogate_by_hand():
    old, now = logs(0.5, 0.5, 0.5, 0.5, 0.5), logs(0.7, 0.5, 0.3, 0.5, 0.9)
    # q = 1.4, 1 | .6, 1, 1.8; A = .5: min(.7, .6) = .6, .5; A = -1: min(-.6, -.8) = -.8, -1, min(-1.8, -1.2) = -1.8
    loss = clipped(now, ADVANTAGES.double(), ROW_OF, old=old, clip=0.2)
    assert loss.total.item() == pytest.approx(-(0.6 + 0.5) / 2 + (0.8 + 1 + 1.8) / 3)
    assert loss.count == 2


def test_without_old_probabilities_the_value_is_the_advantage_and_the_gradient_its_pull():
    now = logs(0.7, 0.5, 0.3, 0.5, 0.9).requires_grad_()
    loss = clipped(now, ADVANTAGES.double(), ROW_OF)
    loss.total.backward()
    assert loss.total.item() == pytest.approx(-0.5 + 1)
    assert now.grad.tolist() == pytest.approx([-0.25, -0.25, 1 / 3, 1 / 3, 1 / 3])


def test_a_token_that_was_clipped_pulls_no_more_and_one_that_went_the_wrong_way_does():
    old, now = logs(0.5, 0.5, 0.5, 0.5), logs(0.7, 0.3, 0.3, 0.7).requires_grad_()
    clipped(now, torch.tensor([1.0, 1.0, -1.0, -1.0]).double(), torch.arange(4), old=old).total.backward()
    assert [bool(value) for value in now.grad] == [False, True, False, True]


def test_a_told_answer_is_learnt_by_its_advantage_by_hand():
    now = torch.tensor([-1.0, -3.0, -1.0, -2.0, -3.0])
    loss = advantage_weighted(now, ADVANTAGES, ROW_OF)
    assert loss.total.item() == pytest.approx(0.5 * (1 + 3) / 2 - (1 + 2 + 3) / 3)
    assert loss.count == 2


def test_a_shaped_pull_by_hand():
    now = logs(0.1, 0.4, 0.9, 0.9, 0.9)
    loss = shaped(now, ADVANTAGES.double(), ROW_OF, gamma=0.1)
    assert loss.total.item() == pytest.approx(-0.5 * (0.5 + 0.8) / 2 + 0.9)


def test_a_shaped_pull_is_strongest_where_a_token_has_the_probability_gamma_and_ends_at_nothing():
    now = logs(1e-9, 0.02, 0.1, 0.5, 1.0).requires_grad_()
    shaped(now, torch.ones(5).double(), torch.arange(5), gamma=0.1).total.backward()
    pulls = (-now.grad).tolist()
    assert pulls == pytest.approx([0, 0.1 * 0.02 / 0.12**2, 0.25, 0.1 * 0.5 / 0.36, 0.1 / 1.21], abs=1e-6)
    assert max(pulls) == pulls[2]


def test_when_every_told_answer_succeeds_the_first_ones_baseline_still_pulls():
    first, told = torch.tensor([0.0, 0.0, 1.0, 0.0]), torch.ones(4)
    now = torch.full((4,), -2.0, requires_grad=True)
    advantage_weighted(now, told - told.mean(), torch.arange(4)).total.backward()
    assert now.grad.abs().max() == 0
    advantage_weighted(now, told - first.mean(), torch.arange(4)).total.backward()
    assert now.grad.tolist() == pytest.approx([-0.75] * 4)


def slow(kind, now, advantages, row_of, old):
    total = 0.0
    for number in range(int(row_of.max()) + 1):
        members = [m for m in range(len(now)) if row_of[m] == number]
        losses = []
        for m in members:
            a, p, q = advantages[m].item(), math.exp(now[m].item()), math.exp((now[m] - old[m]).item())
            losses.append(
                {
                    "clipped": -min(q * a, max(min(q, 1.3), 0.7) * a),
                    "advantage_weighted": -a * math.log(p),
                    "shaped": -a * p / (p + 0.2),
                }[kind]
            )
        total += sum(losses) / len(losses) if losses else 0.0
    return total


@pytest.mark.parametrize("kind", ["clipped", "advantage_weighted", "shaped"])
def test_they_equal_one_token_at_a_time_and_their_gradients_numerical_ones(kind):
    generator = torch.Generator().manual_seed(3)
    now, old, advantages = (torch.randn(12, generator=generator, dtype=torch.float64) for _ in range(3))
    now, old = now - 2, old - 2
    row_of = torch.tensor([0] * 5 + [1] * 2 + [3] * 5)
    made = {
        "clipped": lambda values: clipped(values, advantages, row_of, old=old, clip=0.3).total,
        "advantage_weighted": lambda values: advantage_weighted(values, advantages, row_of).total,
        "shaped": lambda values: shaped(values, advantages, row_of, gamma=0.2).total,
    }[kind]
    assert made(now).item() == pytest.approx(slow(kind, now, advantages, row_of, old))
    assert torch.autograd.gradcheck(made, (now.requires_grad_(),))


@pytest.mark.parametrize("with_old", [True, False])
@pytest.mark.filterwarnings("ignore")
def test_the_clipped_surrogate_equals_trls(with_old):
    """TRL's own function on given log-probabilities: only what computes them from a model is replaced."""
    from trl import GRPOTrainer

    generator = torch.Generator().manual_seed(4)
    now, old = (torch.randn(3, 6, generator=generator) * 0.4 - 2 for _ in range(2))
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0]])
    advantages = torch.tensor([0.75, -0.25, -0.5])
    theirs, mine = now.clone().requires_grad_(), now.clone().requires_grad_()
    loss = GRPOTrainer._compute_loss(trainer(theirs), None, {
        "prompt_ids": torch.zeros(3, 1, dtype=torch.long), "prompt_mask": torch.ones(3, 1, dtype=torch.long),
        "completion_ids": torch.zeros(3, 6, dtype=torch.long), "completion_mask": mask, "advantages": advantages,
        **({"old_per_token_logps": old} if with_old else {}),
    })  # fmt: skip
    loss.backward()
    kept = mask.bool()
    row_of = torch.arange(3)[:, None].expand(3, 6)[kept]
    ours = clipped(mine[kept], advantages[row_of], row_of, old=old[kept] if with_old else None)
    (ours.total / ours.count).backward()
    assert (ours.total / ours.count).item() == pytest.approx(loss.item(), abs=1e-5)
    assert torch.allclose(mine.grad, theirs.grad, atol=1e-5)


def trainer(logprobs):
    """Return what TRL's loss reads of its trainer: GRPO's own loss, no divergence, a clip of 0.2, one process."""
    alone = SimpleNamespace(gather=lambda values: values, reduce=lambda values, reduction: values)
    return SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *_args, **_more: (logprobs, torch.zeros_like(logprobs), None),
        top_entropy_quantile=1.0, off_policy_mask_threshold=None, importance_sampling_level="token", beta=0.0,
        loss_type="grpo", epsilon_low=0.2, epsilon_high=0.2, aux_loss_enabled=False, use_vllm=False, accelerator=alone,
        args=SimpleNamespace(delta=None), model=SimpleNamespace(training=True), current_gradient_accumulation_steps=1,
        _entropy_bonus_enabled=False, _metrics={"train": defaultdict(list)},
    )  # fmt: skip
