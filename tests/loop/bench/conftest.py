"""A benchmark small enough for the tiny model: two comments, a prompt or two, a step."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from sayso.loop.bench import suite
from sayso.loop.bench.running import Job
from sayso.loop.bench.tiers import Tier
from sayso.training.settings import Guard, Train

KNOWN = suite.load()
"""The suite of the package, read once."""
TIER = Tier(
    comments=2, tests=1, seeds=1, drafts=2, anchors=1, candidates=1, curve=(1, 2), sequences=1, sequence_length=2,
    together=(2, 4), sets=1, controls="first", max_new_tokens=3, train=Train(max_steps=1, save_steps=0),
    guard=Guard(rows_per_step=1), draws=200,
)  # fmt: skip
PAIR = {"t00-start-with-genre": "t03-sign-as-manner", "t03-sign-as-manner": "t00-start-with-genre"}
"""Two comments of the suite, each of which stands in for the other."""


@pytest.fixture(scope="session")
def small_suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two comments of the package's suite with two prompts each: read in no time."""
    packed = Path(suite.__file__).parent / suite.FILE
    lines = [json.loads(line) for line in gzip.decompress(packed.read_bytes()).decode("utf-8").splitlines()]
    found = [{**line, "shuffled": PAIR[line["id"]]} for line in lines if line["id"] in PAIR]
    for line in found:
        for side in ("probes", "tests"):
            line[side] = {scope: prompts[:2] for scope, prompts in line[side].items()}
    path = tmp_path_factory.mktemp("suite") / "suite.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in found), encoding="utf-8")
    return path


@pytest.fixture
def job(tmp_path: Path, tiny_folder: Path, small_suite: Path) -> Job:
    """A job on the tiny model, in an empty folder."""
    return Job(
        model=str(tiny_folder), adapter=None, methods=("refine_sft",), tier=TIER, tier_name="quick",
        folder=tmp_path / "takes", suite=small_suite,
    )  # fmt: skip
