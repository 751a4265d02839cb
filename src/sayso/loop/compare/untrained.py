"""What a comparison sets beside the trained methods: the model as it is, told the comments, or told by a memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sayso.errors import ModelError, PreflightError
from sayso.i18n import gettext as _
from sayso.i18n import say
from sayso.loop import Watcher
from sayso.loop.bench import memory
from sayso.loop.compare import prompting
from sayso.loop.compare.trying import write
from sayso.loop.measuring import heldout_rows
from sayso.loop.progress import ignore
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace
from sayso.loop.writing import survey
from sayso.models import templates
from sayso.records import Comment, Prompt, ask
from sayso.records import plain as plain_record

if TYPE_CHECKING:
    from sayso.models.local import LocalModel

AS_IT_IS, TOLD, MEMORY, SEARCHED = "as it is", "in the prompt", "memory", "prompt by GEPA"
WAYS = (AS_IT_IS, TOLD, MEMORY, SEARCHED)
CALLS = 200
"""Answers that GEPA may have judged."""


def answer(
    workspace: Workspace, settings: Settings, comments: Sequence[Comment], prompts: Sequence[Prompt], watch: Watcher = ignore
) -> dict[str, Any]:
    """Return the answers of each untrained way by the prompt's id; where a way cannot be tried, why, under `left_out`."""
    model = workspace.model(settings.model_name_or_path)
    found: dict[str, Any] = {"left_out": {}}
    ways = {AS_IT_IS: list(prompts), TOLD: [templates.told(prompt, _spoken(comments)) for prompt in prompts]}
    ways[MEMORY] = _remembered(workspace, settings, comments, prompts)
    for name, asked in ways.items():
        try:
            found[name] = _answers(model, name, prompts, asked, settings, watch)
        except ModelError as error:
            if name == AS_IT_IS:
                raise
            found["left_out"][name] = say(error)
    return found


def searched(
    workspace: Workspace,
    settings: Settings,
    comments: Sequence[Comment],
    prompts: Sequence[Prompt],
    reflector: str,
    calls: int = CALLS,
    watch: Watcher = ignore,
) -> dict[str, Any]:
    """Return the answers to prompts with the system text that GEPA found, and that text; or why it found none.

    Raises:
        MissingExtraError: GEPA is not installed.
    """
    model, sampling = workspace.model(settings.model_name_or_path), settings.evaluate.sampling
    placed = survey(workspace, settings).placed
    plain = write(model, [item.prompt for item in placed], sampling, said(SEARCHED), watch)
    before = {item.prompt.id: text for item, text in zip(placed, plain, strict=True)}
    first = templates.told(ask(""), _spoken(comments)).messages[0].content
    try:
        found = prompting.search(
            model, workspace.writer(reflector), prompting.tasks(placed, comments, before), first, calls=calls,
            sampling=sampling, watch=watch,
        )  # fmt: skip
        asked = [prompting.told(prompt, found.text) for prompt in prompts]
        answers = _answers(model, SEARCHED, prompts, asked, settings, watch)
    except (ModelError, PreflightError) as error:
        return {"left_out": {SEARCHED: say(error)}}
    return {SEARCHED: answers, "searched": {**plain_record(found), "reflector": reflector}}


def heldout_loss(workspace: Workspace, settings: Settings, texts: Sequence[tuple[Prompt, str]]) -> dict[str, Any]:
    """Return the model's loss on held-out text; None where none of it fits."""
    from sayso.evaluation import heldout

    model = workspace.model(settings.model_name_or_path)
    rows = heldout_rows(model, texts)
    return {"heldout_loss": heldout.loss(model, rows).loss if rows else None}


def _answers(
    model: LocalModel,
    name: str,
    prompts: Sequence[Prompt],
    asked: Sequence[Prompt],
    settings: Settings,
    watch: Watcher,
) -> dict[str, str]:
    texts = write(model, asked, settings.evaluate.sampling, said(name), watch)
    return {prompt.id: text for prompt, text in zip(prompts, texts, strict=True)}


def said(name: str) -> str:
    """Return an untrained way in the user's language; any other name as it is."""
    words = {AS_IT_IS: _("as it is"), TOLD: _("in the prompt"), MEMORY: _("memory"), SEARCHED: _("prompt by GEPA")}
    return words.get(name, name)


def _remembered(
    workspace: Workspace, settings: Settings, comments: Sequence[Comment], prompts: Sequence[Prompt]
) -> list[Prompt]:
    """Tell with each prompt the comments that applied to the most alike of the prompts to learn from."""
    placed = survey(workspace, settings).placed
    if not placed:
        return list(prompts)
    known = {comment.id: comment for comment in comments}
    nearest = memory.nearest([item.prompt.text for item in placed], [prompt.text for prompt in prompts])
    inside = [[known[name] for name in placed[place].inside if name in known] for place in nearest]
    return [templates.told(prompt, _spoken(some)) for prompt, some in zip(prompts, inside, strict=True)]


def _spoken(comments: Sequence[Comment]) -> list[Comment]:
    """Return the comments as they are told: their words, with their scope where the words do not name it."""
    return [_with_scope(comment) for comment in comments]


def _with_scope(comment: Comment) -> Comment:
    scope = comment.scope_text.strip()
    if not scope or scope.lower() in comment.text.lower():
        return Comment(text=comment.text, id=comment.id)
    return Comment(text=f"{comment.text} ({scope})", id=comment.id)
