"""Checkpoints: a folder written under another name, flushed to disk and renamed, with a checksum for every file.

A half-written or damaged checkpoint is skipped, which is said, and the next older one is used. What is kept: the trained
weights, the optimizer's state, the step, and a fingerprint of what the run was started with. No random state is kept: the
random numbers of a step are a function of the seed and the step. No pickle is written or read.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from sayso.errors import ModelError, StoreError
from sayso.i18n import gettext as _
from sayso.training.engine import distributed
from sayso.training.engine.naming import named

logger = logging.getLogger(__name__)

_MANIFEST = "manifest.json"
_STATE = "state.json"
_WEIGHTS = "weights.safetensors"
_OPTIMIZER = "optimizer.safetensors"
_FILES = (_STATE, _WEIGHTS, _OPTIMIZER)
_WRITING = ".writing-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A whole checkpoint on disk: after how many steps, of which run, and where."""

    step: int
    fingerprint: str
    folder: Path


def save(
    folder: Path,
    *,
    step: int,
    fingerprint: str,
    parameters: Mapping[str, torch.nn.Parameter],
    optimizers: Sequence[torch.optim.Optimizer],
) -> Checkpoint:
    """Write the state after `step` steps; it is whole on disk when this returns.

    Where the weights are in shards all processes must call this, and the first writes them whole.

    Raises:
        StoreError: the disk refused; older checkpoints are untouched.
        ModelError: a weight is no finite number; older checkpoints are untouched.
    """
    weights = {name: distributed.whole(item.detach()).contiguous() for name, item in parameters.items()}
    moments = _optimizer_tensors(parameters, optimizers)
    _expect_finite(weights, step)
    final = folder / f"step-{step:08d}"
    writing = folder / f"{_WRITING}{step:08d}"
    if not distributed.here().first:
        return Checkpoint(step=step, fingerprint=fingerprint, folder=final)
    try:
        shutil.rmtree(writing, ignore_errors=True)
        writing.mkdir(parents=True)
        save_file(weights, writing / _WEIGHTS)
        save_file(moments, writing / _OPTIMIZER)
        _write(writing / _STATE, {"step": step, "fingerprint": fingerprint})
        _write(writing / _MANIFEST, {name: _sha256(writing / name) for name in _FILES})
        for path in (*writing.iterdir(), writing):
            _flush(path)
        if final.exists():
            shutil.rmtree(final)
        writing.rename(final)
        _flush(folder)
    except (OSError, SafetensorError) as error:
        raise _refused(folder, final, error) from error
    finally:
        shutil.rmtree(writing, ignore_errors=True)
    return Checkpoint(step=step, fingerprint=fingerprint, folder=final)


def newest(folder: Path, *, say: bool = True) -> Checkpoint | None:
    """Return the newest checkpoint that is whole; what is half-written or damaged is skipped, and said as a warning."""
    if say:
        for path in sorted(folder.glob(f"{_WRITING}*")):
            _say_skipped(path, _("it was being written when the run ended"))
    return next(_whole(folder, say=say), None)


def load(
    checkpoint: Checkpoint,
    *,
    parameters: Mapping[str, torch.nn.Parameter],
    optimizers: Sequence[torch.optim.Optimizer],
) -> None:
    """Put a checkpoint's weights and the optimizers' state back.

    Raises:
        StoreError: it holds other weights than the model trains.
    """
    weights = load_file(checkpoint.folder / _WEIGHTS)
    expected = {name: tuple(item.shape) for name, item in parameters.items()}
    if {name: tuple(item.shape) for name, item in weights.items()} != expected:
        raise StoreError(
            "the checkpoint {path!r} holds other weights than this model trains; start the run anew in an empty folder",
            path=str(checkpoint.folder),
        )
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(distributed.placed(weights[name], parameter))
    tensors = load_file(checkpoint.folder / _OPTIMIZER)
    for optimizer in optimizers:
        optimizer.state.clear()
    owner = _owners(optimizers)
    for key, value in tensors.items():
        kind, _, name = key.partition("/")
        # fused AdamW keeps its step counts where the weights are, as its moments
        parameter = parameters[name]
        spread = value.shape == parameter.shape
        owner[id(parameter)].state[parameter][kind] = (
            distributed.placed(value, parameter) if spread else value.to(parameter.device)
        )


def tidy(folder: Path) -> None:
    """Delete what a run that was killed left half-written."""
    for path in folder.glob(f"{_WRITING}*"):
        shutil.rmtree(path, ignore_errors=True)


def prune(folder: Path, limit: int) -> None:
    """Delete all but the newest `limit` whole checkpoints (0: keep them all), and what is half-written or damaged."""
    tidy(folder)
    whole = 0
    for path in sorted(folder.glob("step-*"), reverse=True):
        if _damage_once(path, _stamp(path)) or 0 < limit <= whole:
            shutil.rmtree(path, ignore_errors=True)
        else:
            whole += 1


def _whole(folder: Path, *, say: bool) -> Iterator[Checkpoint]:
    """Yield the checkpoints whose files match their checksums, newest first."""
    for path in sorted(folder.glob("step-*"), reverse=True):
        reason = _damage(path)
        if reason:
            if say:
                _say_skipped(path, reason)
            continue
        state = json.loads((path / _STATE).read_text(encoding="utf-8"))
        yield Checkpoint(step=state["step"], fingerprint=state["fingerprint"], folder=path)


def _say_skipped(path: Path, reason: str) -> None:
    logger.warning(
        _("the checkpoint {path} is not whole ({reason}); it is left out, and the newest whole one is taken").format(
            path=path, reason=reason
        )
    )


def _damage(path: Path) -> str:
    try:
        manifest = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
        wrong = [name for name in _FILES if manifest[name] != _sha256(path / name)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return _("the checksum of {files} differs").format(files=", ".join(wrong)) if wrong else ""


@lru_cache(maxsize=64)
def _damage_once(path: Path, _stamp: tuple[tuple[int, int, int], ...]) -> str:
    """Return what `_damage` does, read once as long as the files are the same: a run prunes after each checkpoint."""
    return _damage(path)


def _stamp(path: Path) -> tuple[tuple[int, int, int], ...]:
    found = [file.stat() for file in sorted(path.iterdir())]
    return tuple((status.st_ino, status.st_size, status.st_mtime_ns) for status in found)


def _expect_finite(weights: Mapping[str, torch.Tensor], step: int) -> None:
    broken = [name for name, item in weights.items() if not bool(torch.isfinite(item).all())]
    if broken:
        raise ModelError(
            "after step {step} the model has weights that are no finite numbers: {tensors}; no checkpoint of them was "
            "written, and those before it are whole. Lower train.learning_rate, then start anew in an empty folder",
            step=step, tensors=named(broken),
        )  # fmt: skip


def _refused(folder: Path, final: Path, error: Exception) -> StoreError:
    """Return why a checkpoint was not written, what is kept, and what to do."""
    kept = max((path.name for path in folder.glob("step-*") if path != final), default="")
    if not kept:
        return StoreError(
            "the checkpoint {path!r} could not be written: {reason}; it would have been the first. Make room for it, then "
            "run the same command again",
            path=str(final), reason=str(error),
        )  # fmt: skip
    return StoreError(
        "the checkpoint {path!r} could not be written: {reason}; the one before it, {kept}, is whole. Make room, then run "
        "the same command again: it goes on from there",
        path=str(final), reason=str(error), kept=kept,
    )  # fmt: skip


def _optimizer_tensors(
    parameters: Mapping[str, torch.nn.Parameter], optimizers: Sequence[torch.optim.Optimizer]
) -> dict[str, torch.Tensor]:
    owner = _owners(optimizers)
    return {
        f"{kind}/{name}": distributed.whole(value.detach()).contiguous()
        for name, parameter in parameters.items()
        for kind, value in owner[id(parameter)].state[parameter].items()
    }


def _owners(optimizers: Sequence[torch.optim.Optimizer]) -> dict[int, torch.optim.Optimizer]:
    return {
        id(parameter): optimizer
        for optimizer in optimizers
        for group in optimizer.param_groups
        for parameter in group["params"]
    }


def _write(path: Path, form: Mapping[str, object]) -> None:
    path.write_text(json.dumps(form, indent=1, sort_keys=True), encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
