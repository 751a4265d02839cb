"""LoRA adapters: put a fresh one on a model, go on with an earlier one, merge it into the weights.

A version that is an adapter stays one: learning goes on in the same adapter, its reference is a copy of the adapter as it
was, and what is saved is again an adapter on the untouched base. Who wants a new adapter on top of an old one merges first
and saves a full folder before attaching, so that the new adapter has a base that can be loaded.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError

from sayso.errors import ModelError, NotFoundError
from sayso.models.folders import read_json

if TYPE_CHECKING:
    from sayso.models.local import LocalModel

Combination = Literal["cat", "svd", "ties_svd"]
"""How adapters become one; the names are peft's."""
_NOTE = "sayso.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lora:
    """Settings of a fresh adapter; keys are peft's."""

    lora_r: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.0
    """On while learning, off whenever something is only scored or written."""
    lora_target_modules: str | tuple[str, ...] = "all-linear"


def attach(model: LocalModel, lora: Lora, seed: int) -> LocalModel:
    """Put a fresh adapter on a full model: the base is frozen, only the adapter learns.

    Peft puts it into the module itself: from here on `model` writes with the adapter too; load again to have it without.

    Raises:
        ModelError: the model carries an adapter already, or none of the target modules is in it.
    """
    if isinstance(model.module, PeftModel):
        raise ModelError(
            "model {name!r} carries an adapter already; go on training it, or merge it and save the result first",
            name=model.name,
        )
    targets = lora.lora_target_modules
    config = LoraConfig(
        task_type=model.form.adapter_task, r=lora.lora_r, lora_alpha=lora.lora_alpha, lora_dropout=lora.lora_dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        fan_in_fan_out=_has_conv1d(model.module),
    )  # fmt: skip
    try:
        with torch.random.fork_rng(devices=_devices(model)), _without_peft_warnings():
            torch.manual_seed(seed)
            module = get_peft_model(model.module, config)
    except ValueError as error:
        raise ModelError(
            "no adapter fits {name!r} ({reason}); see lora_target_modules", name=model.name, reason=str(error)
        ) from error
    module.eval()
    return model.carrying(module, continued=False)


def load_onto(model: LocalModel, folder: Path) -> LocalModel:
    """Put an adapter saved earlier on its base; learning goes on in it.

    Raises:
        NotFoundError: there is no adapter in the folder.
        ModelError: it belongs to another base, or its weights are pickled or damaged.
    """
    _expect_adapter(model, folder)
    try:
        with _without_peft_warnings():
            module = PeftModel.from_pretrained(model.module, str(folder), is_trainable=True)
    except SafetensorError as error:
        raise ModelError("{folder}: the adapter's weights are damaged", folder=str(folder)) from error
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise _other_base(model, folder) from error
    module.eval()
    return model.carrying(module, continued=True)


def merge(model: LocalModel) -> LocalModel:
    """Fold the adapter into the weights: a full model that answers as the adapted one did, and can be saved as one."""
    if not isinstance(model.module, PeftModel):
        return model
    module = model.module.merge_and_unload()
    module.requires_grad_(requires_grad=True).eval()
    merged = model.carrying(module, continued=False)
    merged.base = ""  # no folder holds these weights until they are saved
    return merged


def compose(
    model: LocalModel, parts: Sequence[tuple[Path, float]], *, combination_type: Combination = "cat", density: float = 0.5
) -> LocalModel:
    """Put several adapters of one base on it as a single one: the weighted sum of what each of them changes.

    `cat` is the sum exactly, and its rank the sum of the ranks; `svd` is the nearest to it of the largest rank among them;
    `ties_svd` keeps of each the largest `density` of its changes and drops those whose sign is outvoted before it sums.

    Raises:
        NotFoundError: there is no adapter in a folder.
        ModelError: one belongs to another base, or they do not go together.

    Source: TIES is Yadav et al. 2023 (arXiv 2306.01708).
    """
    names = [f"part{number}" for number in range(len(parts))]
    module: Any = None
    for name, (folder, _weight) in zip(names, parts, strict=True):
        module = _beside(model, module, folder, name)
    dense = density if combination_type == "ties_svd" else None
    try:
        module.base_model.add_weighted_adapter(
            names, [weight for _folder, weight in parts], "default", combination_type=combination_type, density=dense,
            svd_full_matrices=False,
        )  # fmt: skip
    except (ValueError, TypeError, RuntimeError) as error:
        raise ModelError("the adapters do not go together: {reason}", reason=str(error)) from error
    module.set_adapter("default")
    for name in names:
        module.delete_adapter(name)
    module.eval()
    return model.carrying(module, continued=True)


def _beside(model: LocalModel, module: Any, folder: Path, name: str) -> Any:
    """Return the module with one adapter more, under a name of its own."""
    if module is None:
        _expect_adapter(model, folder)
    try:
        with _without_peft_warnings():
            if module is None:
                return PeftModel.from_pretrained(model.module, str(folder), adapter_name=name)
            _expect_adapter(model.carrying(module, continued=True), folder)
            module.load_adapter(str(folder), adapter_name=name)
    except SafetensorError as error:
        raise ModelError("{folder}: the adapter's weights are damaged", folder=str(folder)) from error
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise _other_base(model, folder) from error
    return module


def save_adapter(model: LocalModel, folder: Path) -> None:
    """Write the adapter as peft does, with a note of which weights it belongs on.

    Raises:
        ModelError: the base was merged in memory and never saved, so that nothing could load the adapter again.
    """
    if not model.base:
        raise ModelError(
            "the adapter on {name!r} stands on weights that no folder holds; save the merged model first, then attach to it",
            name=model.name,
        )
    module = model.module
    for config in module.peft_config.values():
        config.base_model_name_or_path = model.base
    module.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
    note = {"base": model.base, "weights": fingerprint(model)}
    (folder / _NOTE).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")


def fingerprint(model: LocalModel) -> dict[str, str]:
    """Return the dtype of a model's base weights and a digest of every frozen matrix's first row."""
    digest = hashlib.sha256()
    for name, tensor in _base_weights(model.inner):
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().flatten()[:256].float().cpu().numpy().tobytes())
    return {"dtype": str(model.inner.dtype), "sha256": digest.hexdigest()}


def _base_weights(module: Any) -> list[tuple[str, torch.Tensor]]:
    named = [(name.replace(".base_layer", ""), tensor) for name, tensor in module.named_parameters()]
    return sorted(((name, tensor) for name, tensor in named if "lora_" not in name), key=lambda pair: pair[0])


def _expect_adapter(model: LocalModel, folder: Path) -> None:
    if not (folder / "adapter_config.json").is_file():
        raise NotFoundError("no adapter at {folder!r}; expected a folder with adapter_config.json", folder=str(folder))
    if not (folder / "adapter_model.safetensors").is_file():
        raise ModelError("{folder}: no adapter_model.safetensors; pickled weights are not opened", folder=str(folder))
    _expect_base(model, folder)


def _expect_base(model: LocalModel, folder: Path) -> None:
    """Compare the note beside an adapter with the model; adapters of other tools have none and are compared by shape."""
    note = folder / _NOTE
    if not note.is_file():
        return
    noted, found = read_json(note).get("weights", {}), fingerprint(model)
    if noted.get("dtype") == found["dtype"] and noted.get("sha256") != found["sha256"]:
        raise _other_base(model, folder)


def _other_base(model: LocalModel, folder: Path) -> ModelError:
    return ModelError(
        "{folder}: the adapter belongs to another base ({base!r}) than {name!r}; load it on the model it was trained on",
        folder=str(folder),
        base=read_json(folder / "adapter_config.json").get("base_model_name_or_path"),
        name=model.name,
    )


def _has_conv1d(module: Any) -> bool:
    """GPT-2 keeps its matrices transposed; peft must know."""
    return any(type(part).__name__ == "Conv1D" for part in module.modules())


@contextmanager
def _without_peft_warnings() -> Iterator[None]:
    """Peft asks transformers by an older name whether activations are checkpointed; a user can do nothing about it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
        yield


def _devices(model: LocalModel) -> list[Any]:
    return [model.device] if model.device.type == "cuda" else []
