"""Refine: a better response wherever a comment applies and is not met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso import registry
from sayso.critics import REFINERS, Refiner
from sayso.critics.checking import load_check
from sayso.i18n import gettext as _
from sayso.loop import Watcher
from sayso.loop.progress import Progress, ignore
from sayso.loop.settings import Refine, Settings
from sayso.loop.workspace import Workspace
from sayso.loop.writing import Field, survey
from sayso.records import Comment, Rejection, Response, Version
from sayso.training.engine.place import as_first_says, by_first, place, together

if TYPE_CHECKING:
    from sayso.critics.refiners import Answer

Held = Callable[[str], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanting:
    """A response, the comments that apply to it, and those of them that it does not meet."""

    response: Response
    applying: tuple[Comment, ...]
    failing: tuple[Comment, ...]
    near: bool = False
    """Whether it stands near the scope of a comment that does not apply."""

    @property
    def good(self) -> bool:
        """True where nothing needs to change: no comment applies, or all that do are met."""
        return not self.failing


@dataclass(frozen=True, kw_only=True, slots=True)
class Refined:
    """What refining came to."""

    wanting: int
    """Responses that a comment applies to and that do not meet it."""
    kept: int
    rejected: int
    reasons: dict[str, int]
    """How often each reason for a rejection was given."""
    reason: str = ""
    """The reason given most often for the responses that stay without a refinement."""


def checkers(comments: Iterable[Comment]) -> dict[str, Held]:
    """Return, by comment id, whether a text meets the comment, for the comments that have a check."""
    return {comment.id: _held(comment) for comment in comments if comment.check is not None}


def judge(workspace: Workspace, settings: Settings, field: Field) -> list[Wanting]:
    """Return the version's responses with the comments that apply to each, in the order of the prompts."""
    version = workspace.version(settings.model_name_or_path)
    by_id = {comment.id: comment for comment in field.comments}
    held = checkers(field.comments)
    written: dict[str, list[Response]] = {}
    for response in workspace.store.responses(version=version.id):
        written.setdefault(response.prompt.id, []).append(response)
    found = [_wanting_bound(comments) for comments in _by_response(field.bound)]
    for placed in field.placed:
        applying = tuple(by_id[comment_id] for comment_id in placed.inside)
        for response in written.get(placed.prompt.id, []):
            failing = tuple(item for item in applying if item.id not in held or not held[item.id](response.text))
            near = placed.anchor == "near"
            found.append(Wanting(response=response, applying=applying, failing=failing, near=near))
    return found


def refine(workspace: Workspace, settings: Settings, *, watch: Watcher = ignore) -> Refined:
    """Ask the refiners, in the order of the settings, for every response that wants one; keep what they give.

    Of several processes (`training.place`) that call this together each writes a part, and the first keeps them.
    """
    refiners = by_first(lambda: _refiners(workspace, settings))
    for name in refiners:
        registry.load(REFINERS, name, kind="refiner")  # a wrong name is said even where nothing wants a refinement
    wanting, waiting = by_first(lambda: _wanted(workspace, settings))
    kept = len(wanting) - len(waiting)
    rejections: list[Rejection] = []
    for name in refiners:
        if not waiting:
            break
        watch(Progress(stage=_("refine"), done=kept, total=len(wanting), unit=_("responses"), note=name))
        answers = _answers(name, workspace, settings, waiting)
        good = [
            replace(answer, addresses=_ids(item.failing), id="")
            for item, (answer, _why) in zip(waiting, answers, strict=True)
            if answer is not None
        ]
        if place().first:
            workspace.store.add_refinements(good)
        rejections += [rejection for _answer, why in answers for rejection in why]
        waiting = [item for item, (answer, _why) in zip(waiting, answers, strict=True) if answer is None]
        kept = len(wanting) - len(waiting)
    by_first(lambda: workspace.store.add_rejections(rejections))
    watch(Progress(stage=_("refine"), done=len(wanting), total=len(wanting), unit=_("responses")))
    reasons = dict(Counter(rejection.reason for rejection in rejections))
    without = {item.response.id for item in waiting}
    most = Counter(item.reason for item in rejections if item.response.id in without).most_common(1)
    reason = most[0][0] if most else ""
    return Refined(wanting=len(wanting), kept=kept, rejected=len(waiting), reasons=reasons, reason=reason)


def _wanted(workspace: Workspace, settings: Settings) -> tuple[list[Wanting], list[Wanting]]:
    """Return what does not meet a comment, and what of it has no refinement yet."""
    done = {(item.response.id, item.addresses) for item in workspace.store.refinements()}
    wanting = [item for item in judge(workspace, settings, survey(workspace, settings)) if item.failing]
    return wanting, [item for item in wanting if (item.response.id, _ids(item.failing)) not in done]


def _answers(name: str, workspace: Workspace, settings: Settings, waiting: Sequence[Wanting]) -> list[Answer]:
    """Return what a refiner gives; of several processes the first asks it, but for one that writes, which all ask."""

    def asked() -> list[Answer]:
        refiner = _refiner(name, workspace, settings)
        return list(refiner.refine([(item.response, item.applying) for item in waiting]))

    return as_first_says(asked()) if name == "sample" else by_first(asked)


def classes_of(workspace: Workspace, version: Version) -> tuple[str, ...]:
    """Return the classes of a version that is a classifier; none of one that writes."""
    from sayso.models import labelling

    return labelling.classes_of(Path(workspace.place_of(version.base if version.form == "adapter" else version.path)))


def _refiners(workspace: Workspace, settings: Settings) -> tuple[str, ...]:
    """Return the refiners to try; a classifier's answers are put right by the classes that comments name."""
    wanted = settings.refine.refiners
    if wanted != Refine().refiners or not classes_of(workspace, workspace.version(settings.model_name_or_path)):
        return wanted
    return ("given", "label")


def _refiner(name: str, workspace: Workspace, settings: Settings) -> Refiner:
    kind: Any = registry.load(REFINERS, name, kind="refiner")
    if name == "given":
        return kind(refinements=tuple(workspace.store.refinements()))  # type: ignore[no-any-return]
    if name == "label":
        labels = classes_of(workspace, workspace.version(settings.model_name_or_path))
        return kind(labels=labels, reader=settings.labels.reader)  # type: ignore[no-any-return]
    if name == "sample":
        writer = together(workspace.writer(settings.model_name_or_path))
        refine_settings = settings.refine
        return kind(  # type: ignore[no-any-return]
            writer=writer, sampling=settings.generate, n=refine_settings.num_samples, template=refine_settings.template
        )
    return kind()  # type: ignore[no-any-return]


def _held(comment: Comment) -> Held:
    assert comment.check is not None
    check = load_check(comment.check)
    return lambda text: check(text).held


def _by_response(comments: Sequence[Comment]) -> list[tuple[Comment, ...]]:
    grouped: dict[str, list[Comment]] = {}
    for comment in comments:
        assert comment.response is not None
        grouped.setdefault(comment.response.id, []).append(comment)
    return [tuple(group) for group in grouped.values()]


def _wanting_bound(comments: tuple[Comment, ...]) -> Wanting:
    response = comments[0].response
    assert response is not None
    return Wanting(response=response, applying=comments, failing=comments)


def _ids(comments: Iterable[Comment]) -> tuple[str, ...]:
    return tuple(comment.id for comment in comments)
