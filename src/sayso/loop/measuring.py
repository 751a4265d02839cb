"""Evaluate: the probes of every comment, answered by champion and candidate, and the loss on text nobody commented on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sayso.evaluation import gate, guards, takes
from sayso.i18n import gettext as _
from sayso.loop import Watcher, labelled
from sayso.loop.improving import checkers
from sayso.loop.lineage import learnt_before, origin
from sayso.loop.progress import Progress, ignore
from sayso.loop.settings import Evaluate, Settings
from sayso.loop.workspace import Workspace
from sayso.loop.writing import Field, answer, survey
from sayso.records import Comment, Evaluation, Heldout, Outcome, Probe, Prompt, Retained, Take, Version, identity, reach_of
from sayso.training.engine.place import by_first, each

if TYPE_CHECKING:
    from sayso.batches import Row
    from sayso.models.local import LocalModel

Answers = dict[str, str]


def evaluate(workspace: Workspace, settings: Settings, *, candidate: str, watch: Watcher = ignore) -> Evaluation:
    """Measure a candidate against the version it was trained from, let the gate decide, and keep both.

    Of several processes (`training.place`) that call this together each answers and scores a part, and the first alone
    reads and writes the records.

    Raises:
        NotFoundError: there is no such candidate, or no held-out file where one is named.
    """
    before, after, probed = by_first(lambda: _asked(workspace, settings, candidate))
    prompts = prompts_of(probed)
    texts = [_answers(workspace, name, prompts, settings.evaluate, watch) for name in (before.id, after.id)]
    found = by_first(lambda: outcomes(probed, texts[0], texts[1]))
    measured = tuple(_take(comment, found) for comment in probed)
    heldout = _heldout(workspace, settings, (before.id, after.id), probed, found, watch)
    retained = _retained(workspace, settings, after, {before.id: texts[0], after.id: texts[1]}, watch)

    def kept() -> Evaluation:
        verdict = gate.decide(measured, found, heldout, settings.gate, seed=settings.evaluate.seed)
        created = workspace.clock()
        evaluation = Evaluation(
            id=f"e-{identity([before.id, after.id, measured, found, created])}", champion=before.id, candidate=after.id,
            takes=measured, outcomes=found, heldout=heldout, verdict=verdict, retained=retained, created=created,
        )  # fmt: skip
        workspace.store.add_evaluation(evaluation)
        return evaluation

    return by_first(kept)


def _asked(workspace: Workspace, settings: Settings, candidate: str) -> tuple[Version, Version, list[Comment]]:
    """Return the version that a candidate was trained from, the candidate, and the comments it is tested on."""
    after = workspace.store.version(candidate)
    return origin(workspace, after), after, probed_comments(workspace, settings)


def probed_comments(workspace: Workspace, settings: Settings) -> list[Comment]:
    """Return the standing comments, and those on a classifier's answers, each with the probes it is tested on alone."""
    field = survey(workspace, settings)
    prompts = list(workspace.store.prompts(split="test"))
    standing = [_probed(comment, field, settings.evaluate, prompts) for comment in field.comments]
    return [*standing, *labelled.probed(workspace, settings, field)]


def prompts_of(comments: Iterable[Comment]) -> list[Prompt]:
    """Return the prompts of all probes, each once."""
    return list({probe.prompt.id: probe.prompt for comment in comments for probe in comment.probes}.values())


def _probed(comment: Comment, field: Field, settings: Evaluate, prompts: Sequence[Prompt]) -> Comment:
    """Return the comment with its test probes alone; one that always applies is also tested on the test prompts."""
    probes = list(field.divided[comment.id].test)
    if reach_of(comment) == "always":
        known = {probe.prompt.id for probe in comment.probes}
        probes += [Probe(prompt=prompt, scope="in") for prompt in prompts if prompt.id not in known]
    kept: list[Probe] = []
    for scope in takes.SCOPES:
        kept += [probe for probe in probes if probe.scope == scope][: settings.max_probes]
    return replace(comment, probes=tuple(kept))


def _retained(
    workspace: Workspace, settings: Settings, version: Version, known: dict[str, Answers], watch: Watcher
) -> tuple[Retained, ...]:
    """Return what is left of the open comments learnt on the way to a version and not in its last training.

    Each is counted in scope, after the version that last learnt it and now; what is not answered yet is answered.
    """
    learnt = by_first(lambda: learnt_before(workspace, version))
    if not learnt:
        return ()
    probed = by_first(lambda: probed_comments(workspace, replace(settings, learn_from=tuple(learnt))))
    found = []
    for comment in probed:
        inside = replace(comment, probes=tuple(probe for probe in comment.probes if probe.scope == "in"))
        prompts, at = prompts_of([inside]), learnt[comment.id]
        for name in (at, version.id):
            answered = known.setdefault(name, {})
            missing = [prompt for prompt in prompts if prompt.id not in answered]
            answered |= _answers(workspace, name, missing, settings.evaluate, watch)
        rate = takes.rate(by_first(lambda: outcomes([inside], known[at], known[version.id])))  # noqa: B023  done at once
        if rate is not None:
            found.append(Retained(comment_id=comment.id, text=comment.text, version=at, rate=rate))
    return tuple(found)


def _answers(workspace: Workspace, version: str, prompts: Sequence[Prompt], settings: Evaluate, watch: Watcher) -> Answers:
    model = workspace.model(version)
    stage = _("probe {version}").format(version=version)
    parts = answer(model, prompts, settings.sampling, stage=stage, watch=watch)
    return {prompt.id: text for part, texts in parts for prompt, text in zip(part, texts, strict=True)}


def outcomes(comments: Sequence[Comment], before: Answers, after: Answers) -> tuple[Outcome, ...]:
    """Return one outcome a probe of every comment that can be counted; answers are by the prompt's id."""
    held = checkers(comments)
    countable = [comment for comment in comments if comment.id in held]
    return tuple(outcome for comment in countable for outcome in takes.outcomes(comment, held[comment.id], before, after))


def _take(comment: Comment, found: Sequence[Outcome]) -> Take:
    return takes.take(comment, found)


def _heldout(
    workspace: Workspace,
    settings: Settings,
    versions: tuple[str, str],
    comments: Sequence[Comment],
    found: Sequence[Outcome],
    watch: Watcher,
) -> Heldout | None:
    """Return loss on held-out text before and after; None where there is no such text."""
    from sayso.evaluation import heldout

    texts = by_first(lambda: heldout_texts(workspace, settings, found))
    if not texts:
        return None
    losses, tokens = [], 0
    for number, name in enumerate(versions):
        watch(Progress(stage=_("held-out loss"), done=number, total=len(versions), unit=_("versions")))
        model = workspace.model(name)
        result = heldout.loss(model, heldout_rows(model, texts), each=each)
        losses.append(result.loss)
        tokens = result.tokens
    outside = [outcome for outcome in found if outcome.scope != "in"]
    return Heldout(
        loss_before=losses[0], loss_after=losses[1], tokens=tokens, length_ratio=guards.length_ratio(outside),
        copying=guards.copying(found, {comment.id: comment for comment in comments}),
    )  # fmt: skip


def heldout_texts(workspace: Workspace, settings: Settings, found: Sequence[Outcome]) -> list[tuple[Prompt, str]]:
    """Return the held-out text: that of the file named in the settings, else the answers before, out of scope."""
    if settings.evaluate.heldout:
        from sayso.store import exchange

        path = Path(settings.evaluate.heldout)
        responses = exchange.good_responses(path if path.is_absolute() else workspace.folder / path)
        return [(response.prompt, response.text) for response in responses]
    # Without a file: what the champion itself says out of scope, which the candidate should still find likely.
    return list(
        {item.prompt.id: (item.prompt, item.before) for item in found if item.scope == "out" and item.before}.values()
    )


def heldout_rows(model: LocalModel, texts: Sequence[tuple[Prompt, str]]) -> list[Row]:
    """Return held-out text as rows; what does not fit the model's context is left out."""
    from sayso.batches import row

    rows = [row(model.encode_prompt(prompt), model.encode_response(text)) for prompt, text in texts]
    return [item for item in rows if len(item.ids) <= model.max_length]
