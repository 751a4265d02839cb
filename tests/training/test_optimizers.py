"""Which optimizer updates which weights, and that a curriculum keeps its order."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from sayso.training.optimizer import optimizers
from sayso.training.order import groups_of_step
from sayso.training.settings import Train

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
