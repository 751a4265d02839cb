"""What a method would learn from, read as texts: the examples, refinements and anchors that `sayso learn` would use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from sayso.errors import PreflightError
from sayso.i18n import gettext as _
from sayso.loop.export.scribe import Line, Scribe, lines_of
from sayso.loop.learning import gather, holds, method_of
from sayso.loop.settings import Settings
from sayso.loop.staging import stage_of
from sayso.loop.workspace import Workspace
from sayso.records import Comment, Example, Prompt, Response, Version
from sayso.store.bridges.results import Lost

if TYPE_CHECKING:
    from sayso.loop.learning import Material
    from sayso.methods import Method
    from sayso.models.forms.chat import Chat

Form = Literal["completions", "pairs", "marks", "hints", "tasks"]
FORMS: dict[str, Form] = {
    "sft": "completions",
    "refine_sft": "completions",
    "conditional": "completions",
    "critique": "completions",
    "cut": "completions",
    "refine_dpo": "pairs",
    "scoped": "pairs",
    "polarity": "marks",
    "hindsight": "hints",
    "feedback_rl": "tasks",
}
"""What each method's data set is: answers to imitate, pairs, praised and blamed answers, answers with what was said of them,
or prompts with checks."""
_HELD = ("near", "out")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A prompt with an answer to prefer to another."""

    prompt: Prompt
    chosen: str
    rejected: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Hint:
    """A prompt, an answer to it, and what a teacher reads besides."""

    prompt: Prompt
    answer: str
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A prompt, the comments whose checks judge new answers to it, and the response they were made on."""

    prompt: Prompt
    comments: tuple[Comment, ...]
    response: Response | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSet:
    """What a method would learn from, and what it would be learnt with."""

    form: Form
    method: Method
    settings: Settings
    model: str
    """The model to begin with: a folder or a Hugging Face id."""
    adapter: str
    """The adapter on it that the version is; empty where it is a whole model."""
    chat: Chat
    """How the model's conversations are written."""
    lines: tuple[Line, ...] = ()
    pairs: tuple[Pair, ...] = ()
    hints: tuple[Hint, ...] = ()
    tasks: tuple[Task, ...] = ()
    anchors: tuple[Line, ...] = ()
    """The model's own answers that are to stay as they are; their kind is `near` or `out`."""
    lost: tuple[Lost, ...] = ()
    """What of the rows no other trainer has a place for."""

    @property
    def name(self) -> str:
        """The method's name."""
        return self.settings.method_name

    @property
    def rows(self) -> Sequence[Line | Pair | Hint | Task]:
        """The rows of its form."""
        return {"pairs": self.pairs, "hints": self.hints, "tasks": self.tasks}.get(self.form, self.lines)  # type: ignore[return-value]


def why_not(name: str) -> str:
    """Return why a method has no form in other trainers; empty where it has one."""
    if name in FORMS:
        return ""
    if name == "edit_weighted":
        return _(
            "every token has a weight of its own, some below 0, and no data set of other trainers has a place for them; "
            "refine_sft and refine_dpo learn from the same refinements and can be exported"
        )
    if name == "rationale":
        return _(
            "it holds a classifier's gradients down at the words beside the marked ones, which no data set of other "
            "trainers can say; refine_sft learns the same classes and can be exported"
        )
    return _("only sayso's own methods can be exported: {known}").format(known=", ".join(FORMS))


def read(workspace: Workspace, settings: Settings) -> DataSet:
    """Return what the configured method would learn from in this workspace.

    Raises:
        PreflightError: the method has no form in other trainers, or there is nothing to learn from.
        SettingsError: trainings stand in sequence; see `staging.stage_of`.
    """
    settings = stage_of(settings, None)
    method = method_of(settings)
    reason = why_not(settings.method_name)
    if reason:
        raise PreflightError("{method} cannot be exported: {reason}", method=settings.method_name, reason=reason)
    version = workspace.version(settings.model_name_or_path)
    material = gather(workspace, settings, method)
    found = read_material(method, material, settings, places_of(workspace, version))
    if not found.rows:
        raise PreflightError(
            "{method} would learn from nothing here; sayso plan says what is missing", method=settings.method_name
        )
    return found


def places_of(workspace: Workspace, version: Version) -> tuple[str, str]:
    """Return where a version's model lies, and its adapter."""
    if version.form != "adapter":
        return workspace.place_of(version.path), ""
    return workspace.place_of(version.base), workspace.place_of(version.path)


def read_material(method: Method, material: Material, settings: Settings, places: tuple[str, str]) -> DataSet:
    """Return what a method learns from its examples; `places` are the model's and its adapter's."""
    from sayso.models import folders
    from sayso.models.forms.chat import chat_of

    model, adapter = places
    found = DataSet(
        form=FORMS[settings.method_name], method=method, settings=settings, model=model, adapter=adapter,
        chat=chat_of(folders.open_tokenizer(folders.find(model))), anchors=_anchors(method, material, settings),
    )  # fmt: skip
    return _READERS[found.form](found, material.given(method))


def _completions(found: DataSet, given: tuple[Example, ...]) -> DataSet:
    rows = lines_of(found.method, given)
    lost = []
    if found.name == "cut":
        from sayso.methods.cut import FAULTY

        rows = [row for place, row in enumerate(rows) if place % 2 or not any(line.kind == FAULTY for line in row)]
        gone = len(list(lines_of(found.method, given))) - len(rows)
        lost.append(
            (
                _("responses without their comment"),
                gone,
                _("words that are pushed down have no place; conditional loses nothing"),
            )
        )
    lines = [line for row in rows for line in row]
    odd = sum(line.weight != lines[0].weight for line in lines)
    usual = _("they would weigh {weight}, and all rows weigh the same there")
    lost += [
        (_("rows of another weight"), sum(line.weight == weight for line in lines), usual.format(weight=weight))
        for weight in sorted({line.weight for line in lines} - {lines[0].weight} if odd else ())
    ]
    return replace(found, lines=tuple(lines), lost=_lost(lost))


def _pairs(found: DataSet, given: tuple[Example, ...]) -> DataSet:
    """Return pairs, each once: where the method goes round the shorter of its lists, that is repetition only."""
    lines = [line for row in lines_of(found.method, given) for line in row if line.kind not in _HELD]
    pairs = [
        Pair(prompt=chosen.prompt, chosen=chosen.answer, rejected=rejected.answer)
        for chosen, rejected in zip(lines[0::2], lines[1::2], strict=True)
    ]
    once = _once(pairs) if holds(found.method) else pairs
    again = (_("repetitions of pairs"), len(pairs) - len(once), _("every pair stands there once"))
    return replace(found, pairs=tuple(once), lost=_lost([again]))


def _marks(found: DataSet, given: tuple[Example, ...]) -> DataSet:
    """Return the praised and blamed answers; what estimates the reference point, the other trainer makes itself."""
    from sayso.methods.polarity import BAD, GOOD

    lines = [line for row in lines_of(found.method, given) for line in row]
    return replace(found, lines=tuple(line for line in lines if line.kind in (GOOD, BAD)))


def _hints(found: DataSet, given: tuple[Example, ...]) -> DataSet:
    method: Any = found.method
    logged: Method = replace(method, on_policy=False)
    rows = [line for row in lines_of(logged, given) for line in row]
    size = logged.group
    plain, told = rows[0::size], rows[1::size]
    hints = [
        Hint(prompt=line.prompt, answer=line.answer, words=_words(line.prompt, other.prompt))
        for line, other in zip(plain, told, strict=True)
    ]
    lost = [(_("answers in the column completion"), len(hints), _("the trainer does not read them: it draws its own"))]
    if method.template != "hindsight":
        lost.append((_("the place of the comments"), len(hints), _("the teacher reads them at the end of the prompt")))
    return replace(found, hints=tuple(hints), lost=_lost(lost if not method.on_policy else lost[1:]))


def _words(prompt: Prompt, told: Prompt) -> str:
    """Return what a told prompt says beyond the prompt; of several turns the last."""
    new = [message.content for message in told.messages if message not in prompt.messages]
    return new[-1].removeprefix(f"{prompt.messages[-1].content}\n\n") if new else ""


def _tasks(found: DataSet, given: tuple[Example, ...]) -> DataSet:
    method: Any = found.method
    tasks = [
        Task(prompt=task.prompt, comments=task.comments, response=task.response) for task in method.tasks(given, Scribe())
    ]
    again = (_("second answers"), len(tasks), _("the trainer draws first answers only; comments are not told there"))
    return replace(found, tasks=tuple(tasks), lost=_lost([again]))


_READERS: dict[Form, Callable[[DataSet, tuple[Example, ...]], DataSet]] = {
    "completions": _completions, "pairs": _pairs, "marks": _marks, "hints": _hints, "tasks": _tasks,
}  # fmt: skip


def _anchors(method: Method, material: Material, settings: Settings) -> tuple[Line, ...]:
    if not holds(method) and not settings.guard.enabled:
        return ()
    return tuple(
        Line(prompt=item.prompt, answer=item.response.text, kind=item.scope)
        for item in (*material.near, *material.out)
        if item.response is not None
    )


def _lost(found: Iterable[tuple[str, int, str]]) -> tuple[Lost, ...]:
    return tuple(Lost(what=what, count=count, reason=reason) for what, count, reason in found if count)


Found = TypeVar("Found")


def _once(found: Sequence[Found]) -> list[Found]:
    return list(dict.fromkeys(found))
