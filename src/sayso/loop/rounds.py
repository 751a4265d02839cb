"""A whole round from one file: comments in, a measured and, if the gate says so, promoted version out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from sayso import config
from sayso.errors import NotFoundError
from sayso.loop import Watcher, deciding, importing, improving, learning, measuring, reporting, staging, writing
from sayso.loop.improving import Refined
from sayso.loop.learning import Learnt
from sayso.loop.progress import ignore
from sayso.loop.settings import Settings
from sayso.loop.workspace import CHAMPION, Workspace
from sayso.records import Comment, Evaluation, Rate, Retained, Take, plain
from sayso.training.engine.place import by_first

T = TypeVar("T")
_FILES = ("prompts", "comments")


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """What was said and yet taught nothing."""

    responses: int
    """Responses with comments that are not met, which the method could not learn from without a refinement."""
    reason: str
    """Why they have no refinement: the reason given most often."""
    comments: tuple[Comment, ...]
    """Comments that apply to nothing: no prompt to learn from is in their scope."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What a round came to."""

    evaluation: Evaluation
    champion: str
    """After the round."""
    candidate: str
    refined: Refined
    learnt: Learnt
    left_out: LeftOut
    seconds: dict[str, float]
    report: Path


def read(path: Path) -> dict[str, Any]:
    """Return what a round file says, with the files it names made absolute.

    A file is looked for beside the round file first, then from the current folder.
    """
    given = config.read(path)
    for key in _FILES:
        if isinstance(given.get(key), str) and given[key]:
            given[key] = _absolute(path.parent, given[key])
    evaluate = given.get("evaluate")
    if isinstance(evaluate, dict) and isinstance(evaluate.get("heldout"), str) and evaluate["heldout"]:
        given["evaluate"] = {**evaluate, "heldout": _absolute(path.parent, evaluate["heldout"])}
    model = given.get("model_name_or_path")
    if isinstance(model, str) and (path.parent / model).is_dir():
        given["model_name_or_path"] = str((path.parent / model).resolve())
    given["output_dir"] = str((path.parent / str(given.get("output_dir", "workspace"))).resolve())
    return given


def run(workspace: Workspace, settings: Settings, *, watch: Watcher = ignore, command: str = "") -> Round:
    """Generate, refine, learn, evaluate, gate, promote where the gate says so, and report.

    Several processes (`training.place`) that call this together share what is written, learnt and scored; the first alone
    reads and writes the records.

    Raises:
        RecordError: a line of the round's files is wrong; nothing was imported.
        PreflightError: there is nothing to learn from; nothing was trained.
    """
    seconds: dict[str, float] = {}
    for stage in staging.stages_of(settings):
        learning.method_of(stage)
    settings = _timed(seconds, "import", lambda: by_first(lambda: importing.take_in(workspace, settings)))
    _timed(seconds, "generate", lambda: writing.generate(workspace, settings, watch=watch))
    refined = _timed(seconds, "refine", lambda: improving.refine(workspace, settings, watch=watch))
    learnt = _timed(seconds, "learn", lambda: learning.learn(workspace, settings, watch=watch))
    candidate = learnt.version.id
    evaluation = _timed(
        seconds, "evaluate", lambda: measuring.evaluate(workspace, settings, candidate=candidate, watch=watch)
    )
    if evaluation.verdict is not None and evaluation.verdict.verdict == "promote":
        by_first(lambda: deciding.promote(workspace, candidate))
    report = _timed(
        seconds, "report", lambda: by_first(lambda: reporting.report(workspace, command=command, settings=settings))
    )
    seconds["total"] = round(sum(seconds.values()), 2)
    left_out = LeftOut(
        responses=learnt.material.left_out, reason=refined.reason if learnt.material.left_out else "",
        comments=by_first(lambda: writing.idle(writing.survey(workspace, settings))),
    )  # fmt: skip
    return Round(
        evaluation=evaluation, champion=by_first(lambda: workspace.store.alias(CHAMPION) or ""), candidate=candidate,
        refined=refined, left_out=left_out, learnt=learnt, seconds=seconds, report=report,
    )  # fmt: skip


def summary(found: Round) -> dict[str, Any]:
    """Return a round as the one JSON object that `sayso loop --json` prints."""
    evaluation = found.evaluation
    assert evaluation.verdict is not None
    return {
        "verdict": evaluation.verdict.verdict,
        "reason": evaluation.verdict.reason,
        "champion": found.champion,
        "candidate": found.candidate,
        "comments": [take_form(take) for take in evaluation.takes],
        "retained": [retained_form(item) for item in evaluation.retained],
        "heldout": plain(evaluation.heldout) if evaluation.heldout else {},
        "needed": evaluation.verdict.needed,
        "rows": len(found.learnt.material.examples),
        "refined": plain(found.refined),
        "warnings": list(found.learnt.warnings),
        "left_out": {
            "responses": found.left_out.responses,
            "reason": found.left_out.reason,
            "comments": [{"id": comment.id, "text": comment.text} for comment in found.left_out.comments],
        },
        "seconds": found.seconds,
        "report": str(found.report),
    }


def take_form(take: Take) -> dict[str, Any]:
    """Return a take as JSON values, scopes by name."""
    form: dict[str, Any] = {"id": take.comment_id, "text": take.text, "take": take.take}
    form |= {"gain": _rounded(take.gain), "leak": _rounded(take.leak), "drift": _rounded(take.drift)}
    rates: Mapping[str, Rate | None] = {"in": take.inside, "near": take.near, "out": take.out}
    return form | {scope: plain(rate) if rate else None for scope, rate in rates.items()}


def retained_form(item: Retained) -> dict[str, Any]:
    """Return what is left of an earlier comment as JSON values."""
    return {"id": item.comment_id, "text": item.text, "version": item.version, **plain(item.rate)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _absolute(folder: Path, name: str) -> str:
    beside, here = folder / name, Path(name)
    found = next((path for path in (beside, here) if path.exists()), None)
    if found is None:
        raise NotFoundError("there is no file {name!r} beside the round file or here", name=name)
    return str(found.resolve())


def _timed(seconds: dict[str, float], stage: str, work: Callable[[], T]) -> T:
    started = perf_counter()
    result = work()
    seconds[stage] = round(perf_counter() - started, 2)
    return result
