"""Generate: the champion answers every prompt that may be learnt from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sayso.errors import PreflightError
from sayso.i18n import gettext as _
from sayso.loop import Watcher
from sayso.loop.progress import Progress, ignore
from sayso.loop.scopes import Divided, Placed, divide, place, standing
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace
from sayso.models import Writer
from sayso.models.remote import Remote
from sayso.models.writing.sampling import Sampling
from sayso.records import Comment, Prompt, Response
from sayso.store import review
from sayso.training.engine.place import by_first, each, together
from sayso.training.engine.place import place as place_of_process


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """What a round works on: the open comments, their probes divided, and every prompt with its scopes."""

    comments: tuple[Comment, ...]
    """Standing comments, open."""
    bound: tuple[Comment, ...]
    """Open comments on a single response that ask for something better."""
    praised: tuple[Comment, ...]
    """Open comments on a single response that say it is good."""
    divided: dict[str, Divided]
    placed: tuple[Placed, ...]


def survey(workspace: Workspace, settings: Settings) -> Field:
    """Return the comments and prompts of the workspace, divided and placed."""
    wanted = settings.learn_from
    opened = [item for item in workspace.store.comments(status="open") if not wanted or item.id in wanted]
    comments = standing(opened)
    bound = [item for item in opened if item.response is not None and item.kind in ("fix", "concern")]
    praised = [item for item in opened if item.response is not None and item.kind == "keep"]
    evaluate = settings.evaluate
    divided = {item.id: divide(item, test_fraction=evaluate.test_fraction, seed=evaluate.seed) for item in comments}
    placed = place(comments, divided, workspace.store.prompts())
    return Field(comments=tuple(comments), bound=tuple(bound), praised=tuple(praised), divided=divided, placed=tuple(placed))


def idle(field: Field) -> tuple[Comment, ...]:
    """Return the comments that apply to nothing: no prompt that may be learnt from is in their scope."""
    applying = {comment_id for placed in field.placed for comment_id in placed.inside}
    return tuple(comment for comment in field.comments if comment.id not in applying)


def generate(workspace: Workspace, settings: Settings, *, prompts: Sequence[Prompt] = (), watch: Watcher = ignore) -> int:
    """Answer the prompts that this version has not answered yet; return how many responses were written.

    Of several processes (`training.place`) that call this together each answers a part, and the first keeps them.

    Raises:
        PreflightError: there is no prompt.
    """
    version, parts = by_first(lambda: _parts(workspace, settings, prompts))
    for part, sampling in parts:
        _write(workspace, version, part, sampling, watch)
    return sum(len(part) for part, _sampling in parts)


def _parts(
    workspace: Workspace, settings: Settings, prompts: Sequence[Prompt]
) -> tuple[str, list[tuple[list[Prompt], Sampling]]]:
    """Return the version that writes, and what it has not answered yet, with how that is drawn."""
    version = workspace.version(settings.model_name_or_path)
    wanted = list(prompts) or [placed.prompt for placed in survey(workspace, settings).placed]
    if not wanted:
        bound = survey(workspace, settings).bound
        if bound:
            return version.id, []
        raise PreflightError(
            "there is no prompt to answer; import prompts (prompts: FILE in the round) or comments with probes"
        )
    answered = {response.prompt.id for response in workspace.store.responses(version=version.id)}
    anchors = {placed.prompt.id for placed in survey(workspace, settings).placed if placed.anchor} if not prompts else set()
    missing = [prompt for prompt in wanted if prompt.id not in answered]
    # What only anchors is drawn more widely than what is to be refined: it stands for all that the model could say.
    wide = replace(settings.generate, temperature=settings.guard.temperature)
    both = ((False, settings.generate), (True, wide))
    return version.id, [([item for item in missing if (item.id in anchors) == held], how) for held, how in both]


def _write(workspace: Workspace, version: str, prompts: Sequence[Prompt], sampling: Sampling, watch: Watcher) -> None:
    from sayso.evaluation.sureness import sureness
    from sayso.models.local import LocalModel

    if not prompts:
        return
    writer = workspace.writer(version)
    for part, texts in answer(writer, prompts, sampling, stage=_("generate"), watch=watch):
        pairs = zip(part, texts, strict=True)
        written = [Response(prompt=asked, text=text, version=version) for asked, text in pairs]
        first = place_of_process().first
        if first:
            workspace.store.add_responses(written)
        if isinstance(writer, LocalModel):  # an engine behind an address does not say how sure it is
            scores = sureness(writer, written, each=each)
            if first:
                review.set_scores(workspace.store, scores)


def answer(
    writer: Writer, prompts: Sequence[Prompt], sampling: Sampling, *, stage: str, watch: Watcher = ignore
) -> Iterator[tuple[Sequence[Prompt], list[str]]]:
    """Yield prompts with their answers, some batches at a time, so that progress shows and an interruption loses little.

    Those of an engine behind an address come one by one, as they arrive.
    """
    if isinstance(writer, Remote) and place_of_process().size == 1:
        for done, (number, text) in enumerate(writer.arriving(prompts, sampling), start=1):
            yield [prompts[number]], [text]
            watch(Progress(stage=stage, done=done, total=len(prompts), unit=_("responses")))
        return
    shared, size = together(writer), sampling.batch_size * max(2, place_of_process().size)
    for start in range(0, len(prompts), size):
        part = prompts[start : start + size]
        yield part, shared.generate(part, sampling)
        watch(Progress(stage=stage, done=start + len(part), total=len(prompts), unit=_("responses")))
