"""Trainings in sequence: the settings of each, and a stage a comment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, TypeVar

from sayso import config
from sayso.errors import PreflightError, SettingsError
from sayso.loop.improving import judge
from sayso.loop.settings import Settings, Stage
from sayso.loop.workspace import Workspace
from sayso.loop.writing import survey

T = TypeVar("T")


def stages_of(settings: Settings) -> tuple[Settings, ...]:
    """Return the settings of every training, in their order; without stages the settings as they are.

    Raises:
        SettingsError: a stage has a key or value that its settings do not have.
    """
    if not settings.stages:
        return (settings,)
    return tuple(_laid(settings, stage, f"stages.{number}") for number, stage in enumerate(settings.stages))


def stage_of(settings: Settings, number: int | None) -> Settings:
    """Return the settings of one training of a sequence, counted from 1, for what takes a single one.

    Raises:
        SettingsError: there are several and none is named, or there is none of this number.
    """
    if not settings.stages and number is None:
        return settings
    stages = stages_of(settings) if settings.stages else ()
    if number is None:
        raise SettingsError(
            "stages: {count} trainings stand in sequence, and one is exported at a time; name it with --stage 1 to --stage "
            "{count}, or give a single --method",
            count=len(stages),
        )
    if number > len(stages):
        raise SettingsError("--stage {number}: the settings have {count} stages", number=number, count=len(stages))
    return stages[number - 1]


def in_turn(workspace: Workspace, settings: Settings) -> Settings:
    """Return settings with a stage for every comment that something can be learnt from, in the order they were said.

    Raises:
        PreflightError: there is no such comment.
    """
    judged = judge(workspace, settings, survey(workspace, settings))
    failing = {comment.id: None for item in judged for comment in item.failing}
    said = [comment.id for comment in workspace.store.comments(status="open") if comment.id in failing]
    if not said:
        raise PreflightError(
            "no comment has a response that fails it, so there is nothing to learn one by one; sayso plan says what there is"
        )
    return replace(settings, stages=tuple(Stage(learn_from=(name,)) for name in said))


def _laid(settings: Settings, stage: Stage, where: str) -> Settings:
    return replace(
        settings,
        stages=(),
        method=stage.method or settings.method,
        learn_from=stage.learn_from or settings.learn_from,
        train=_over(settings.train, stage.train, f"{where}.train"),
        guard=_over(settings.guard, stage.guard, f"{where}.guard"),
    )


def _over(settings: T, given: Mapping[str, Any], where: str) -> T:
    if not given:
        return settings
    return config.build(type(settings), config.merged(asdict(settings), given), where=where)  # type: ignore[call-overload]
