"""What a step would do, in numbers, without doing it: nothing is written, in the store or on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sayso.errors import PreflightError
from sayso.i18n import gettext as _
from sayso.i18n import say
from sayso.loop import importing
from sayso.loop.grounding import ground
from sayso.loop.improving import judge
from sayso.loop.learning import anchors_for, gather, method_of, policy_for
from sayso.loop.lineage import origin
from sayso.loop.settings import Settings
from sayso.loop.staging import stages_of
from sayso.loop.starting import folder_for, settings_of
from sayso.loop.workspace import CHAMPION, SETTINGS, Workspace
from sayso.loop.writing import survey


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A sentence for people, and its numbers."""

    sentence: str
    numbers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def form(self) -> dict[str, Any]:
        """The preview as JSON values."""
        return {"dry_run": True, **self.numbers}


def generate(workspace: Workspace, settings: Settings) -> Preview:
    """Say how many prompts would be answered."""
    version = workspace.store.version(settings.model_name_or_path or CHAMPION)
    wanted = {placed.prompt.id for placed in survey(workspace, settings).placed}
    answered = wanted & {response.prompt.id for response in workspace.store.responses(version=version.id)}
    numbers = {"version": version.id, "prompts": len(wanted), "answered": len(answered), "missing": len(wanted - answered)}
    sentence = _("Would answer {missing} of {prompts} prompts with {version}; {answered} are answered already.")
    return _preview(sentence, numbers)


def refine(workspace: Workspace, settings: Settings) -> Preview:
    """Say how many responses would be refined, and by what."""
    found = [item for item in judge(workspace, settings, survey(workspace, settings)) if item.failing]
    done = {(item.response.id, item.addresses) for item in workspace.store.refinements()}
    kept = sum((item.response.id, tuple(comment.id for comment in item.failing)) in done for item in found)
    numbers = {"wanting": len(found), "kept": kept, "waiting": len(found) - kept, "refiners": list(settings.refine.refiners)}
    sentence = _("Would look for a refinement of {waiting} responses with {refiners}; {kept} of {wanting} have one already.")
    return _preview(sentence, numbers)


def learn(workspace: Workspace, settings: Settings) -> Preview:
    """Say how many rows and steps a training would have; of stages, each as if it began with the version of the first.

    Raises:
        PreflightError: nothing could be learnt; the training would be refused.
    """
    found = [_lesson(workspace, stage) for stage in stages_of(settings)]
    if len(found) == 1:
        return found[0]
    said = [f"{number}. {item.sentence}" for number, item in enumerate(found, start=1)]
    return Preview(sentence="\n".join(said), numbers={"stages": [item.numbers for item in found]})


def _lesson(workspace: Workspace, settings: Settings) -> Preview:
    """Say how many rows and steps one training would have."""
    from sayso.training.engine import order

    method = method_of(settings)
    version = workspace.store.version(settings.model_name_or_path or CHAMPION)
    material = gather(workspace, settings, method)
    policy = policy_for(workspace, settings, version)
    found = ground(method, policy, material, settings.train)
    anchors = anchors_for(method, policy, settings, material)
    numbers = {
        "method": settings.method_name,
        "version": version.id,
        "examples": len(material.examples),
        "rows": len(found.rows),
        "tokens": sum(len(row.ids) for row in found.rows),
        "steps": order.num_steps(found.groups, settings.train),
        "anchors": {"near": len(anchors.near) if anchors else 0, "out": len(anchors.out) if anchors else 0},
        "unrefined": material.unrefined,
    }
    if found.first is not None:
        sentence = _(
            "Would train {version} with {method}: {steps} steps on answers drawn while training, {answers} at the first."
        )
        return _preview(sentence, {**numbers, "answers": found.first.answers, "reward": found.first.reward})
    sentence = _("Would train {version} with {method}: {steps} steps on {rows} rows of {tokens} tokens in all.")
    return _preview(sentence, numbers)


def evaluate(workspace: Workspace, settings: Settings, candidate: str) -> Preview:
    """Say how many probes would be answered, twice."""
    after = workspace.store.version(candidate)
    before = origin(workspace, after)
    found = survey(workspace, settings)
    probes = [probe for item in found.comments for probe in found.divided[item.id].test]
    numbers = {
        "champion": before.id,
        "candidate": after.id,
        "comments": len(found.comments),
        "probes": len(probes),
        "prompts": len({probe.prompt.id for probe in probes}),
    }
    sentence = _(
        "Would let {champion} and {candidate} answer {prompts} test prompts, for {probes} probes of {comments} comments."
    )
    return _preview(sentence, numbers)


def promote(workspace: Workspace, name: str) -> Preview:
    """Say which version would take the place of which."""
    after = workspace.store.version(name).id
    numbers = {"before": workspace.store.alias(CHAMPION) or "", "after": after}
    return _preview(_("Would make {after} the champion (now: {before})."), numbers)


def comments(workspace: Workspace, path: Path) -> Preview:
    """Say how many comments of a file are new, and how many lines are wrong."""
    from sayso.store import exchange

    reading = exchange.read_comments(path, verify=importing.verify)
    known = {comment.id for comment in workspace.store.comments(status=None)}
    new = sum(comment.id not in known for comment in reading.comments)
    numbers = {
        "comments": len(reading.comments),
        "new": new,
        "refinements": len(reading.refinements),
        "faults": [{"where": fault.where, "message": fault.message} for fault in reading.faults],
        "wrong": len(reading.faults),
    }
    sentence = _("Would import {comments} comments ({new} new) and {refinements} refinements; faults: {wrong}.")
    return _preview(sentence, numbers)


def loop(folder: Path | None, layers: Sequence[Mapping[str, Any]], assignments: Sequence[str]) -> Preview:
    """Say where a round would be done, and with what."""
    place = folder_for(folder, layers)
    if (place / SETTINGS).is_file() or not layers:
        workspace = Workspace.open(place)
        try:
            settings = workspace.settings(*layers, assignments=assignments)
            version = workspace.store.alias(CHAMPION) or ""
        finally:
            workspace.close()
        made = False
    else:
        settings, made = settings_of(layers, assignments), True
        version = settings.model_name_or_path
    methods = {stage.method_name: method_of(stage) for stage in stages_of(settings)}
    files = importing.look(settings, place if not made else None)
    numbers = {
        "workspace": str(place),
        "made": made,
        "version": settings.model_name_or_path or version,
        "method": ", ".join(methods),
        "comments": len(files.comments),
        "prompts": files.prompts,
    }
    first = _("Would make the workspace {workspace}. ") if made else _("Would work in {workspace}. ")
    sentence = _("A round with {method} on {version}: {comments} comments and {prompts} prompts in its files.")
    return _preview(first + sentence, numbers)


def with_files(workspace: Workspace, settings: Settings, look: Callable[[], Preview]) -> Preview:
    """Return a step's preview together with what would be imported first; `look` gives the preview without it.

    Raises:
        RecordError: a line of a file that the settings name is wrong.
    """
    if not (settings.prompts or settings.comments):
        return look()
    files = importing.look(settings, workspace.folder)
    numbers = {"comments": len(files.comments), "prompts": files.prompts}
    said = _("Would first import {comments} comments and {prompts} prompts; without them: ").format(**numbers)
    try:
        found = look()
    except PreflightError as error:  # what is missing may stand in the files
        return Preview(sentence=said + say(error), numbers={"import": numbers})
    return Preview(sentence=said + found.sentence, numbers={**found.numbers, "import": numbers})


def _preview(sentence: str, numbers: Mapping[str, Any]) -> Preview:
    words = {
        name: ", ".join(value) if isinstance(value, list) else value for name, value in numbers.items() if name != "faults"
    }
    return Preview(sentence=sentence.format(**words), numbers=numbers)
