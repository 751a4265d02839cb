"""Model folders on disk: found and opened with one clear line when something is wrong, written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig
from transformers.utils import logging as transformers_logging

from sayso.errors import ModelError, NotFoundError
from sayso.models import (
    opening,
    recurrent,  # noqa: F401  transformers is told of our own architectures
)

_WANTED = ["*.json", "*.jinja", "*.txt", "*.model", "*.spm", "*.safetensors"]
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
_NO_NETWORKS = ("sayso_ngram", "sayso_hmm")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def find(name: str) -> Path:
    """Return the folder of a model: `name` itself, or where the Hugging Face model of that id lies or was fetched to.

    Raises:
        NotFoundError: there is no such folder, and no such model in the cache or on the network.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if name.startswith((".", "/", "~")) or name.count("/") != 1 or folder.exists():
        raise NotFoundError(
            "no model folder at {name!r}; expected a folder with config.json and *.safetensors, or a Hugging Face id such "
            "as 'owner/model'",
            name=name,
        )
    return _fetched(name)


def open_config(folder: Path) -> PreTrainedConfig:
    """Return the configuration of a language model of a kind that `opening` knows.

    Raises:
        NotFoundError: the folder has no config.json.
        ModelError: it cannot be read, or is that of another kind of model.
    """
    if not (folder / "config.json").is_file():
        raise NotFoundError("{folder}: no config.json; expected an ordinary Hugging Face model folder", folder=str(folder))
    kind = read_json(folder / "config.json").get("model_type")
    if kind in _NO_NETWORKS:
        raise ModelError(
            "{folder}: {kind!r} is no network and cannot be trained on; open it with sayso.models.textmodel.load to score "
            "texts and to write them",
            folder=str(folder),
            kind=kind,
        )
    with _told(folder):
        config: PreTrainedConfig = AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    if opening.kind_of(config) is None:
        raise ModelError(
            "{folder}: {kind!r} is no language model that can be trained here; expected one that {classes} opens",
            folder=str(folder),
            kind=config.model_type,
            classes=", ".join(auto.__name__ for auto in opening.AUTO.values()),
        )
    return config


def open_module(
    folder: Path, config: PreTrainedConfig, *, dtype: torch.dtype | str, kind: str = "", headed: bool = True
) -> Any:
    """Return the model in a folder, from safetensors only and never with code of its own.

    `kind` (a key of `opening.AUTO`) opens it as another kind than it was saved as; without `headed` what stands on its body
    is new, and drawn at random.

    Raises:
        ModelError: there are only pickled weights, or none, or they are damaged or do not fit the configuration.
    """
    _expect_safetensors(folder)
    auto = opening.AUTO[kind or opening.kind_of(config) or "causal"]
    with _told(folder), _without_progress_bar():
        module, info = auto.from_pretrained(
            str(folder), config=config, dtype=dtype, use_safetensors=True, trust_remote_code=False,
            local_files_only=True, output_loading_info=True, ignore_mismatched_sizes=not headed,
        )  # fmt: skip
    lost = sorted(name for name in info["missing_keys"] if headed or _of_body(module, name))
    if lost:
        raise ModelError(
            "{folder}: the weights lack {number} tensors that config.json expects, {first!r} first; the folder is "
            "incomplete or its config.json is another model's",
            folder=str(folder),
            number=len(lost),
            first=lost[0],
        )
    return module


def _of_body(module: Any, name: str) -> bool:
    return name.startswith(f"{module.base_model_prefix}.") and ".pooler." not in name


def open_tokenizer(folder: Path) -> Any:
    """Return the tokenizer in a folder.

    Raises:
        ModelError: there is none, or it cannot be read.
    """
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        raise ModelError(
            "{folder}: no tokenizer; expected tokenizer.json beside config.json, copy the one the model was trained with",
            folder=str(folder),
        )
    with _told(folder):
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter, not a whole model."""
    return (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file()


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        ModelError: the file is not there or holds something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError("{path}: cannot be read as JSON ({reason})", path=str(path), reason=str(error)) from error
    if not isinstance(found, dict):
        raise ModelError("{path}: found {found!r}, expected a JSON object", path=str(path), found=found)
    return found


def write_whole(folder: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write a new folder and put it in the place of `folder` in one step; a crash leaves the old one."""
    folder = folder.absolute()
    fresh, old = (folder.with_name(f".{folder.name}.{word}-{os.getpid()}") for word in ("new", "old"))
    folder.parent.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    try:
        fresh.mkdir()
        with _without_progress_bar():
            fill(fresh)
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
    except (OSError, SafetensorError) as error:  # of a disk that is full, safetensors tells in its own words
        raise ModelError("{folder}: cannot be written ({reason})", folder=str(folder), reason=str(error)) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _clear(folder: Path) -> None:
    """Remove what processes that are gone, or this one, left half-written beside a folder."""
    for left in folder.parent.glob(f".{folder.name}.new-*"):
        pid = left.name.rpartition("-")[2]
        if pid.isdecimal() and (int(pid) == os.getpid() or not _runs(int(pid))):
            shutil.rmtree(left, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's: it runs
        return True
    return True


def _fetched(name: str) -> Path:
    """Return the folder of a Hugging Face id: from the cache without asking the network, else fetched."""
    try:
        return Path(snapshot_download(name, local_files_only=True, allow_patterns=_WANTED))
    except LocalEntryNotFoundError:
        pass
    except HFValidationError as error:
        raise _no_such(name, str(error)) from error
    try:
        return Path(snapshot_download(name, allow_patterns=_WANTED))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise _no_such(name, _first_line(error)) from error


def _no_such(name: str, reason: str) -> NotFoundError:
    return NotFoundError(
        "no model {name!r}: it is no folder here, it is not in the Hugging Face cache, and it could not be fetched "
        "({reason}); check the name, or fetch it once where there is a network",
        name=name,
        reason=reason,
    )


def _expect_safetensors(folder: Path) -> None:
    if any(folder.glob("*.safetensors")):
        return
    pickled = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickled:
        raise ModelError(
            "{folder}: only pickled weights ({found}), which can run code when opened; expected *.safetensors, convert them "
            "with transformers: save_pretrained(..., safe_serialization=True)",
            folder=str(folder),
            found=", ".join(pickled),
        )
    raise ModelError("{folder}: no weights; expected model.safetensors beside config.json", folder=str(folder))


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Say in one line what transformers could not do with a folder."""
    try:
        yield
    except SafetensorError as error:
        raise ModelError(
            "{folder}: a safetensors file is damaged ({reason}); copy or fetch it again",
            folder=str(folder),
            reason=_first_line(error),
        ) from error
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, AttributeError, TypeError) as error:
        raise ModelError("{folder}: cannot be opened ({reason})", folder=str(folder), reason=_first_line(error)) from error


@contextmanager
def _without_progress_bar() -> Iterator[None]:
    bars: Any = transformers_logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
