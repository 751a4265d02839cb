"""What a comparison hangs on, kept with it: a workspace that changed meanwhile is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sayso.errors import SettingsError, StoreError
from sayso.loop import improving, measuring, writing
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace
from sayso.records import identity, plain

RUN = "run.json"
_FREE = ("seed", "max_steps", "num_train_epochs", "save_steps", "save_total_limit")
"""Settings of training that the budget and the seeds replace."""


def begun(folder: Path) -> dict[str, Any]:
    """Return what a comparison in this folder began with; empty where there is none.

    Raises:
        SettingsError: the folder holds something else.
    """
    try:
        found = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if folder.is_dir() and any(folder.iterdir()):
            raise SettingsError(
                "{folder!r} is not empty and holds no comparison; name another folder with --out", folder=str(folder)
            ) from error
        return {}
    except (OSError, ValueError) as error:
        raise StoreError("{path!r} cannot be read: {reason}", path=str(folder / RUN), reason=str(error)) from error
    return dict(found)


def expect_same(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Pass silently if nothing that a comparison hangs on has changed since it began.

    Raises:
        SettingsError: something has; it is named, with what it was and is.
    """
    was, found = _flat(before), _flat(now)
    for key, value in found.items():
        if key in was and was[key] != value:
            raise SettingsError(
                "{folder!r} holds a comparison begun with another {key} (then {before}, now {now}); name another folder "
                "with --out, or give back what it began with",
                folder=str(folder), key=key, before=was[key], now=value,
            )  # fmt: skip


def _flat(form: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in form.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def mark_of(workspace: Workspace, settings: Settings) -> dict[str, Any]:
    """Return what a comparison hangs on, before anything is written or loaded."""
    parent = workspace.version(settings.model_name_or_path)
    field = writing.survey(workspace, settings)
    said = sorted(identity(item) for item in (*field.comments, *field.bound, *field.praised))
    train = {key: value for key, value in asdict(settings.train).items() if key not in _FREE}
    parts = {"train": train, "guard": asdict(settings.guard), "evaluate": asdict(settings.evaluate)}
    return {
        "parent": {"version": parent.id, "weights": _weights(workspace, settings)},
        "comments": f"{len(said)} comments, {identity(said)[:8]}",
        "probes": identity(measuring.probed_comments(workspace, settings))[:8],
        **json.loads(json.dumps(plain(parts))),
    }


def material_mark(workspace: Workspace, settings: Settings) -> str:
    """Return a mark of the responses and refinements that there are to learn from."""
    judged = improving.judge(workspace, settings, writing.survey(workspace, settings))
    said = sorted(item.response.id for item in judged)
    better = sorted(item.id for item in workspace.store.wanted_refinements())
    return f"{len(said)} responses and {len(better)} refinements, {identity([said, better])[:8]}"


def _weights(workspace: Workspace, settings: Settings) -> str:
    """Return a mark of the parent's weights: names, sizes, and the first megabyte of each file."""
    from sayso.models import folders

    digest = hashlib.sha256()
    for place in places_of(workspace, settings):
        for path in sorted(folders.find(place).glob("*.safetensors")) if place else ():
            digest.update(f"{path.name} {path.stat().st_size}".encode())
            with path.open("rb") as file:
                digest.update(file.read(1 << 20))
    return digest.hexdigest()[:16]


def places_of(workspace: Workspace, settings: Settings) -> tuple[str, str | None]:
    """Return where the parent's base lies, and its adapter."""
    parent = workspace.version(settings.model_name_or_path)
    if parent.form == "adapter":
        return workspace.place_of(parent.base), workspace.place_of(parent.path)
    return workspace.place_of(parent.path), None
