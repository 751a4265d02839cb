"""A benchmark small enough for the tiny model: two comments, a few prompts, a step or two."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.loop.bench.running import Job
from sayso.loop.bench.tiers import Tier
from sayso.training.settings import Guard, Train

TIER = Tier(
    comments=2, tests=2, seeds=1, drafts=4, anchors=2, candidates=1, curve=(1, 4), sequences=1, sequence_length=2,
    controls="first", max_new_tokens=6, train=Train(max_steps=1, save_steps=0), guard=Guard(rows_per_step=2), draws=200,
)  # fmt: skip


@pytest.fixture
def job(tmp_path: Path, tiny_folder: Path) -> Job:
    """A job on the tiny model, in an empty folder."""
    return Job(
        model=str(tiny_folder), adapter=None, methods=("refine_sft",), tier=TIER, tier_name="quick",
        folder=tmp_path / "takes",
    )  # fmt: skip
