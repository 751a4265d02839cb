"""On the model that comes with sayso: real comments take, shuffled ones do not, and a model broken on purpose is flagged."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from sayso.loop import demo
from sayso.loop.bench import results, running, suite
from sayso.loop.bench.running import Job
from sayso.loop.bench.tiers import TIERS


def job(folder: Path, *methods: str) -> Job:
    tier = replace(TIERS["quick"], comments=2, candidates=1, curve=(), sequences=0, controls="shuffled")
    return Job(model=str(demo.model()), adapter=None, methods=methods, tier=tier, tier_name="quick", folder=folder)


def seen_first(folder: Path) -> Path:
    """The suite in another order: first what the model's own training has; big letters, say, no text of it has."""
    lines = gzip.decompress((files("sayso.loop.bench") / suite.FILE).read_bytes()).decode("utf-8").splitlines()
    path = folder / "suite.jsonl"
    path.write_text("\n".join(sorted(lines, key=lambda line: json.loads(line)["unseen"])), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_real_comment_gains_and_a_shuffled_one_does_not(tmp_path: Path) -> None:
    asked = replace(job(tmp_path / "takes", "refine_sft", "refine_dpo"), suite=seen_first(tmp_path))
    found = {row["name"]: row for row in results.measure(asked, running.run(asked))["conditions"]}
    for method in asked.methods:
        gain, shuffled = (found[name]["figures"]["gain"][0] for name in (method, f"{method}, shuffled comment"))
        assert gain > shuffled
    assert found["refine_sft"]["figures"]["gain"][0] > 0.3
    assert found["refine_sft"]["verdict"] != "flagged"
    assert not found["refine_sft"]["alarms"]


@pytest.mark.slow
def test_a_model_broken_on_purpose_is_flagged(tmp_path: Path) -> None:
    asked = job(tmp_path / "takes", "refine_sft")
    tier = replace(asked.tier, train=replace(asked.tier.train, learning_rate=0.5, max_steps=6))
    broken = replace(asked, tier=tier)
    found = {row["name"]: row for row in results.measure(broken, running.run(broken))["conditions"]}
    assert found["refine_sft"]["verdict"] == "flagged"
    assert found["refine_sft"]["alarms"]["utility"] == found["refine_sft"]["units"]
