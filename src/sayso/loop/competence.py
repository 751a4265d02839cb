"""How well a version follows a comment it is told: the share of its failing answers that it then puts right.

A method whose teacher is the model itself, told the comment, can only teach what the model then does better. What was
measured is kept in the workspace by its content, so that the same answer is tried once a version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sayso.critics.parts import is_sound
from sayso.i18n import gettext as _
from sayso.loop import Watcher
from sayso.loop.improving import Wanting, checkers, judge
from sayso.loop.progress import Progress, ignore
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace, write_whole
from sayso.loop.writing import survey
from sayso.models.templates import TEMPLATES
from sayso.records import Prompt, Version, identity

if TYPE_CHECKING:
    from sayso.models.local import LocalModel
    from sayso.models.writing.sampling import Sampling

NEEDED = ("hindsight", "cut", "feedback_rl")
"""The methods whose teacher is the model told the comment."""
MOST = 24
"""So many failing answers are tried."""
FILE = "competence.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Competence:
    """What a version made of its failing answers."""

    told: int
    """Of `n`, those it put right when it was told the comments."""
    again: int
    """Of `n`, those it put right when it was only asked again: what chance does."""
    n: int

    @property
    def share(self) -> float:
        """Those put right when told, of all."""
        return self.told / self.n


def measure(workspace: Workspace, settings: Settings, version: Version, *, watch: Watcher = ignore) -> Competence | None:
    """Return how well a version follows comments, on up to 24 of its answers that do not meet a comment with a check.

    What was tried before is read, the rest is tried and kept. None where there is no such answer.
    """
    chosen, keys = _chosen(workspace, settings, version)
    known = _read(workspace)
    new = [(item, key) for item, key in zip(chosen, keys, strict=True) if key not in known]
    if new:
        stage = _("competence of {version}").format(version=version.id)
        watch(Progress(stage=stage, done=0, total=len(new), unit=_("responses")))
        known |= _tried(workspace, settings, version, new)
        write_whole(workspace.folder / FILE, json.dumps(known, indent=0, sort_keys=True) + "\n")
        watch(Progress(stage=stage, done=len(new), total=len(new), unit=_("responses")))
    return _of([known[key] for key in keys])


def recall(workspace: Workspace, settings: Settings, version: Version) -> Competence | None:
    """Return what was measured already of the answers that there are now; None where nothing was."""
    _items, keys = _chosen(workspace, settings, version)
    kept = _read(workspace)
    return _of([kept[key] for key in keys if key in kept])


def _of(tried: Sequence[Sequence[bool]]) -> Competence | None:
    if not tried:
        return None
    return Competence(told=sum(told for told, _again in tried), again=sum(again for _told, again in tried), n=len(tried))


def _chosen(workspace: Workspace, settings: Settings, version: Version) -> tuple[list[Wanting], list[str]]:
    """Return the answers to try, chosen by their hash so that further ones change little, and the keys of what comes out."""
    judged = judge(workspace, replace(settings, model_name_or_path=version.id), survey(workspace, settings))
    failing = [item for item in judged if item.failing and all(comment.check for comment in item.failing)]
    how = [version.id, version.path, version.sha256, settings.refine.template, asdict(settings.generate)]
    keyed = {
        identity([how, item.response.prompt.messages, item.response.text, _said(item)]): item for item in failing
    }  # fmt: skip
    keys = sorted(keyed)[:MOST]
    return [keyed[key] for key in keys], keys


def _said(item: Wanting) -> list[Any]:
    return [[comment.text, comment.check] for comment in item.failing]


def _tried(
    workspace: Workspace, settings: Settings, version: Version, new: Sequence[tuple[Wanting, str]]
) -> dict[str, list[bool]]:
    """Let the version answer once told the comments and once not; without chance, so that it can be had again."""
    model, sampling = workspace.model(version.id), replace(settings.generate, temperature=0.0)
    tell = TEMPLATES[settings.refine.template]
    told = _texts(model, [tell(item.response.prompt, item.response, item.failing) for item, _key in new], sampling)
    again = _texts(model, [item.response.prompt for item, _key in new], sampling)
    found: dict[str, list[bool]] = {}
    for (item, key), tries in zip(new, zip(told, again, strict=True), strict=True):
        held = checkers(item.failing)
        found[key] = [is_sound(text) and all(held[comment.id](text) for comment in item.failing) for text in tries]
    return found


def _texts(model: LocalModel, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
    """Return an answer to each prompt; none to one that leaves no room for it, which puts nothing right."""
    room = [len(model.encode_prompt(prompt)) < model.max_length for prompt in prompts]
    written = iter(model.generate([prompt for prompt, fits in zip(prompts, room, strict=True) if fits], sampling))
    return [next(written) if fits else "" for fits in room]


def _read(workspace: Workspace) -> dict[str, list[bool]]:
    path = workspace.folder / FILE
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}  # a file of measurements that can be had again
    return {key: [bool(item) for item in pair] for key, pair in found.items()}
