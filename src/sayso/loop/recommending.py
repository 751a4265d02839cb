"""Recommend: from what a workspace holds to the methods that fit it, best first, each with its reasons in words."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

from sayso.critics.parts import words
from sayso.i18n import gettext
from sayso.i18n import gettext as _
from sayso.loop import competence
from sayso.loop.fitting import FITS, Fit, Holding
from sayso.loop.improving import Wanting, classes_of, judge
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace
from sayso.loop.writing import Field, survey
from sayso.records import Comment, Example, Refinement, Version, reach_of, spans_of
from sayso.training.rules import limit
from sayso.training.settings import Train
from sayso.training.signs import edit_ratio

OVER = -5.0
"""What speaks against a method that takes longer than there is time."""
SPEEDS = {"cpu": 3e10, "gpu": 3e13}
"""Operations a second that training comes to, within a factor of three or so; said as `about`."""
OPERATIONS = 6
"""For each weight and token, forward and backward (arXiv 2001.08361)."""
TOKENS_A_WORD = 1.4


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """A method that can be used, and why it stands where it does."""

    method: str
    score: float
    reasons: tuple[str, ...]
    against: tuple[str, ...]
    seconds: float | None
    """How long training would take, about; None where the size of the model is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lacking:
    """A method that cannot be used yet, and what is missing for it."""

    method: str
    missing: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What to do next, and which methods fit."""

    todo: tuple[str, ...]
    """The words of a command of sayso that can be run now."""
    why: str
    """Why that."""
    ranked: tuple[Ranked, ...]
    lacking: tuple[Lacking, ...]
    holding: Holding
    notes: tuple[str, ...]
    """What holds for every method."""

    @property
    def best(self) -> str:
        """The name of the method that fits best; empty where none can be used yet."""
        return self.ranked[0].method if self.ranked else ""


def recommend(workspace: Workspace, settings: Settings, *, budget: float | None = None) -> Advice:
    """Return which methods fit what the workspace holds, in `budget` seconds of training if that is given."""
    holding = hold(workspace, settings, budget=budget)
    untried = not workspace.store.rejections()
    return advise(holding, settings.train, gpu=_gpu() if holding.parameters else False, untried=untried)


def hold(workspace: Workspace, settings: Settings, *, budget: float | None = None) -> Holding:
    """Count what the workspace holds for the version that would learn."""
    version = workspace.version(settings.model_name_or_path)
    field = survey(workspace, settings)
    judged = judge(workspace, settings, field)
    refinements = {item.response.id: item for item in workspace.store.wanted_refinements()}
    failing = [item for item in judged if item.failing]
    unmet = {item.response.id for item in failing}
    good = [item for item in judged if item.response.id not in unmet]
    measured = competence.recall(workspace, settings, version)
    bare = _said(field, failing, refinements)
    return replace(
        bare, answered=len({item.response.id for item in judged}), comments=len(field.comments) + len(field.bound),
        praised=len({item.response.id for item in field.praised if item.response} - unmet),
        near=sum(item.near for item in good), out=sum(not item.near for item in good),
        parameters=_parameters(workspace, version), classes=len(classes_of(workspace, version)),
        competence=measured.share if measured else None, budget=budget,
    )  # fmt: skip


def _said(field: Field, failing: Sequence[Wanting], refinements: dict[str, Refinement]) -> Holding:
    """Return what is to be counted of the failing responses."""
    examples = [
        Example(
            prompt=item.response.prompt, response=item.response, comments=item.failing,
            refinement=refinements.get(item.response.id),
        )
        for item in failing
    ]  # fmt: skip
    said: dict[str, Comment] = {comment.text: comment for item in failing for comment in item.failing}
    length = [len(words(item.response.prompt.text)) + len(words(item.response.text)) for item in failing]
    return Holding(
        failing=len(failing), refined=sum(item.refinement is not None for item in examples),
        pointed=sum(bool(spans_of(item)) for item in examples),
        checked=sum(all(comment.check for comment in item.applying) for item in failing), different=len(said),
        said=sum(len(words(text)) for text in said) / len(said) if said else 0.0,
        everywhere=bool(field.comments) and not field.bound and all(reach_of(item) == "always" for item in field.comments),
        families=len({item.prompt.family or item.prompt.id for item in examples}),
        edit_ratio=edit_ratio(examples), tokens=round(TOKENS_A_WORD * sum(length) / len(length)) if length else 0,
    )  # fmt: skip


def advise(holding: Holding, train: Train, *, gpu: bool = False, untried: bool = False) -> Advice:
    """Return which methods fit, by the table; `untried` says that no refiner was let loose on the failing responses yet."""
    ranked, lacking = [], []
    for name, fit in FITS.items():
        missing = [need.says for need in fit.needs if not need.met(holding)]
        if missing:
            lacking.append(Lacking(method=name, missing=tuple(_filled(text, holding, None) for text in missing)))
        else:
            ranked.append(_ranked(name, fit, holding, _seconds(fit, holding, train, gpu=gpu)))
    ranked.sort(key=lambda item: -item.score)  # the table's order decides between equals
    todo, why = _todo(holding, ranked, untried=untried)
    return Advice(
        todo=todo, why=why, ranked=tuple(ranked), lacking=tuple(lacking), holding=holding, notes=tuple(_notes(holding))
    )


def _ranked(name: str, fit: Fit, holding: Holding, seconds: float | None) -> Ranked:
    points = sorted((point for point in fit.points if point.so(holding)), key=lambda point: -abs(point.weight))
    over = holding.budget is not None and seconds is not None and seconds > holding.budget
    if over:
        points = [point for point in points if "{budget_minutes" not in point.says]
    against = [_filled(point.says, holding, seconds) for point in points if point.weight < 0]
    if over:
        sentence = _("it would take about {minutes:.0f} minutes, and there are {budget_minutes:.0f}")
        against.append(sentence.format(**_fields(holding, seconds)))
    return Ranked(
        method=name, score=sum(point.weight for point in points) + OVER * over, against=tuple(against), seconds=seconds,
        reasons=tuple(_filled(point.says, holding, seconds) for point in points if point.weight > 0),
    )  # fmt: skip


def _todo(holding: Holding, ranked: Sequence[Ranked], *, untried: bool) -> tuple[tuple[str, ...], str]:
    """Return the next command, and why it is the next."""
    if not holding.comments and not holding.praised:
        return ("review",), _("Nothing was said yet: read what the model wrote and say what is wrong with it.")
    if not holding.answered and not ranked:
        return ("generate",), _("No prompt was answered yet, so nobody knows which answers do not meet the comments.")
    if not holding.failing:
        return ("plan",), _("No response fails a comment, so there is nothing to learn; the plan says where to look.")
    if not holding.refined and holding.checked and untried:
        sentence = _(
            "{checked} failing responses have checks and no refinement yet: let them be refined first, then ask again."
        )
        return ("refine",), sentence.format(checked=holding.checked)
    best = ranked[0]
    first = best.reasons[0] if best.reasons else _("nothing else can be used yet")
    return ("learn", "--method", best.method), _("{method} fits best: {reason}.").format(method=best.method, reason=first)


def _notes(holding: Holding) -> list[str]:
    found = []
    if holding.failing and holding.families < limit("few_families"):
        sentence = _("{n} kinds of prompts in scope; below {least} any method learns the prompts instead of the comment")
        found.append(sentence.format(n=holding.families, least=int(limit("few_families"))))
    if holding.failing and not holding.everywhere and not holding.near + holding.out:
        found.append(_("no answers near or out of scope: nothing would hold the model where the comment does not apply"))
    if holding.failing and holding.competence is None and holding.checked:
        found.append(_("sayso plan --competence measures whether the model follows comments; ask again after it"))
    return found


def _filled(text: str, holding: Holding, seconds: float | None) -> str:
    """Return a sentence of the table in the user's language, with the numbers of this workspace."""
    return gettext(text).format(**_fields(holding, seconds))


def _fields(holding: Holding, seconds: float | None) -> dict[str, object]:
    return {
        "refined": holding.refined, "failing": holding.failing, "pointed": holding.pointed, "praised": holding.praised,
        "different": holding.different, "said": holding.said, "near": holding.near,
        "unchecked": holding.failing - holding.checked, "edit_ratio": holding.edit_ratio or 0.0,
        "competence": holding.competence or 0.0, "millions": (holding.parameters or 0) / 1e6,
        "minutes": (seconds or 0.0) / 60, "budget_minutes": (holding.budget or 0.0) / 60,
    }  # fmt: skip


def _seconds(fit: Fit, holding: Holding, train: Train, *, gpu: bool) -> float | None:
    """Return about how long training takes; None where the model's size is not known."""
    if not holding.parameters or not holding.tokens:
        return None
    a_step = train.groups_per_step
    steps = train.max_steps or -(-holding.failing // a_step) * train.num_train_epochs
    speed = SPEEDS["gpu" if gpu else "cpu"]
    return OPERATIONS * holding.parameters * holding.tokens * a_step * steps * fit.passes / speed


def _parameters(workspace: Workspace, version: Version) -> int | None:
    """Return how many weights a version has, read from the heads of its files; None where they are not on this disk."""
    folder = Path(workspace.place_of(version.base if version.form == "adapter" else version.path))
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    return sum(map(_weights, files)) or None


def _weights(path: Path) -> int:
    """Return how many weights a safetensors file holds."""
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        head = json.loads(file.read(size))
    return sum(prod(entry["shape"]) for name, entry in head.items() if name != "__metadata__")


def _gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())
