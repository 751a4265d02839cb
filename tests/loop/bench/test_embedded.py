"""On the model that comes with sayso: real comments take, shuffled ones do not, and a model broken on purpose is flagged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sayso.loop import demo
from sayso.loop.bench import results, running
from sayso.loop.bench.running import Job
from sayso.loop.bench.tiers import TIERS


def job(folder: Path, *methods: str) -> Job:
    tier = replace(TIERS["quick"], comments=2, candidates=1, curve=(), sequences=0, controls="shuffled")
    return Job(model=str(demo.model()), adapter=None, methods=methods, tier=tier, tier_name="quick", folder=folder)


@pytest.mark.slow
def test_a_real_comment_gains_and_a_shuffled_one_does_not(tmp_path: Path) -> None:
    asked = job(tmp_path / "takes", "refine_sft", "refine_dpo")
    found = {row["name"]: row for row in results.measure(asked, running.run(asked))["conditions"]}
    for method in asked.methods:
        gain, shuffled = (found[name]["figures"]["gain"][0] for name in (method, f"{method}, shuffled comment"))
        assert gain > shuffled
    assert found["refine_sft"]["figures"]["gain"][0] > 0.3
    alarms = found["refine_sft"]["alarms"]
    assert "utility" not in alarms
    assert sum(alarms.values()) <= 1, "the second comment asks for big letters, which no text that it was trained on has"


@pytest.mark.slow
def test_a_model_broken_on_purpose_is_flagged(tmp_path: Path) -> None:
    asked = job(tmp_path / "takes", "refine_sft")
    tier = replace(asked.tier, train=replace(asked.tier.train, learning_rate=0.5, max_steps=6))
    broken = replace(asked, tier=tier)
    found = {row["name"]: row for row in results.measure(broken, running.run(broken))["conditions"]}
    assert found["refine_sft"]["verdict"] == "flagged"
    assert found["refine_sft"]["alarms"]["utility"] == found["refine_sft"]["units"]
