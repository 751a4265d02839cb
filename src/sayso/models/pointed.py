"""Models that point at answers: opened with their head, or given a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sayso.errors import ModelError
from sayso.models import folders, local, opening
from sayso.models.forms import extractive
from sayso.models.fresh import fresh
from sayso.models.local import LocalModel


def is_encoder(name: str) -> bool:
    """Whether a folder or Hugging Face id holds a model that fills gaps or points, not one that writes.

    Raises:
        NotFoundError: there is no such model.
        ModelError: its configuration cannot be read.
    """
    folder = folders.find(name)
    if folders.is_adapter(folder):
        name = folders.read_json(folder / "adapter_config.json").get("base_model_name_or_path") or ""
        return is_encoder(name)
    return opening.kind_of(folders.open_config(folder)) in ("masked", "extractive")


def opened(name: str, *, seed: int = 0, device: str = "auto") -> LocalModel:
    """Open a model by folder or Hugging Face id so that it points at answers; without such a head it gets a new one.

    Raises:
        NotFoundError: there is no such model.
        ModelError: it cannot be opened, or its tokenizer cannot tell where its tokens stand.
    """
    folder = folders.find(name)
    if folders.is_adapter(folder) or opening.kind_of(folders.open_config(folder)) == "extractive":
        return local.load(name, device=device)
    config, words = folders.open_config(folder), folders.open_tokenizer(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = folders.open_module(folder, config, dtype=torch.float32, kind="extractive", headed=False)
    return _model(name, module, words, device)


def drawn(architecture: str, keys: Mapping[str, Any], tokenizer: Path, *, seed: int, device: str = "auto") -> LocalModel:
    """Return a model that points, with random weights around a tokenizer, as `fresh` makes them.

    Raises:
        NotFoundError: transformers knows no such model, or there is no tokenizer folder.
        SettingsError: a key that the architecture does not have, or a value it refuses.
        ModelError: the tokenizer cannot be opened, or there is no such head for the architecture.
    """
    fills = fresh(architecture, keys, tokenizer, seed=seed, device=device)
    auto: Any = opening.AUTO["extractive"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            module = auto.from_config(fills.inner.config, dtype=torch.float32)
        except ValueError as error:
            raise ModelError(
                "fresh:{name}: transformers has no {kind} of this kind; use fresh:bert",
                name=architecture, kind=auto.__name__,
            ) from error  # fmt: skip
    return _model(f"fresh:{architecture}", module, fills.tokenizer, device)


def _model(name: str, module: Any, words: Any, device: str) -> LocalModel:
    module.config.architectures = [type(module).__name__]
    made = LocalModel(
        name=name, module=module.to(local.place(device)).eval(), tokenizer=words, form=extractive.form(module, words)
    )
    made.base = ""  # its head is in no folder yet
    return made


def expect_room(model: LocalModel, tokens: int) -> None:
    """Let answers have so many tokens from now on, if they could have fewer; it is saved with the model."""
    config = model.inner.config
    setattr(config, extractive.LONGEST, max(tokens, getattr(config, extractive.LONGEST, extractive.USUAL_LONGEST)))


def narrow(model: LocalModel, longest: int) -> None:
    """Read passages in windows of at most so many tokens."""
    form = model.form
    assert isinstance(form, extractive.Extractive)
    model.form = replace(form, chat=replace(form.chat, longest=min(longest, form.chat.longest)))
    model.chat = model.form.chat
