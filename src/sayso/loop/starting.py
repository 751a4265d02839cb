"""Where a round begins: what a file lays over the settings, and the workspace a round is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sayso import config
from sayso.errors import SettingsError
from sayso.loop import importing
from sayso.loop.settings import Settings
from sayso.loop.workspace import SETTINGS, Workspace, merge, model_place


def layer(path: Path) -> dict[str, Any]:
    """Return what a round file or a `--config` file says, checked alone, so that a mistake is said of the file it is in.

    Raises:
        SettingsError: an unknown key, or a value of the wrong type.
    """
    from sayso.loop import rounds

    given = config.read(path)
    config.build(Settings, given, where=str(path))
    return rounds.read(path)


def folder_for(folder: Path | None, layers: Sequence[Mapping[str, Any]]) -> Path:
    """Return the workspace's folder: the one given, else the current one if it is a workspace, else the round's."""
    if folder is not None:
        return folder
    if (Path() / SETTINGS).is_file() or not layers:
        return Path()
    return Path(str(layers[0]["output_dir"]))


def workspace_for(folder: Path | None, layers: Sequence[Mapping[str, Any]], assignments: Sequence[str] = ()) -> Workspace:
    """Open the workspace of a round, or make it with the round's model, once the files it names were read without a fault.

    Raises:
        SettingsError: there is none, and the round names no model to make one for.
        NotFoundError: there is none, and there is no round either; or a file or folder that the round names is not there.
        RecordError: a line of a file is wrong; no workspace was made.
    """
    place = folder_for(folder, layers)
    if (place / SETTINGS).is_file() or not layers:
        return Workspace.open(place)
    settings = settings_of(layers, assignments)
    importing.look(settings)
    return Workspace.init(place, model=settings.model_name_or_path)


def settings_of(layers: Sequence[Mapping[str, Any]], assignments: Sequence[str]) -> Settings:
    """Return the settings of a round whose workspace is yet to be made.

    Raises:
        SettingsError: the round names no model, or a version of a workspace that is not there.
        NotFoundError: there is no such folder.
    """
    merged: dict[str, Any] = {}
    for over in layers:
        merged = merge(merged, over)
    settings = config.build(Settings, config.override(merged, assignments), where="--set")
    if not settings.model_name_or_path:
        raise SettingsError(
            "model_name_or_path: the round names no model; expected a model's folder or a Hugging Face id, "
            "or -C with a workspace that has one"
        )
    model_place(settings.model_name_or_path)
    return settings
