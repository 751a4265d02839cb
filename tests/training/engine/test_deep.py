"""DeepSpeed shards what one process would hold, and the losses, weights and checkpoints are those of one process."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import shutil
import sys
import types

import pytest
import torch
from tests.contracts.method import examples
from tests.training.engine.test_distributed import SETTINGS, WHOLE, expect_alike, guard
from tests.training.many import Job, together, trained

from sayso.errors import MissingExtraError, SettingsError
from sayso.methods.refine_dpo import RefineDpo
from sayso.methods.scoped import Scoped
from sayso.methods.sft import Sft
from sayso.training.engine import deep
from sayso.training.engine.place import Place
from sayso.training.steps import steps

HERE = importlib.util.find_spec("deepspeed") is not None
FEW = dataclasses.replace(WHOLE, max_steps=8, save_steps=3)
CLOSE = 5e-5
"""DeepSpeed divides more often than we do, and where a gradient is next to nothing AdamW makes much of rounding."""
ADAPTER = dataclasses.replace(SETTINGS, max_steps=8)


def asked(stage: int) -> dict[str, str]:
    """Return what accelerate's launcher says."""
    return {"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": str(stage), "DS_ACCELERATOR": "cpu"}


def jobs(policy) -> dict[str, Job]:
    """Return the trainings that DeepSpeed does beside one process."""
    method, given, held = RefineDpo(), examples(), guard(policy)
    learnt, pairs = list(Sft().rows(given, policy)), list(method.rows(given, policy))
    return {
        "stage 1": Job(method=Sft(), settings=FEW, rows=learnt, guard=held, environ=asked(1)),
        "stage 2": Job(method=Sft(), settings=FEW, rows=learnt, guard=held, environ=asked(2)),
        "stage 3": Job(method=Sft(), settings=FEW, rows=learnt, guard=held, environ=asked(3)),
        "an adapter": Job(method=Sft(), settings=ADAPTER, rows=learnt, guard=held, environ=asked(2)),
        "pairs": Job(method=method, settings=FEW, rows=pairs, guard=held, environ=asked(3)),
        "layers found again": Job(
            method=Sft(), settings=dataclasses.replace(FEW, gradient_checkpointing=True), rows=learnt, environ=asked(3)
        ),
    }


@pytest.mark.slow
@pytest.mark.skipif(not HERE, reason="deepspeed is not installed")
def test_deepspeed_learns_what_one_process_learns_and_goes_on_with_what_one_began(tiny_folder, tiny, tmp_path):
    shutil.copytree(tiny_folder, tmp_path / "model")
    named = jobs(tiny)
    alone = {name: trained(job, tmp_path, number) for number, (name, job) in enumerate(named.items())}
    moved = {
        f"stage {stage}, {way}": dataclasses.replace(named[f"stage {stage}"], folder=f"{stage} {way}", stop=4)
        for stage in (2, 3)
        for way in ("there", "back")
    }
    begun = {name: trained(job, tmp_path, 0) for name, job in moved.items() if "there" in name}
    jobs_of_two = [*named.values()] + [
        dataclasses.replace(job, stop=0 if "there" in name else 4) for name, job in moved.items()
    ]
    torch.save(jobs_of_two, tmp_path / "jobs.pt")
    first, second = together("tests.training.many:train", tmp_path)
    for (name, expected), found, beside in zip(alone.items(), first, second, strict=False):
        expect_alike(found, expected, name, close=CLOSE)
        assert found["records"] == beside["records"], name
        assert all(torch.equal(value, beside["weights"][part]) for part, value in found["weights"].items()), name
    for (name, job), found in zip(moved.items(), first[len(named) :], strict=True):
        there = "there" in name
        before = begun[name] if there else found
        after = found if there else trained(dataclasses.replace(job, stop=0), tmp_path, 0)
        assert [record["step"] for record in after["records"]] == [5, 6, 7, 8], name
        expect_alike(
            {**after, "records": before["records"] + after["records"]}, alone[name.partition(",")[0]], name, close=CLOSE
        )


@pytest.fixture
def launched(monkeypatch):
    """DeepSpeed as a launcher asks for it, without the library."""
    fake = types.ModuleType("deepspeed")
    fake.DeepSpeedEngine = type("DeepSpeedEngine", (), {"managed_gradient_accumulation": None})
    fake.__version__ = "0.19.8"
    monkeypatch.setitem(sys.modules, "deepspeed", fake)
    for name, value in asked(2).items():
        monkeypatch.setenv(name, value)
    return fake


def test_a_training_says_what_deepspeed_is_to_do(launched, monkeypatch, tmp_path):
    found = deep.configuration(FEW)
    assert found["zero_optimization"]["stage"] == 2
    assert found["gradient_clipping"] == FEW.max_grad_norm
    assert not found["managed_gradient_accumulation"]
    assert deep.settled(FEW).bf16 is False
    given = {"zero_optimization": {"stage": 3, "reduce_bucket_size": "auto"}, "train_batch_size": "auto"}
    (tmp_path / "deep.json").write_text(json.dumps(given))
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_CONFIG_FILE", str(tmp_path / "deep.json"))
    found = deep.configuration(FEW)
    assert found["zero_optimization"]["stage"] == 3
    assert "reduce_bucket_size" not in found["zero_optimization"]
    assert "train_batch_size" not in found


@pytest.mark.parametrize(
    ("given", "changed", "said"),
    [
        ({"zero_optimization": {"stage": 0}}, {}, "ZeRO stage 0"),
        ({"zero_optimization": {"stage": 2}, "optimizer": {"type": "AdamW"}}, {}, "says optimizer"),
        ({"zero_optimization": {"stage": 2}, "fp16": {"enabled": True}}, {}, "says fp16"),
        ({"train_batch_size": 3}, {}, "cannot be used"),
        ({"zero_optimization": {"stage": 3}}, {"use_lora": True}, "all weights"),
        ({"zero_optimization": {"stage": 2}}, {"fsdp": True}, "train.fsdp"),
        ({"zero_optimization": {"stage": 2}}, {"bf16": True}, "float32"),
        ({"zero_optimization": {"stage": 2}}, {"optim": "muon"}, "AdamW"),
    ],
)
def test_what_deepspeed_is_not_to_do_is_said(launched, monkeypatch, tmp_path, given, changed, said):
    (tmp_path / "deep.json").write_text(json.dumps(given))
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_CONFIG_FILE", str(tmp_path / "deep.json"))
    with pytest.raises(SettingsError, match=said):
        deep.configuration(dataclasses.replace(FEW, **changed))


def test_a_deepspeed_that_cannot_do_it_or_is_not_there_is_said(launched, monkeypatch):
    del launched.DeepSpeedEngine.managed_gradient_accumulation
    with pytest.raises(SettingsError, match=r"0\.19\.8 is too old"):
        deep.configuration(FEW)
    monkeypatch.setitem(sys.modules, "deepspeed", None)
    with pytest.raises(MissingExtraError, match=r"pip install deepspeed.*train\.fsdp=true"):
        deep.configuration(FEW)


def test_deepspeed_with_one_process_is_refused(launched, tiny):
    with pytest.raises(SettingsError, match="with one process"):
        next(steps(Sft(), tiny, list(Sft().rows(examples(), tiny)), FEW))


def test_a_method_that_asks_for_each_kind_by_itself_is_refused(monkeypatch):
    monkeypatch.setattr(deep.distributed, "here", lambda: Place(rank=0, size=2))
    with pytest.raises(SettingsError, match="wait for ever"):
        deep.expect_possible(Scoped())
    deep.expect_possible(Sft())
