"""What saves memory or time, in several processes: layers found again, compiled ones, and memory that runs out in one."""

from __future__ import annotations

import dataclasses
import shutil

import pytest
import torch
from tests.contracts.method import examples
from tests.training.engine.test_distributed import CLOSE, SETTINGS, WHOLE, expect_alike, guard
from tests.training.many import Job, said, together, trained

from sayso.methods.sft import Sft

FEW = dataclasses.replace(SETTINGS, max_steps=4)
FEW_WHOLE = dataclasses.replace(WHOLE, max_steps=4)
LITTLE = 70
"""Tokens: one row of the examples fits, and two do not."""


def ways(policy) -> dict[str, tuple[Job, Job]]:
    """Return trainings of two processes, each with what one process does without what is tried."""
    rows = list(Sft().rows(examples(), policy))
    plain = {settings: Job(method=Sft(), settings=settings, rows=rows, guard=guard(policy)) for settings in (FEW, FEW_WHOLE)}

    def way(settings, **changed):
        return dataclasses.replace(plain[settings], settings=dataclasses.replace(settings, **changed)), plain[settings]

    return {
        "found again": way(FEW, gradient_checkpointing=True),
        "found again in shards": way(FEW_WHOLE, gradient_checkpointing=True, fsdp=True),
        "compiled": way(FEW_WHOLE, torch_compile=True),
        "compiled in shards": way(FEW_WHOLE, torch_compile=True, fsdp=True),
        "short of memory": (dataclasses.replace(plain[FEW], cramped=LITTLE), plain[FEW]),
    }


@pytest.mark.slow
def test_two_processes_that_save_memory_or_time_learn_what_one_learns(tiny_folder, tiny, tmp_path):
    shutil.copytree(tiny_folder, tmp_path / "model")
    named = ways(tiny)
    alone = {job.settings: trained(job, tmp_path, number) for number, (_two, job) in enumerate(named.values())}
    torch.save([job for job, _plain in named.values()], tmp_path / "jobs.pt")
    first, second = together("tests.training.many:train", tmp_path)
    for (name, (_job, plain)), found, beside in zip(named.items(), first, second, strict=True):
        expect_alike(found, alone[plain.settings], name, close=1e-4 if "compiled" in name else CLOSE)
        assert found["records"] == beside["records"], name
    asked = second[-1]["asked"]
    refused = [number for number, tokens in enumerate(asked) if tokens > LITTLE]
    assert refused, "memory did run out"
    assert refused[-1] < len(asked) // 2, "and fewer tokens went through at once from then on"


@pytest.mark.slow
def test_memory_that_runs_out_in_shards_ends_all_and_says_what_to_do(tiny_folder, tiny, tmp_path):
    shutil.copytree(tiny_folder, tmp_path / "model")
    job, _plain = ways(tiny)["found again in shards"]
    torch.save([dataclasses.replace(job, cramped=LITTLE)], tmp_path / "jobs.pt")
    found = said(together("tests.training.many:train", tmp_path))
    assert found[0] == found[1]
    assert found[0].startswith("BrokenOffError: process 2: ")
    assert "set train.max_tokens to " in found[0]
