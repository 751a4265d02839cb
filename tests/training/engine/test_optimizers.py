"""Which optimizer updates which weights, and that a curriculum keeps its order."""

from __future__ import annotations

import dataclasses
from itertools import islice

import pytest
import torch

from sayso.errors import SettingsError
from sayso.methods.refine_dpo import RefineDpo
from sayso.methods.refine_sft import RefineSft
from sayso.methods.sft import Sft
from sayso.training.engine import precision
from sayso.training.engine.guard import Anchors
from sayso.training.engine.optimizer import optimizers, trainable
from sayso.training.engine.order import groups_of_step
from sayso.training.settings import Train
from sayso.training.steps import steps

PARAMETERS = {
    "model.embed_tokens.weight": torch.nn.Parameter(torch.zeros(10, 4)),
    "model.layers.0.q_proj.weight": torch.nn.Parameter(torch.zeros(4, 4)),
    "model.layers.0.norm.weight": torch.nn.Parameter(torch.zeros(4)),
    "lm_head.weight": torch.nn.Parameter(torch.zeros(10, 4)),
}


def _names(optimizer: torch.optim.Optimizer) -> set[str]:
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    return {name for name, parameter in PARAMETERS.items() if id(parameter) in held}


def test_adamw_updates_everything_by_default() -> None:
    (only,) = optimizers(PARAMETERS, Train())
    assert isinstance(only, torch.optim.AdamW)
    assert _names(only) == set(PARAMETERS)


def test_muon_takes_the_hidden_matrices_and_leaves_words_and_vectors_to_adamw() -> None:
    muon, adamw = optimizers(PARAMETERS, Train(optim="muon"))
    assert _names(muon) == {"model.layers.0.q_proj.weight"}
    assert _names(adamw) == set(PARAMETERS) - _names(muon)


def test_vectors_are_not_decayed() -> None:
    (only,) = optimizers(PARAMETERS, Train(weight_decay=0.1))
    assert [group["weight_decay"] for group in only.param_groups] == [0.1, 0.0]


@pytest.mark.parametrize("shape", [(8, 8), (4, 16), (16, 4)])
def test_a_step_of_muon_moves_a_matrix_as_far_as_one_of_adamw(shape: tuple[int, int]) -> None:
    moved = {}
    for optim in ("adamw", "muon"):
        weight = torch.nn.Parameter(torch.zeros(shape))
        weight.grad = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        (optimizer, *_) = optimizers({"layer.weight": weight}, Train(optim=optim, adam_beta1=0.0))  # type: ignore[arg-type]
        for group in optimizer.param_groups:
            group["lr"] = 0.01
        optimizer.step()
        moved[optim] = weight.detach().square().mean().sqrt().item()
    # AdamW's first step has size 1 everywhere; Muon's are brought to 0.2, AdamW's usual size later in a run
    assert 0.1 < moved["muon"] / moved["adamw"] < 0.3


def test_rows_in_sequence_come_as_they_are_and_start_anew_each_epoch() -> None:
    settings = Train(per_device_train_batch_size=2, train_sampling_strategy="sequential")
    assert [groups_of_step(step, 5, settings) for step in range(4)] == [[0, 1], [2, 3], [4], [0, 1]]


def test_random_order_sees_every_group_once_an_epoch() -> None:
    settings = dataclasses.replace(Train(per_device_train_batch_size=2), train_sampling_strategy="random")
    assert sorted(number for step in range(3) for number in groups_of_step(step, 5, settings)) == [0, 1, 2, 3, 4]


def _weights(policy) -> list[torch.Tensor]:
    return [item.detach().clone() for item in trainable(policy.module).values()]


@pytest.mark.parametrize("bf16", [False, True])
def test_a_run_of_muon_that_was_stopped_ends_where_it_would_have(ready, rows, tmp_path, bf16):
    settings = Train(optim="muon", bf16=bf16, use_lora=False, max_steps=4, save_steps=1, learning_rate=1e-3)
    straight, stopped = ready(settings), ready(settings)
    list(steps(RefineSft(), straight, rows, settings))
    first = steps(RefineSft(), stopped, rows, settings, folder=tmp_path)
    list(islice(first, 3))
    first.close()
    resumed = ready(settings)
    list(steps(RefineSft(), resumed, rows, settings, folder=tmp_path, resume=True))
    assert all(torch.equal(one, other) for one, other in zip(_weights(straight), _weights(resumed), strict=True))


def test_in_bfloat16_nearly_the_same_is_learnt(ready, rows):
    losses = {}
    for bf16 in (False, True):
        settings = Train(bf16=bf16, use_lora=False, max_steps=3, learning_rate=1e-3)
        losses[bf16] = [step.loss for step in steps(RefineSft(), ready(settings), rows, settings)]
    assert losses[True] != losses[False]
    assert losses[True] == pytest.approx(losses[False], rel=0.02)


def test_bfloat16_is_refused_where_a_model_is_compared_with_its_reference(ready, rows):
    settings = Train(bf16=True, use_lora=False, max_steps=1)
    with pytest.raises(SettingsError, match=r"train\.bf16 .* compare nothing"):
        next(steps(RefineSft(), ready(settings), rows, settings, guard=Anchors(near=rows[:2], out=rows[2:])))


def test_dropout_is_refused_where_noise_would_be_compared(ready, rows):
    settings = Train(dropout=True, max_steps=1)
    with pytest.raises(SettingsError, match=r"train\.dropout .* noise would be compared"):
        next(steps(RefineDpo(), ready(settings), rows, settings))


@pytest.mark.parametrize(("least", "units", "chosen"), [(1, True, True), (1, False, False), (10**9, True, False)])
def test_unset_bfloat16_is_taken_by_a_large_model_where_the_device_has_it(ready, rows, monkeypatch, least, units, chosen):
    monkeypatch.setattr(precision, "LEAST_WEIGHTS", least)
    monkeypatch.setattr(precision, "has_units", lambda _device: units)
    unset = Train(use_lora=False, max_steps=2, learning_rate=1e-3)
    said = dataclasses.replace(unset, bf16=chosen)
    found = [[step.loss for step in steps(Sft(), ready(given), rows, given)] for given in (unset, said)]
    assert found[0] == found[1]


def test_unset_bfloat16_is_not_taken_where_a_model_is_compared_with_its_reference(ready, rows, monkeypatch):
    monkeypatch.setattr(precision, "LEAST_WEIGHTS", 1)
    monkeypatch.setattr(precision, "has_units", lambda _device: True)
    guard, losses = Anchors(near=rows[:2]), []
    for settings in (Train(use_lora=False, max_steps=1), Train(use_lora=False, max_steps=1, bf16=False)):
        losses.append(next(steps(Sft(), ready(settings), rows, settings, guard=guard)).loss)
    assert losses[0] == losses[1]
