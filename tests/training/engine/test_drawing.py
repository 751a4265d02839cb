"""Answers drawn while training: which prompts a step takes, what it records, and what it refuses."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tests.contracts.method import examples

from sayso.batches import Drawn, collate
from sayso.errors import PreflightError, SettingsError
from sayso.losses.likelihood import nll
from sayso.losses.loss import Loss
from sayso.methods.hindsight import Hindsight
from sayso.methods.refine_sft import RefineSft
from sayso.training.engine.drawing import Drawing, drawing_of, source
from sayso.training.engine.guard import Anchors
from sayso.training.engine.optimizer import trainable
from sayso.training.settings import Train
from sayso.training.steps import steps

FULL = Train(use_lora=False, max_steps=3, per_device_train_batch_size=4, learning_rate=1e-2, max_grad_norm=0, warmup_ratio=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """A method that `draws` the refinements it is asked for, and says of each step what a test wants."""

    on_policy: bool = True
    nothing: bool = False
    count: float | None = None
    said: list = dataclasses.field(default_factory=list, compare=False, repr=False)
    group, uses_reference, learning_rate, wants = 1, False, 1e-2, frozenset({"refinement"})

    def rows(self, given, policy):
        yield from RefineSft().rows(given, policy)

    def tasks(self, given, policy):
        return list(given)

    def draw(self, policy, tasks, *, step, seed):
        self.said.append((step, seed, [task.prompt.id for task in tasks]))
        rows = () if self.nothing else tuple(self.rows(tasks, policy))
        return Drawn(rows=rows, answers=7, reward=0.25, count=self.count, sums={"told": 3.0})

    def loss(self, policy, reference, batch):
        return nll(policy.token_logprobs(batch), batch.weights)


def weights(policy):
    return {name: item.detach().clone() for name, item in trainable(policy.module).items()}


def test_a_step_takes_the_prompts_that_fixed_rows_would_have_been(ready, tiny):
    method, given = Asked(), examples()
    drawing = steps(method, ready(FULL), source(method, given, tiny), FULL, clock=lambda: 0)
    fixed = steps(RefineSft(), ready(FULL), source(RefineSft(), given, tiny), FULL, clock=lambda: 0)
    for one, other in zip(drawing, fixed, strict=True):
        assert (one.loss, one.grad_norm, one.rows, one.num_steps) == (other.loss, other.grad_norm, other.rows, 3)
        assert (one.answers, one.reward, one.sums) == (7, 0.25, {"told": 3.0})
        assert (other.answers, other.reward) == (0, None)
    assert [(step, seed) for step, seed, _prompts in method.said] == [(0, 0), (1, 0), (2, 0)]
    assert [len(prompts) for _step, _seed, prompts in method.said] == [4, 4, 2]
    assert len({prompt for *_, prompts in method.said for prompt in prompts}) == 10


def test_an_epoch_is_every_prompt_once(ready, tiny):
    settings = dataclasses.replace(FULL, max_steps=0, num_train_epochs=2)
    method = Asked()
    assert next(steps(method, ready(settings), source(method, examples(), tiny), settings)).num_steps == 6


def test_a_method_that_draws_only_when_asked_to_has_rows_otherwise(tiny):
    assert isinstance(source(Hindsight(on_policy=True), examples(), tiny), Drawing)
    assert source(Hindsight(), examples(), tiny) == list(Hindsight().rows(examples(), tiny))
    assert drawing_of(RefineSft(), examples(), tiny) is None


def test_answers_that_were_left_out_count(ready, tiny):
    method = Asked(count=1000.0)
    record = next(steps(method, ready(FULL), source(method, examples(), tiny), FULL))
    plain = Asked()
    other = next(steps(plain, ready(FULL), source(plain, examples(), tiny), FULL))
    tokens = sum(
        sum(row.weights) for row in plain.rows([item for item in examples() if item.prompt.id in plain.said[0][2]], tiny)
    )
    assert record.loss == pytest.approx(other.loss * tokens / 1000, rel=1e-5)
    assert record.grad_norm == pytest.approx(other.grad_norm * tokens / 1000, rel=1e-4)


def test_a_step_without_a_row_leaves_the_weights_and_the_run_goes_on(ready, tiny):
    method, policy = Asked(nothing=True, count=7.0), ready(FULL)
    before = weights(policy)
    records = list(steps(method, policy, source(method, examples(), tiny), FULL))
    assert [(record.loss, record.grad_norm, record.rows, record.answers) for record in records] == [(0.0, 0.0, 0, 7)] * 3
    assert all(torch.equal(before[name], value) for name, value in weights(policy).items())


def test_a_step_without_a_row_still_heeds_the_guard(ready, tiny, rows):
    method, policy = Asked(nothing=True), ready(FULL)
    anchors = Anchors(out=rows[7:], settings=dataclasses.replace(Anchors().settings, kl_share=0))
    record = next(steps(method, policy, source(method, examples(), tiny), FULL, guard=anchors))
    assert record.grad_norm > 0
    assert record.out == pytest.approx(-tiny.token_logprobs(collate(rows[7:], packed=False)).mean().item(), abs=1e-5)


def test_drawn_rows_without_a_target_left_do_not_end_a_run(ready, tiny):
    class Skipping(Asked):
        def loss(self, policy, reference, batch):
            return Loss(total=policy.token_logprobs(batch).sum() * 0, count=0.0)

    method = Skipping()
    assert next(steps(method, ready(FULL), source(method, examples(), tiny), FULL)).loss == 0


def test_a_run_for_other_prompts_is_not_resumed(ready, tiny, tmp_path):
    method = Asked()
    list(steps(method, ready(FULL), source(method, examples(), tiny), FULL, folder=tmp_path))
    with pytest.raises(SettingsError, match="other settings or other rows"):
        next(steps(method, ready(FULL), source(method, examples(9), tiny), FULL, folder=tmp_path, resume=True))


def test_nothing_to_draw_for_is_refused(ready, tiny):
    with pytest.raises(PreflightError, match="no rows to learn from"):
        next(steps(Asked(), ready(FULL), source(Asked(), [], tiny), FULL))


def test_a_padded_model_takes_drawn_rows_by_length(ready, tiny):
    method, policy = Asked(), ready(FULL)
    policy.packed = False
    found = list(steps(method, policy, source(method, examples(), tiny), FULL))
    packed = list(steps(Asked(), ready(FULL), source(Asked(), examples(), tiny), FULL))
    assert [record.loss for record in found] == pytest.approx([record.loss for record in packed], rel=1e-4)
