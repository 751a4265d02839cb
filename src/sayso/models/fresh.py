"""A causal model with random weights, from the name of an architecture and Hugging Face's own keys."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from sayso.errors import NotFoundError, SettingsError
from sayso.models import folders
from sayso.models.local import LocalModel, place

_COMMON = ("llama", "gpt2", "gpt_neox", "qwen2", "qwen3", "mistral", "opt")
_LONGEST = 1 << 20


def fresh(
    architecture: str, keys: Mapping[str, Any], tokenizer: Path, *, seed: int, device: str = "auto", name: str = "fresh"
) -> LocalModel:
    """Return a model with random weights around the tokenizer of a folder; the same seed gives the same weights.

    The size of the vocabulary, the context and the special tokens are the tokenizer's unless `keys` say otherwise.

    Raises:
        NotFoundError: transformers knows no such causal model, or there is no tokenizer folder.
        SettingsError: a key that the architecture does not have, a value it refuses, or a vocabulary too small.
        ModelError: the tokenizer cannot be opened.
    """
    words = folders.open_tokenizer(folders.find(str(tokenizer)))
    config = configuration(architecture, keys, words)
    where = place(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            auto: Any = AutoModelForCausalLM  # it is not typed
            module = auto.from_config(config, dtype=torch.float32)
        except (ValueError, TypeError, KeyError, RuntimeError, AttributeError, ZeroDivisionError) as error:
            raise _refused(architecture, error) from error
    model = LocalModel(name=name, module=module.to(where).eval(), tokenizer=words)
    model.base = ""
    return model


def configuration(architecture: str, keys: Mapping[str, Any], tokenizer: Any) -> PreTrainedConfig:
    """Return the configuration of an architecture with these keys, fitted to a tokenizer."""
    if architecture not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or architecture not in CONFIG_MAPPING:
        raise _unknown(architecture)
    usual = CONFIG_MAPPING[architecture]()
    if getattr(usual, "is_encoder_decoder", False):
        raise NotFoundError(
            "architecture {name!r} has an encoder; expected one that only continues a text, such as {some}",
            name=architecture, some=", ".join(_COMMON),
        )  # fmt: skip
    known = {*usual.to_dict(), *usual.attribute_map}
    for key in keys:
        if key not in known:
            raise _no_such_key(architecture, key, known)
    fitted = {**_fitted(tokenizer, known), **{key: _like(getattr(usual, key, None), value) for key, value in keys.items()}}
    if fitted["vocab_size"] < len(tokenizer):
        raise SettingsError(
            "model.vocab_size: found {found}, but the tokenizer has {least} entries; leave it out, or make it at least that",
            found=fitted["vocab_size"], least=len(tokenizer),
        )  # fmt: skip
    try:
        config: PreTrainedConfig = AutoConfig.for_model(architecture, **fitted)
    except (ValueError, TypeError, StrictDataclassError) as error:
        raise _refused(architecture, error) from error
    return config


def _like(usual: Any, value: Any) -> Any:
    """Return a number as a float where a float is usual: YAML reads 1e-5 as words, and 1 as a whole number."""
    if not isinstance(usual, float) or isinstance(value, bool) or not isinstance(value, int | str):
        return value
    try:
        return float(value)
    except ValueError:
        return value


def _fitted(tokenizer: Any, known: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "vocab_size": len(tokenizer), "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    if "is_decoder" in known:  # of the kind of BERT: each token sees those before it alone
        found["is_decoder"] = True
    if "max_position_embeddings" in known and tokenizer.model_max_length <= _LONGEST:
        found["max_position_embeddings"] = tokenizer.model_max_length
    return found


def _unknown(architecture: str) -> NotFoundError:
    known = sorted(name for name in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES if name in CONFIG_MAPPING)
    near = difflib.get_close_matches(architecture, known, n=1)
    if near:
        return NotFoundError("unknown architecture {name!r}; did you mean {near!r}?", name=architecture, near=near[0])
    return NotFoundError(
        "unknown architecture {name!r}; expected a causal model of transformers, such as {some}",
        name=architecture,
        some=", ".join(_COMMON),
    )


def _no_such_key(architecture: str, key: str, known: set[str]) -> SettingsError:
    near = difflib.get_close_matches(key, known, n=1)
    if near:
        return SettingsError(
            "model.{key}: {architecture} has no such key; did you mean {near!r}?",
            key=key, architecture=architecture, near=near[0],
        )  # fmt: skip
    return SettingsError(
        "model.{key}: {architecture} has no such key; see its page in transformers", key=key, architecture=architecture
    )


def _refused(architecture: str, error: Exception) -> SettingsError:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return SettingsError(
        "model: {architecture} refuses these keys: {reason}",
        architecture=architecture, reason=" ".join(map(str.strip, lines)),
    )  # fmt: skip
