"""A run's result: one JSON object that says what was measured, on which weights, and how; many make a leaderboard."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sayso import __version__
from sayso.errors import NotFoundError, RecordError, StoreError
from sayso.i18n import gettext as _
from sayso.loop import Watcher
from sayso.loop.bench import capacity, comparing, confirming, curves, plane, running, scoring, tables
from sayso.loop.bench.running import Job
from sayso.loop.bench.scoring import Score
from sayso.loop.bench.suite import Suite
from sayso.loop.progress import Progress, ignore
from sayso.loop.workspace import write_whole
from sayso.records import plain

FORMAT = "sayso takes 1"
RESULT, TABLE, PLANE, ANSWERS = "result.json", "table.md", "plane.svg", "answers.jsonl"


def measure(job: Job, known: Suite, *, watch: Watcher = ignore) -> dict[str, Any]:
    """Score a finished run, write result.json, table.md, plane.svg and answers.jsonl into its folder, and return the result.

    Raises:
        StoreError: the disk refused.
    """
    watch(Progress(stage=_("count"), done=0, total=1))
    found, shared = list(scoring.scores(job, known)), list(scoring.together(job, known))
    result = {
        **_result(job, known, found),
        "at_once": [plain(each) for each in capacity.capacities(found, shared, job.tier)],
    }
    every = [*found, *(score for _size, _method, score in shared)]
    lines = (line for score in every for line in scoring.form(score))
    texts = {
        RESULT: json.dumps(result, indent=1, ensure_ascii=False) + "\n",
        TABLE: tables.page(result, picture=PLANE),
        PLANE: plane.draw(result),
        ANSWERS: "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines),
    }
    try:
        for name, text in texts.items():
            write_whole(job.folder / name, text)
    except OSError as error:
        raise StoreError("{folder!r} cannot be written: {reason}", folder=str(job.folder), reason=error.strerror) from error
    watch(Progress(stage=_("count"), done=1, total=1))
    return result


def _result(job: Job, known: Suite, found: Sequence[Score]) -> dict[str, Any]:
    tier = job.tier
    table = comparing.Table(found, tier)
    drawn = curves.curves(found, job.methods, tier)
    described = running.read(job.folder / running.RUN)
    rows = comparing.rows(table, running.job_conditions(job), job.methods)
    return {
        "format": FORMAT,
        "suite": described["suite"],
        "tier": job.tier_name,
        "settings": described["tier"],
        "small_rates": described["rates"],
        "model": {
            "name": Path(job.model).name, "adapter": Path(job.adapter).name if job.adapter else "",
            "sha256": described["weights"],
        },
        "made_with": {"sayso": __version__, "python": platform.python_version(), "machine": platform.machine()},
        "comments": len(table.items), "tests": tier.tests, "seeds": table.seeds, "drafts": tier.drafts,
        "conditions": [plain(row) for row in rows],
        "differences": [plain(each) for each in comparing.differences(table, job.methods)],
        "confirmations": [plain(each) for each in confirming.confirmations(table, rows, job.methods)],
        "curves": [plain(curve) for curve in drawn],
        "race": curves.race(drawn),
        "kept": [plain(each) for each in curves.kept(*_sequences(job, known), tier)],
    }  # fmt: skip


def _sequences(job: Job, known: Suite) -> tuple[dict[str, list[dict[str, Any]]], dict[str, float]]:
    found: dict[str, list[dict[str, Any]]] = {method: [] for method in job.methods}
    for task in running.plan(job, known).tasks["sequence"]:
        assert task.condition is not None
        found[task.condition.method].append(running.read(running.place(job, "sequence", task.files()[0])))
    before = {}
    for item in known.items[: job.tier.comments]:
        held = item.held()
        texts = running.read(running.place(job, "base", item.id))["in"]
        before[item.id] = sum(held(text).held for text in texts) / len(texts)
    return found, before


def load(path: Path) -> dict[str, Any]:
    """Return the result in a file, or in a run's folder.

    Raises:
        NotFoundError: there is no such file.
        RecordError: it is no result.
    """
    place = path / RESULT if path.is_dir() else path
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotFoundError("there is no result at {path!r} ({reason})", path=str(place), reason=error.strerror) from error
    except ValueError as error:
        raise RecordError("{path}: not JSON ({reason})", path=str(place), reason=str(error)) from error
    if not isinstance(found, Mapping) or found.get("format") != FORMAT:
        said = found.get("format") if isinstance(found, Mapping) else type(found).__name__
        raise RecordError(
            "{path}: format is {found!r}; expected {format!r}, as sayso bench takes writes it",
            path=str(place), found=said, format=FORMAT,
        )  # fmt: skip
    return dict(found)
