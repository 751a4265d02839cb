"""The hindsight loss against a number worked out by hand, a slow way, and what it must and must not move."""

from __future__ import annotations

import pytest
import torch

from sayso.losses.distillation import contrast, hindsight, kl

ROW_OF = torch.tensor([0, 0, 0, 1, 1])


def test_two_rows_by_hand():
    student = torch.tensor([-1.0, -2.0, -3.0, -4.0, -1.0])
    teacher = torch.tensor([-1.0, -1.5, -4.0, -3.0, -1.0])
    # A = 0, .5, -1 | 1, 0; -A log pi = 0, 1, -3 | 4, 0; means -2/3 and 2
    loss = hindsight(student, teacher, torch.ones(5), ROW_OF)
    assert loss.total.item() == pytest.approx(-2 / 3 + 2)
    assert loss.count == 2
    assert loss.sums["advantage"] == pytest.approx(-0.5 / 3 + 0.5)
    assert loss.sums["gap"] == pytest.approx(1.5 / 3 + 0.5)


def test_the_first_tokens_of_every_row_are_skipped_and_a_short_row_drops_out():
    student = torch.tensor([-1.0, -2.0, -3.0, -4.0, -1.0])
    teacher = student + 1
    loss = hindsight(student, teacher, torch.ones(5), ROW_OF, skip_first=2)
    assert loss.total.item() == pytest.approx(3.0)
    assert loss.count == 1


def test_an_advantage_is_clipped_both_ways():
    student = torch.tensor([-1.0, -9.0, -1.0, -1.0, -1.0])
    teacher = torch.tensor([-9.0, -1.0, -1.0, -1.0, -1.0])
    loss = hindsight(student, teacher, torch.ones(5), ROW_OF, clip=2.0)
    assert loss.total.item() == pytest.approx((-2 * 1 + 2 * 9) / 3)


@pytest.mark.parametrize(("clip", "skip_first"), [(None, 0), (0.5, 1), (None, 3)])
def test_it_equals_one_row_at_a_time(clip, skip_first):
    student, teacher, weights = torch.randn(12) - 3, torch.randn(12) - 3, torch.rand(12)
    row_of = torch.tensor([0] * 5 + [1] * 2 + [3] * 5)  # row 2 has no target
    slow, rows = 0.0, 0
    for number in range(4):
        members = [m for m in range(12) if row_of[m] == number][skip_first:]
        if not members:
            continue
        rows += 1
        gaps = [(teacher[m] - student[m]).item() for m in members]
        gaps = [max(-clip, min(clip, gap)) for gap in gaps] if clip else gaps
        pairs = zip(members, gaps, strict=True)
        slow -= sum(weights[m].item() * gap * student[m].item() for m, gap in pairs) / sum(
            weights[m].item() for m in members
        )
    loss = hindsight(student, teacher, weights, row_of, clip=clip, skip_first=skip_first)
    assert loss.total.item() == pytest.approx(slow, abs=1e-4)
    assert loss.count == rows


def test_a_comment_that_changes_nothing_gives_no_gradient():
    student = torch.randn(5, requires_grad=True)
    hindsight(student, student.detach(), torch.ones(5), ROW_OF).total.backward()
    assert student.grad.abs().max() == 0


def test_only_tokens_on_which_the_teacher_differs_are_moved_and_towards_it():
    student = (torch.randn(5) - 3).requires_grad_()
    teacher = student.detach() + torch.tensor([0.0, 0.7, 0.0, 0.0, -0.7])
    hindsight(student, teacher, torch.ones(5), ROW_OF).total.backward()
    assert student.grad.tolist() == pytest.approx([0.0, -0.7 / 3, 0.0, 0.0, 0.7 / 2])


def test_no_gradient_reaches_the_teacher():
    student, teacher = torch.randn(5, requires_grad=True), torch.randn(5, requires_grad=True)
    hindsight(student, teacher, torch.ones(5), ROW_OF).total.backward()
    assert teacher.grad is None


def test_divergence_of_two_distributions_by_hand():
    reference = torch.tensor([[0.5, 0.5], [0.9, 0.1]]).log()
    policy = torch.tensor([[0.25, 0.75], [0.9, 0.1]]).log()
    # .5 ln 2 + .5 ln(2/3) = .1438; the second has not moved
    loss = kl(reference, policy, torch.tensor([2.0, 1.0]))
    assert loss.total.item() == pytest.approx(2 * 0.14384, abs=1e-4)
    assert loss.count == 3


def test_divergence_moves_the_policy_alone_and_towards_the_reference():
    reference = torch.randn(4, 7, generator=torch.Generator().manual_seed(0)).log_softmax(1).requires_grad_()
    logits = torch.zeros(4, 7, requires_grad=True)
    loss = kl(reference, logits.log_softmax(1), torch.ones(4))
    loss.total.backward()
    assert reference.grad is None
    # the gradient of KL(p_ref || softmax(z)) by z is softmax(z) - p_ref
    assert torch.allclose(logits.grad, torch.full((4, 7), 1 / 7) - reference.detach().exp(), atol=1e-6)


def test_contrast_of_two_rows_by_hand():
    student = torch.tensor([-1.0, -2.0, -3.0, -4.0, -1.0])
    told = torch.tensor([-0.5, -2.5, -1.0, -4.0, -2.0])
    other = torch.tensor([-1.5, -3.5, -1.0, -6.0, -1.5])
    # told - other: 1, 1, 0, 2, -.5; the second and fourth are left out (told is not above the student); clip .75
    loss = contrast(student, told, other, torch.ones(5), ROW_OF, clip=0.75)
    assert loss.total.item() == pytest.approx((0.75 * 1) / 3 + (0.5 * -1) / 2)
    assert loss.count == 2
    # what is left to go: the smaller of .75 and .5, and of .5 and 1
    assert loss.sums == {"advantage": pytest.approx(0.75 / 3 - 0.5 / 2), "gap": pytest.approx(0.5 / 3 + 0.5 / 2)}


@pytest.mark.parametrize(("clip", "skip_first"), [(None, 0), (0.5, 1)])
def test_contrast_equals_one_row_at_a_time(clip, skip_first):
    student, told, other, weights = torch.randn(12), torch.randn(12), torch.randn(12), torch.rand(12)
    row_of = torch.tensor([0] * 5 + [1] * 2 + [3] * 5)
    slow = 0.0
    for number in (0, 1, 3):
        members = [m for m in range(12) if row_of[m] == number][skip_first:]
        for m in members:
            advantage = (told[m] - other[m]).item()
            still = told[m] > student[m] if advantage > 0 else told[m] < student[m]
            if clip:
                advantage = max(-clip, min(clip, advantage))
            slow -= (weights[m].item() * advantage * student[m].item() if still else 0.0) / weights[members].sum().item()
    loss = contrast(student, told, other, weights, row_of, clip=clip, skip_first=skip_first)
    assert loss.total.item() == pytest.approx(slow, abs=1e-4)


def test_what_any_comment_changes_is_not_learnt():
    student = torch.randn(5, requires_grad=True)
    told = student.detach() + torch.tensor([2.0, -2.0, 1.0, 0.0, 3.0])
    contrast(student, told, told.clone(), torch.ones(5), ROW_OF).total.backward()
    assert student.grad.abs().max() == 0


def test_a_contrasted_token_is_moved_no_further_than_the_teacher():
    student = torch.tensor([-3.0, -3.0, -3.0], requires_grad=True)
    told, other = torch.tensor([-2.0, -4.0, -3.5]), torch.tensor([-5.0, -3.0, -4.5])
    contrast(student, told, other, torch.ones(3), torch.zeros(3, dtype=torch.long)).total.backward()
    assert student.grad.tolist() == pytest.approx([-1.0, 1 / 3, 0.0])
    with torch.no_grad():
        student.copy_(told)
    student.grad = None
    contrast(student, told, other, torch.ones(3), torch.zeros(3, dtype=torch.long)).total.backward()
    assert student.grad.abs().max() == 0


@pytest.mark.parametrize("loss", [hindsight, contrast])
def test_the_gradient_of_what_is_held_constant_is_that_of_a_weighted_likelihood(loss):
    """In double precision against finite differences: with the advantages fixed, both are linear in the student."""
    student, told = torch.randn(5, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    others = () if loss is hindsight else (torch.randn(5, dtype=torch.float64),)
    weights = torch.rand(5, dtype=torch.float64)
    grown = student.clone().requires_grad_()
    loss(grown, told, *others, weights, ROW_OF, clip=0.5).total.backward()
    advantage = (told - others[0]) * ((told - others[0]) * (told - student) > 0) if others else told - student

    def fixed(values):
        sizes = torch.stack([weights[number == ROW_OF].sum() for number in (0, 1)])[ROW_OF]
        return -(weights * advantage.clamp(-0.5, 0.5) * values / sizes).sum()

    assert torch.autograd.gradcheck(fixed, student.clone().requires_grad_())
    assert torch.allclose(grown.grad, torch.autograd.functional.jacobian(fixed, student))
