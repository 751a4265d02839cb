"""Layers that are computed again for the gradient learn the same, keep less, and are as they were afterwards."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch._dynamo.exc import TorchDynamoException
from torch._dynamo.utils import counters

from sayso.batches import collate
from sayso.errors import SettingsError
from sayso.methods.refine_dpo import RefineDpo
from sayso.methods.refine_sft import RefineSft
from sayso.training.engine.guard import Anchors
from sayso.training.engine.layers import arranged, layers_of
from sayso.training.engine.optimizer import trainable
from sayso.training.settings import Train
from sayso.training.steps import fingerprint, steps

PLAIN = Train(max_steps=3, per_device_train_batch_size=4, learning_rate=1e-2, warmup_ratio=0, lora_dropout=0.1)
AGAIN = dataclasses.replace(PLAIN, gradient_checkpointing=True)


def ran(policy, rows, settings, method=None):
    records = list(steps(method or RefineSft(), policy, rows, settings, clock=lambda: 0))
    return records, {name: item.detach() for name, item in trainable(policy.module).items()}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("use_lora", [True, False])
@pytest.mark.parametrize("method", [RefineSft(), RefineDpo()], ids=["sft", "dpo"])
def test_what_is_learnt_is_equal_to_the_bit(method, use_lora, packed, ready, rows) -> None:
    found = []
    for asked in (PLAIN, AGAIN):
        settings = dataclasses.replace(asked, use_lora=use_lora)
        policy = ready(settings)
        policy.packed = packed
        found.append(ran(policy, rows[: len(rows) // 2 * 2], settings, method))
    assert found[0][0] == found[1][0]
    assert all(torch.equal(value, found[1][1][name]) for name, value in found[0][1].items())


def test_less_is_kept_for_the_gradient(ready, rows) -> None:
    def kept(settings) -> int:
        policy, held = ready(settings), {}
        weights = {item.untyped_storage().data_ptr() for item in policy.module.parameters()}

        def pack(value):
            if value.untyped_storage().data_ptr() not in weights:
                held[value.untyped_storage().data_ptr()] = value
            return value

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value), arranged(policy.module, settings):
            policy.token_logprobs(collate(rows, packed=True))
        return sum(value.untyped_storage().nbytes() for value in held.values())

    assert kept(AGAIN) < 0.5 * kept(PLAIN)


def test_each_layer_is_computed_twice_for_a_gradient_and_once_without(ready, rows) -> None:
    policy, done = ready(AGAIN), []
    found = layers_of(policy.module)
    assert len(found) == 2
    found[0].self_attn.register_forward_hook(lambda *_: done.append(1))
    before = [layer.forward for layer in found]
    with arranged(policy.module, AGAIN):
        with torch.no_grad():
            policy.token_logprobs(collate(rows, packed=True))
        assert len(done) == 1
        policy.token_logprobs(collate(rows, packed=True)).sum().backward()
    assert len(done) == 3
    assert [layer.forward for layer in found] == before


def test_a_model_without_such_layers_says_so() -> None:
    refused = pytest.raises(SettingsError, match="Linear has no layers that can be computed one by one")
    with refused, arranged(torch.nn.Linear(2, 2), AGAIN):
        pass


def test_a_run_is_taken_up_with_or_without_it(rows) -> None:
    assert len({fingerprint(RefineSft(), rows, settings, Anchors()) for settings in (PLAIN, AGAIN)}) == 1


def test_layers_that_cannot_be_compiled_go_on_as_they_come_and_say_so(ready, rows, monkeypatch, caplog) -> None:
    def refuses(_forward, **_named):
        def call(*_given, **_more):
            raise TorchDynamoException("no compiler here")

        return call

    monkeypatch.setattr(torch, "compile", refuses)
    found = ran(ready(PLAIN), rows, dataclasses.replace(PLAIN, torch_compile=True))
    wanted = ran(ready(PLAIN), rows, PLAIN)
    assert found[0] == wanted[0]
    assert len(caplog.messages) == 1
    assert "cannot be compiled here" in caplog.text


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the compiler's own: it looks at gradients of what is no weight
def test_compiled_layers_learn_the_same_within_rounding(ready, rows) -> None:
    compiled = dataclasses.replace(PLAIN, torch_compile=True, use_lora=False)
    wanted = ran(ready(compiled), rows, dataclasses.replace(compiled, torch_compile=False))[0]
    before = counters["stats"]["unique_graphs"]
    found = ran(ready(compiled), rows, compiled)[0]
    assert counters["stats"]["unique_graphs"] > before, "something was compiled"
    for one, other in zip(found, wanted, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-5)
        assert one.grad_norm == pytest.approx(other.grad_norm, rel=1e-4)
