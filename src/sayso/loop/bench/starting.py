"""From what was asked for to a job, how many processes it gets, and about how long it will take."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sayso import config
from sayso.errors import NotFoundError
from sayso.loop import demo
from sayso.loop.bench import answering, material, running, suite, teaching
from sayso.loop.bench.running import Job
from sayso.loop.bench.suite import Suite
from sayso.loop.bench.tiers import TIERS, Condition, Tier

SMALL_BYTES = 200_000_000
"""Weights up to this size are opened once in every process; larger ones in a single one, with all threads."""
MOST_WORKERS = 8
_PROBE_STEPS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the command line was given."""

    model: str | None
    """None: the model that comes with sayso."""
    adapter: str | None
    methods: str
    tier: str
    out: Path
    suite: Path | None
    assignments: tuple[str, ...]


def job(asked: Asked) -> Job:
    """Return the job that was asked for.

    Raises:
        NotFoundError: no such tier.
        SettingsError: a setting of the tier is unknown or of the wrong kind.
    """
    if asked.tier not in TIERS:
        raise NotFoundError("unknown tier {name!r}; expected one of {known}", name=asked.tier, known=", ".join(TIERS))
    settings = config.override(asdict(TIERS[asked.tier]), asked.assignments)
    methods = tuple(name.strip() for name in asked.methods.split(",") if name.strip())
    return Job(
        model=str(demo.model()) if asked.model is None else asked.model, adapter=asked.adapter, methods=methods,
        tier=config.build(Tier, settings, where=f"tier {asked.tier}"), tier_name=asked.tier, folder=asked.out,
        suite=asked.suite,
    )  # fmt: skip


def workers(asked: Job) -> int:
    """Return how many processes suit the model and the machine."""
    import torch

    from sayso.models import folders

    size = sum(path.stat().st_size for path in folders.find(asked.model).glob("*.safetensors"))
    if torch.cuda.is_available() or size > SMALL_BYTES:
        return 1
    return max(1, min(MOST_WORKERS, _cores()))


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def forecast(asked: Job, processes: int) -> dict[str, Any]:
    """Return the units of every stage, how many are done, and the seconds the rest will take, from a short trial.

    Nothing is written.
    """
    known = suite.load(asked.suite)
    running.check(asked, known)
    found = running.plan(asked, known)
    left = {stage: found.left(stage) for stage in running.STAGES}
    seconds = _seconds(asked, known) if any(left.values()) else dict.fromkeys(running.STAGES, 0.0)
    sizes = [len(task.items) for task in found.tasks["together"]]
    seconds["together"] = seconds["teach"] * sum(sizes) / max(1, len(sizes))
    total = sum(count * seconds[stage] for stage, count in left.items()) / processes
    return {
        "units": found.units, "done": found.done, "workers": processes, "seconds": round(total, 1),
        "conditions": [condition.name for condition in running.job_conditions(asked)],
    }  # fmt: skip


def _seconds(asked: Job, known: Suite) -> dict[str, float]:
    """Answer for one comment and take two steps, and reckon from that what a unit of each stage takes."""
    from sayso.models import local

    tier, item = asked.tier, known.items[0]
    model = local.load(asked.model, adapter=asked.adapter)
    before = answering.base(model, [item], tier)[0]
    prompts = 4 * tier.tests  # in, near, out, and out once more
    answer = before["seconds"] / prompts
    small = replace(
        tier, drafts=tier.tests, anchors=tier.tests, train=replace(tier.train, max_steps=min(_PROBE_STEPS, _steps(tier)))
    )
    written = {**before, "met": [False] * tier.tests}
    lesson = material.Lesson(
        item=item, other=item, condition=Condition(name="", method=asked.methods[0]), seed=0, drafts=tier.tests
    )
    trained = teaching.teach(model, lesson, written, before, small)["seconds_training"]
    teach = trained * _steps(tier) / small.train.max_steps + 3 * tier.tests * answer
    drafts = (2 * tier.drafts + 2 * tier.anchors + tier.drafts * (tier.candidates + len(answering.PLAIN))) * answer
    return {
        "base": before["seconds"], "told": 7 * tier.tests * answer, "drafts": drafts, "teach": teach,
        "sequence": tier.sequence_length * (teach + drafts / 2),
    }  # fmt: skip


def _steps(tier: Tier) -> int:
    return tier.train.max_steps or 10


def sentence_parts(found: dict[str, Any]) -> Sequence[tuple[str, int, int]]:
    """Return stage, units left and units in all, of a forecast."""
    return [(stage, found["units"][stage] - found["done"][stage], found["units"][stage]) for stage in running.STAGES]
