"""Compare: several methods on the workspace's own comments, from the same parent, data and seeds, at an equal budget.

Nothing is promoted, and no version is made: what is trained stays in the comparison's folder, one file a finished unit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.errors import ModelError, PreflightError, SettingsError
from sayso.i18n import gettext as _
from sayso.i18n import say
from sayso.loop import Watcher, improving, measuring, writing
from sayso.loop.compare import comparison, trying, units, untrained
from sayso.loop.compare.budgets import Budget, Pace, needs_trial, usual
from sayso.loop.compare.marks import RUN, begun, expect_same, mark_of, material_mark, places_of
from sayso.loop.compare.trying import Entry, Ring
from sayso.loop.compare.units import file_of, slug, write_json
from sayso.loop.learning import Material, gather
from sayso.loop.previewing import Preview
from sayso.loop.progress import ignore
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace
from sayso.records import Comment, plain

if TYPE_CHECKING:
    from sayso.models.local import LocalModel

UNTRAINED, FOLDER = "untrained.json", "compare"
FORMAT = "sayso compare 1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is compared."""

    entries: tuple[Entry, ...]
    seeds: int = 3
    budget: Budget | None = None
    """None: as many tokens as the first method reads with the settings as they are."""
    out: Path | None = None
    """None: the folder `compare` of the workspace."""
    keep: bool = False
    """Whether trained weights stay in the folder."""
    reflector: str = ""
    """What GEPA asks for better instructions: a version, a folder, or an engine's address; empty: no GEPA."""
    calls: int = untrained.CALLS
    """Answers that GEPA may have judged."""
    words: tuple[str, ...] = ()
    """What the command line was given besides, for the command that learns with the winner."""

    def folder(self, workspace: Workspace) -> Path:
        """Return where the comparison is kept."""
        return self.out.resolve() if self.out is not None else workspace.folder / FOLDER


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A method that could learn nothing here, and why."""

    label: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Field:
    """What the comparison works on, read from the workspace once."""

    ring: Ring
    comments: tuple[Comment, ...]
    """With the probes they are tested on."""
    untrained: Mapping[str, Any]
    seeds: tuple[int, ...]


def compare(
    workspace: Workspace, settings: Settings, asked: Asked, *, watch: Watcher = ignore, places: Sequence[str] | None = None
) -> dict[str, Any]:
    """Train every method with every seed, test them all, and return the result; taken up where it stopped.

    `places` names CUDA devices, one a process; None: all there are, where there are several.

    Raises:
        SettingsError: the folder holds another comparison, or the workspace changed since it began; or there are stages.
        PreflightError: no method has what it reads, or nothing could be counted.
        StoreError: the disk refused.
    """
    _expect_no_stages(settings)
    folder = asked.folder(workspace)
    before = begun(folder)
    mark = mark_of(workspace, settings)
    expect_same(folder, before, mark)
    writing.generate(workspace, settings, watch=watch)
    improving.refine(workspace, settings, watch=watch)
    mark |= {"responses": material_mark(workspace, settings)}
    expect_same(folder, before, mark)
    write_json(folder / RUN, {"format": FORMAT, **before, **mark})
    field = _field(workspace, settings, asked, folder, watch)
    left_out: list[LeftOut] = []
    materials = _materials(workspace, settings, asked, left_out)
    field, paces = _checked(workspace, field, asked, before, materials, left_out, folder)
    mark |= {"budget": plain(field.ring.budget)}
    expect_same(folder, before, mark)
    write_json(folder / RUN, {"format": FORMAT, **mark})
    workspace.forget_models()
    work = units.units_of(asked.entries, field.seeds, materials, paces, folder, keep=asked.keep)
    units.do(field.ring, work, units.cuda() if places is None else places, watch)
    told = comparison.Told(
        workspace=str(workspace.folder), parent=mark["parent"]["version"], budget=field.ring.budget, seeds=field.seeds,
        comments=field.comments, left_out=tuple((item.label, item.reason) for item in left_out), words=asked.words,
        entries=asked.entries, rate=settings.train.learning_rate,
    )  # fmt: skip
    records = [json.loads(unit.file.read_text(encoding="utf-8")) for unit in work]
    return comparison.write(folder, told, records, field.untrained, settings.gate)


def preview(workspace: Workspace, settings: Settings, asked: Asked) -> Preview:
    """Say what would be compared, and what of it is done; nothing is written, loaded or trained."""
    _expect_no_stages(settings)
    folder = asked.folder(workspace)
    before = begun(folder)
    if before:
        expect_same(folder, before, mark_of(workspace, settings))
    seeds = _seeds(settings, asked)
    done = sum(file_of(folder, entry, seed).is_file() for entry in asked.entries for seed in seeds)
    budget = asked.budget
    numbers = {
        "methods": [entry.label for entry in asked.entries], "seeds": len(seeds), "units": len(seeds) * len(asked.entries),
        "done": done, "folder": str(folder), "budget": f"{budget.amount:g} {budget.kind}" if budget else "",
    }  # fmt: skip
    sentence = _("Would train {methods} with {seeds} seeds each: {units} units, of which {done} are done, in {folder}.")
    words = {**numbers, "methods": ", ".join(entry.label for entry in asked.entries)}
    return Preview(sentence=sentence.format(**words), numbers=numbers)


def _expect_no_stages(settings: Settings) -> None:
    """Refuse what would be left out in silence: methods are compared one by one, each in one training."""
    if settings.stages:
        raise SettingsError(
            "stages: {count} trainings stand in sequence, and sayso compare trains every method once, alone; leave them out "
            "with --set stages=[], and try a sequence with sayso learn and sayso evaluate",
            count=len(settings.stages),
        )  # fmt: skip


def _seeds(settings: Settings, asked: Asked) -> tuple[int, ...]:
    first = settings.train.seed
    return tuple(range(first, first + asked.seeds))


def _field(workspace: Workspace, settings: Settings, asked: Asked, folder: Path, watch: Watcher) -> _Field:
    """Return what is tested, with the answers of the ways that need no training, made where they are not there yet.

    Raises:
        PreflightError: nothing could be counted.
    """
    comments = tuple(item for item in measuring.probed_comments(workspace, settings) if item.check is not None)
    if not any(probe.scope == "in" for comment in comments for probe in comment.probes):
        raise PreflightError(
            "nothing could be counted: no open comment has a check and probes in its scope to test on; give one both, with "
            "sayso comments add --check or in a comments file"
        )
    prompts = tuple(measuring.prompts_of(comments))
    base, adapter = places_of(workspace, settings)
    budget = asked.budget or Budget(kind="tokens", amount=0)
    ring = Ring(base=base, adapter=adapter, settings=settings, budget=budget, prompts=prompts, heldout=())
    path = folder / UNTRAINED
    if not path.is_file():
        write_json(path, untrained.answer(workspace, settings, comments, prompts, watch))
    found = json.loads(path.read_text(encoding="utf-8"))
    if asked.reflector and untrained.SEARCHED not in {**found, **found["left_out"]}:
        more = untrained.searched(workspace, settings, comments, prompts, asked.reflector, asked.calls, watch)
        found |= {**more, "left_out": {**found["left_out"], **more.get("left_out", {})}}
        write_json(path, found)
    before = measuring.outcomes(comments, found["as it is"], found["as it is"])
    ring = replace(ring, heldout=tuple(measuring.heldout_texts(workspace, settings, before)))
    if found.get("heldout_loss") is None and ring.heldout:
        found |= untrained.heldout_loss(workspace, settings, ring.heldout)
        write_json(path, found)
    return _Field(ring=ring, comments=comments, untrained=found, seeds=_seeds(settings, asked))


def _materials(workspace: Workspace, settings: Settings, asked: Asked, left_out: list[LeftOut]) -> dict[str, Material]:
    found = {}
    for entry in asked.entries:
        try:
            found[entry.label] = gather(workspace, settings, entry.method())
        except PreflightError as error:
            left_out.append(LeftOut(label=entry.label, reason=say(error)))
    _expect_some(found, left_out)
    return found


def _checked(
    workspace: Workspace,
    field: _Field,
    asked: Asked,
    before: Mapping[str, Any],
    materials: dict[str, Material],
    left_out: list[LeftOut],
    folder: Path,
) -> tuple[_Field, dict[str, Pace]]:
    """Take out the methods that cannot learn from this, and settle the budget; trials are made where they are needed.

    Raises:
        PreflightError: no method is left.
    """
    ring, paces = field.ring, dict[str, Pace]()
    settled = asked.budget
    if settled is None and "budget" in before:
        settled = Budget(**before["budget"])
    for entry in [entry for entry in asked.entries if entry.label in materials]:
        if settled is not None and not asked.keep and all(file_of(folder, entry, seed).is_file() for seed in field.seeds):
            continue
        material, seed = materials[entry.label], field.seeds[0]
        model: LocalModel = workspace.model(ring.settings.model_name_or_path)
        try:
            course = trying.course_of(ring, entry, material, model, seed)
            drawn = course.ground.drawing is not None
            if (settled is None and drawn) or (settled is not None and needs_trial(settled, course.ground)):
                paces[entry.label] = _pace(ring, entry, material, seed, folder)
        except (PreflightError, ModelError) as error:
            del materials[entry.label]
            left_out.append(LeftOut(label=entry.label, reason=say(error)))
            continue
        if settled is None:
            settled = usual(course, paces.get(entry.label))
    _expect_some(materials, left_out)
    assert settled is not None, "at least one method was looked at"
    return replace(field, ring=replace(ring, budget=settled)), paces


def _expect_some(materials: Mapping[str, Material], left_out: Sequence[LeftOut]) -> None:
    if not materials:
        reasons = "; ".join(f"{item.label}: {item.reason}" for item in left_out)
        raise PreflightError("none of the methods can learn from what there is: {reasons}", reasons=reasons)


def _pace(ring: Ring, entry: Entry, material: Material, seed: int, folder: Path) -> Pace:
    """Return what a step of a method takes; tried once, so that all seeds have as many."""
    path = folder / "trials" / f"{slug(entry.label)}.json"
    if not path.is_file():
        write_json(path, plain(trying.pace_of(ring, entry, material, seed)))
    return Pace(**json.loads(path.read_text(encoding="utf-8")))
