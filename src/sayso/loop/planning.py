"""Plan: what there is to learn from, what would be refused, and how small a change the probes can show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sayso.errors import ModelError, PreflightError
from sayso.evaluation import takes
from sayso.i18n import gettext as _
from sayso.i18n import say
from sayso.loop import Watcher, competence
from sayso.loop.competence import Competence
from sayso.loop.grounding import ground
from sayso.loop.improving import judge
from sayso.loop.learning import anchors_for, gather, holds, in_stage, lesson_of, method_of, policy_for
from sayso.loop.progress import Progress, ignore
from sayso.loop.settings import Settings
from sayso.loop.staging import stages_of
from sayso.loop.workspace import Workspace
from sayso.loop.writing import Field, survey
from sayso.records import Scope, Version
from sayso.training.rules import limit

if TYPE_CHECKING:
    from sayso.training.foresight.choosing import Choice
    from sayso.training.foresight.forecast import Forecast
    from sayso.training.preflight import Piece
    from sayso.training.preflight import Plan as Described
    from sayso.training.warnings import Warned

FEW_WORDINGS = int(limit("few_families"))
"""Below this many families in scope a comment is learnt for the wordings it was trained on."""
FEW_OUT = int(limit("few_anchors"))
"""Below this many prompts out of scope the effect tends to drift."""
FEW_PROBES = int(limit("few_probes"))
"""On fewer probes in scope only large changes can be shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentPlan:
    """What one comment has to be learnt from and to be measured on."""

    id: str
    text: str
    families: int
    """Wordings in scope that may be learnt from."""
    learn: dict[Scope, int]
    """Prompts to learn from, by scope."""
    test: dict[Scope, int]
    """Probes, by scope."""
    detectable: float
    """The smallest change in scope the probes would show with 80 % power."""
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StagePlan:
    """What one training would learn from and would take; of several, each as if it began where the first does."""

    method: str
    examples: int
    rows: int
    tokens: int
    steps: int
    forecast: Forecast | None = None
    """Its time and memory, from a few micro-batches that were tried; None where there was nothing to try."""
    choice: Choice | None = None
    """Whether it fits into memory, and what would make it fit."""
    refused: str = ""
    """Why it would be refused; empty when it would not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a round would work with; of trainings in sequence, what is said of rows is said of the first."""

    version: str
    method: str
    comments: tuple[CommentPlan, ...]
    bound: int
    """Comments on single responses."""
    prompts: int
    answered: int
    """Prompts the version has answered already."""
    wanting: int
    """Responses that a comment applies to and that do not meet it."""
    rows: int
    tokens: int
    targets: int
    longest: int
    edit_ratio: float | None
    """Share of words that the refinements change."""
    anchors: dict[str, int]
    shown: tuple[str, ...]
    """Some rows as the model reads them, with what it learns marked."""
    pieces: tuple[tuple[Piece, ...], ...]
    """The same rows, run by run: what is read, learnt or pushed down."""
    signs: dict[str, float | None]
    """What the examples show: shares and ratios, by name."""
    warned: tuple[Warned, ...]
    """What the rules of preflight warn of, by the rule's name."""
    refused: str
    """Why training would be refused; empty when it would not."""
    warnings: tuple[str, ...]
    note: str = ""
    """Why rows are not known yet, or what else is to be known of the method; mostly empty."""
    competence: Competence | None = None
    """How well the version follows comments, where that was measured."""
    stages: tuple[StagePlan, ...] = ()
    """Every training: one, or those in sequence."""
    seconds: float | None = None
    """What all trainings would take together; None where one of them is not known."""
    memory: float | None = None
    """Bytes that the one that takes the most would take."""


def plan(workspace: Workspace, settings: Settings, *, measure: bool = False, watch: Watcher = ignore) -> Plan:
    """Look at everything a round would use, and say what is missing; with `measure`, how well the model follows comments.

    Time and memory are foreseen from a few micro-batches that are tried, of every training.
    """
    stages = stages_of(settings)
    for stage in stages:
        method_of(stage)  # a wrong method is said even where there is nothing to learn from
    settings = stages[0]
    version = workspace.version(settings.model_name_or_path)
    field = survey(workspace, settings)
    judged = judge(workspace, settings, field)
    placed = {item.prompt.id for item in field.placed}
    answered = len(placed & {item.response.prompt.id for item in judged})
    waiting = bool(placed) and not answered and bool(field.comments)
    look = partial(competence.measure, watch=watch) if measure else competence.recall
    measured = look(workspace, settings, version)
    looked = () if waiting and not field.bound else tuple(
        _looked(workspace, stage, version, measured, watch if len(stages) == 1 else in_stage(watch, number, len(stages)))
        for number, stage in enumerate(stages, start=1)
    )  # fmt: skip
    facts, refused = (looked[0].facts, looked[0].stage.refused) if looked else ({}, "")
    if waiting:  # whatever seems to be missing, no answer was looked at
        facts, refused = {**facts, "warnings": (), "warned": (), "note": _note(len(placed))}, ""
    return Plan(
        version=version.id, method=settings.method_name, comments=tuple(_comment_plans(field)), bound=len(field.bound),
        prompts=len(placed), answered=answered, competence=measured,
        wanting=sum(not item.good for item in judged), refused=refused,
        **_together([item.stage for item in looked]), **{**_NOTHING, **facts},  # type: ignore[arg-type]
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class _Looked:
    stage: StagePlan
    facts: dict[str, object]


def _together(stages: list[StagePlan]) -> dict[str, Any]:
    found = [item.forecast for item in stages if item.forecast]
    whole = len(found) == len(stages)
    return {
        "stages": tuple(stages),
        "seconds": sum(item.seconds.value for item in found) if found and whole else None,
        "memory": max(item.memory.value for item in found) if found and whole else None,
    }


_NOTHING: dict[str, object] = {
    "rows": 0, "tokens": 0, "targets": 0, "longest": 0, "edit_ratio": None, "anchors": {}, "shown": (), "warnings": (),
    "pieces": (), "signs": {}, "warned": (),
}  # fmt: skip


def _note(prompts: int) -> str:
    sentence = _(
        "No prompt is answered yet: {prompts} wait for sayso generate. The table is planned from the prompts; rows, tokens "
        "and what holds the model out of scope are known after that."
    )
    return sentence.format(prompts=prompts)


def _looked(
    workspace: Workspace, settings: Settings, version: Version, measured: Competence | None, watch: Watcher
) -> _Looked:
    """Return what one training would learn from and take, or why it would be refused."""
    name = settings.method_name
    try:
        return _found(workspace, settings, version, measured, watch)
    except (PreflightError, ModelError) as error:
        stage = StagePlan(method=name, examples=0, rows=0, tokens=0, steps=0, refused=say(error))
        return _Looked(stage=stage, facts={})


def _found(
    workspace: Workspace, settings: Settings, version: Version, measured: Competence | None, watch: Watcher
) -> _Looked:
    from sayso.training import preflight, warnings
    from sayso.training.foresight import choosing, forecast

    method = method_of(settings)
    material = gather(workspace, settings, method)
    policy = policy_for(workspace, settings, version)
    found_on = ground(method, policy, material, settings.train)
    anchors = anchors_for(method, policy, settings, material)
    found = preflight.describe(method, material.given(method), found_on.rows, decode=policy.decode, anchors=anchors)
    warned = list(found.warned)
    if measured and settings.method_name in competence.NEEDED:
        warned += warnings.of_competence(measured.share, measured.n)
    facts: dict[str, object] = {
        "rows": found.rows, "tokens": found.tokens, "targets": found.targets, "longest": found.longest,
        "edit_ratio": found.edit_ratio, "anchors": {"near": found.near_anchors, "out": found.out_anchors},
        "shown": found.shown, "pieces": found.pieces, "signs": _signs(found), "warned": tuple(warned),
        "warnings": (*(item.sentence for item in warned), *found.cautions),
        "note": _held(settings) if holds(method) else found_on.note,
    }  # fmt: skip
    watch(Progress(stage=_("try micro-batches"), done=0, total=1))
    lesson = lesson_of(method, policy, found_on, settings.train, anchors)
    foreseen = forecast.foresee(lesson, found_on.rows)
    watch(Progress(stage=_("try micro-batches"), done=1, total=1))
    stage = StagePlan(
        method=settings.method_name, examples=len(material.examples), rows=found.rows, tokens=found.tokens,
        steps=foreseen.steps, forecast=foreseen, choice=choosing.looked_at(lesson, foreseen, found_on.rows),
    )  # fmt: skip
    return _Looked(stage=stage, facts=facts)


def _signs(found: Described) -> dict[str, float | None]:
    signs = found.signs
    return {
        "families": signs.families, "edit_ratio": signs.edit_ratio, "length_ratio": signs.length_ratio,
        "copied": signs.copied, "leaking": len(signs.leaking), "spanned": signs.spanned,
        "span_coverage": signs.span_coverage, "duplicates": len(signs.duplicates),
    }  # fmt: skip


def _held(settings: Settings) -> str:
    sentence = _("{method} holds the model near and out of scope itself: the guard is left off, its settings are not used.")
    return sentence.format(method=settings.method_name)


def _comment_plans(field: Field) -> list[CommentPlan]:
    return [_comment_plan(field, number) for number in range(len(field.comments))]


def _comment_plan(field: Field, number: int) -> CommentPlan:
    comment = field.comments[number]
    test = field.divided[comment.id].test
    learn = {scope: [item.prompt for item in field.placed if item.scopes[comment.id] == scope] for scope in takes.SCOPES}
    families = len({prompt.family or prompt.id for prompt in learn["in"]})
    probes = {scope: sum(probe.scope == scope for probe in test) for scope in takes.SCOPES}
    found = takes.detectable([comment])
    change = next((item.change for item in found if item.scope == "in"), 1.0)
    warnings = _warnings(families, len(learn["out"]), probes["in"], scoped=bool(learn["near"] or learn["out"]))
    if comment.check is None:
        warnings = [_("it has no check, so its take cannot be counted"), *warnings]
    return CommentPlan(
        id=comment.id, text=comment.text, families=families, test=probes, detectable=change, warnings=tuple(warnings),
        learn={scope: len(prompts) for scope, prompts in learn.items()},
    )  # fmt: skip


def _warnings(families: int, out: int, probes: int, *, scoped: bool) -> list[str]:
    found = []
    if not families:
        found.append(_("no prompt in its scope may be learnt from; give more probes in scope, or prompts"))
    elif families < FEW_WORDINGS:
        sentence = _("{n} wordings in scope to learn from; below {least} it tends to be learnt for these wordings only")
        found.append(sentence.format(n=families, least=FEW_WORDINGS))
    if scoped and out < FEW_OUT:
        sentence = _("{n} prompts out of scope; below {least} its effect tends to drift where it does not apply")
        found.append(sentence.format(n=out, least=FEW_OUT))
    if probes < FEW_PROBES:
        sentence = _("{n} probes in scope to test on; below {least} only large changes can be shown")
        found.append(sentence.format(n=probes, least=FEW_PROBES))
    return found
