"""Is this machine ready, and is this workspace? One line a thing, with what to do where it is not."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from sayso import __version__, i18n
from sayso.errors import SaysoError
from sayso.i18n import gettext as _
from sayso.i18n import say
from sayso.loop.workspace import CHAMPION, SETTINGS, Workspace

State = Literal["ok", "warn", "fail"]
_PACKAGES = ("torch", "transformers", "peft", "tokenizers", "safetensors", "pydantic", "SQLAlchemy")
_LITTLE_MEMORY_GB = 2.0
_LITTLE_DISK_GB = 2.0
_NO_DISK_GB = 0.05
_SANDBOX_SECONDS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Sign:
    """One thing that was looked at."""

    name: str
    state: State
    found: str
    advice: str = ""


def examine(folder: Path) -> list[Sign]:
    """Look at the installation, the machine and the workspace in `folder`."""
    return [*_installation(), *_machine(folder), *_workspace(folder), _language(), _sandbox()]


def _installation() -> Iterator[Sign]:
    yield Sign(name="sayso", state="ok", found=_("{version}, Python {python}").format(
        version=__version__, python=platform.python_version()))  # fmt: skip
    for package in _PACKAGES:
        try:
            yield Sign(name=package, state="ok", found=metadata.version(package))
        except metadata.PackageNotFoundError:
            yield Sign(name=package, state="fail", found=_("missing"), advice="pip install sayso")


def _machine(folder: Path) -> Iterator[Sign]:
    yield _device()
    yield _threads()
    yield _memory()
    yield _disk(folder)
    yield _writable(folder)


def _device() -> Sign:
    name = _("device")
    try:
        import torch
    except (ImportError, OSError) as error:
        return Sign(name=name, state="fail", found=str(error), advice=_("install torch anew"))
    if torch.cuda.is_available():
        return Sign(name=name, state="ok", found=torch.cuda.get_device_name())
    if torch.backends.mps.is_available():
        return Sign(name=name, state="ok", found="MPS")
    advice = _("small models only (up to some hundred million parameters); larger ones want a GPU")
    return Sign(name=name, state="ok", found=f"CPU ({platform.machine()})", advice=advice)


def _threads() -> Sign:
    import torch

    threads, cores = torch.get_num_threads(), _cores()
    found = _("{threads} threads on {cores} cores").format(threads=threads, cores=cores)
    if threads > cores:
        return Sign(name=_("threads"), state="warn", found=found, advice=f"OMP_NUM_THREADS={cores}")
    return Sign(name=_("threads"), state="ok", found=found)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> Sign:
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return Sign(name=_("memory"), state="ok", found=_("unknown on this system"))
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    found = _("{size:.1f} GB").format(size=total)
    if total < _LITTLE_MEMORY_GB:
        return Sign(name=_("memory"), state="warn", found=found, advice=_("use a small model"))
    return Sign(name=_("memory"), state="ok", found=found)


def _disk(folder: Path) -> Sign:
    name, place = _("disk"), _existing(folder)
    free = shutil.disk_usage(place).free / 1e9
    found = _("{size:.1f} GB free").format(size=free)
    if free < _NO_DISK_GB:
        return Sign(name=name, state="fail", found=found, advice=_("free space; a run keeps checkpoints"))
    if free < _LITTLE_DISK_GB:
        return Sign(name=name, state="warn", found=found, advice=_("free space; a run keeps checkpoints"))
    return Sign(name=name, state="ok", found=found)


def _writable(folder: Path) -> Sign:
    name, place = _("writable"), _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"sayso")
    except OSError as error:
        return Sign(
            name=name, state="fail", found=f"{place}: {error.strerror}", advice=_("choose a folder you may write to")
        )
    return Sign(name=name, state="ok", found=str(place))


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def _workspace(folder: Path) -> Iterator[Sign]:
    name = _("workspace")
    if not (folder / SETTINGS).is_file():
        advice = _("make one: sayso init {folder} --model MODEL").format(folder=folder)
        yield Sign(name=name, state="warn", found=_("none in {folder}").format(folder=folder.absolute()), advice=advice)
        return
    try:
        workspace = Workspace.open(folder)
    except SaysoError as error:
        yield Sign(name=name, state="fail", found=say(error))
        return
    comments = len(workspace.store.comments())
    yield Sign(name=name, state="ok", found=_("{folder}, open comments: {n}").format(folder=workspace.folder, n=comments))
    yield _model(workspace)
    workspace.close()


def _model(workspace: Workspace) -> Sign:
    from sayso.models import remote

    name = _("model")
    try:
        version = workspace.store.version(CHAMPION)
        if remote.is_address(version.path):
            return Sign(name=name, state="ok", found=f"{version.id}: {version.path}")
        model = workspace.model(CHAMPION)
    except SaysoError as error:
        advice = _("give a folder with a model, or go online for a Hugging Face id")
        return Sign(name=name, state="fail", found=say(error), advice=advice)
    parameters = sum(parameter.numel() for parameter in model.module.parameters())
    found = _("{version}: {millions:.1f} M parameters").format(version=version.id, millions=parameters / 1e6)
    if not model.packed:
        return Sign(name=name, state="ok", found=found, advice=_("rows are padded, not packed, for this kind of model"))
    return Sign(name=name, state="ok", found=found)


def _language() -> Sign:
    return Sign(name=_("language"), state="ok", found=i18n.language())


def _sandbox() -> Sign:
    """Generated code runs only where bubblewrap works."""
    name, advice = _("sandbox"), _("install bubblewrap, if checks are to run code that a model wrote")
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return Sign(name=name, state="warn", found=_("bubblewrap is not installed"), advice=advice)
    command = [bwrap, "--ro-bind", "/", "/", "--unshare-all", "true"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_SANDBOX_SECONDS)
    except (subprocess.SubprocessError, OSError):
        advice = _("allow user namespaces, if checks are to run code that a model wrote")
        return Sign(name=name, state="warn", found=_("bubblewrap does not work here"), advice=advice)
    return Sign(name=name, state="ok", found="bubblewrap")
