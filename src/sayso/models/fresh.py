"""A model with random weights, from the name of an architecture and Hugging Face's own keys."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
)

from sayso.errors import NotFoundError, SettingsError
from sayso.models import folders, opening, recurrent
from sayso.models.local import LocalModel, place

_COMMON = ("llama", "gpt2", "gpt_neox", "qwen2", "qwen3", "mistral", "opt", *recurrent.NAMES, "t5", "bart", "marian",
    "bert", "roberta")  # fmt: skip
_KNOWN = {
    *MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, *MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES, *MODEL_FOR_MASKED_LM_MAPPING_NAMES
}  # fmt: skip
MASK = "<|mask|>"
SENTINEL = "<extra_id_{number}>"
"""What stands for a span that was taken out, as T5 writes it."""
_LONGEST = 1 << 20
_BYTES = 4
"""Of a weight, in float32."""
SMALL: Mapping[str, int] = {
    "hidden_size": 256, "num_hidden_layers": 6, "num_attention_heads": 8, "num_key_value_heads": 8,
    "intermediate_size": 704, "d_ff": 704, "encoder_layers": 3, "decoder_layers": 3, "encoder_attention_heads": 8,
    "decoder_attention_heads": 8, "encoder_ffn_dim": 704, "decoder_ffn_dim": 704,
}  # fmt: skip
"""The shape of a model for which no key was given: a few million weights. What transformers has as its own is the shape of
the first model of that name, of seven billion weights for a llama."""


def fresh(
    architecture: str, keys: Mapping[str, Any], tokenizer: Path, *, seed: int, device: str = "auto", name: str = "fresh",
    sentinels: int = 0,
) -> LocalModel:  # fmt: skip
    """Return a model with random weights around the tokenizer of a folder; the same seed gives the same weights.

    The size of the vocabulary, the context and the special tokens are the tokenizer's unless `keys` say otherwise. Without
    any keys it is small (`SMALL`); with some, what they do not say is as transformers has it for the architecture. A model
    that fills gaps gets a mask token where the tokenizer has none, and any model so many `sentinels`.

    Raises:
        NotFoundError: transformers knows no such model, or there is no tokenizer folder.
        SettingsError: a key that the architecture does not have, a value it refuses, a vocabulary too small, or more weights
            than there is memory for.
        ModelError: the tokenizer cannot be opened.
    """
    words = folders.open_tokenizer(folders.find(str(tokenizer)))
    config = configuration(architecture, keys, _widened(words, sentinels))
    where = place(device)
    auto = opening.AUTO[opening.kind_of(config) or "causal"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            with torch.device("meta"):
                shapes = auto.from_config(config, dtype=torch.float32)
        except (ValueError, TypeError, KeyError, RuntimeError, AttributeError, ZeroDivisionError) as error:
            raise _refused(architecture, error) from error
        _expect_room(architecture, shapes)
        module = auto.from_config(config, dtype=torch.float32)
    model = LocalModel(name=name, module=module.to(where).eval(), tokenizer=words)
    model.base = ""
    return model


def _expect_room(architecture: str, shapes: Any) -> None:
    """Refuse a model that this machine's memory cannot hold, before it is drawn: being ended by the system says nothing."""
    weights = sum(part.numel() for part in shapes.parameters())
    free = psutil.virtual_memory().available
    if weights * _BYTES > free:
        raise SettingsError(
            "model: {architecture} with these keys has {weights:,} weights, which take {wanted:.1f} GB, and {free:.1f} GB "
            "are free; make it smaller, for example with --set model.hidden_size=256 --set model.num_hidden_layers=6",
            architecture=architecture, weights=weights, wanted=weights * _BYTES / 1e9, free=free / 1e9,
        )  # fmt: skip


def kind_of(architecture: str) -> str:
    """Return which kind of model an architecture is by itself (see `opening`); of an unknown one, `causal`."""
    usual = CONFIG_MAPPING[architecture]() if architecture in CONFIG_MAPPING else None
    return (opening.kind_of(usual) if usual else None) or "causal"


def configuration(architecture: str, keys: Mapping[str, Any], tokenizer: Any) -> PreTrainedConfig:
    """Return the configuration of an architecture with these keys, fitted to a tokenizer."""
    if architecture in recurrent.NAMES:
        architecture, keys = recurrent.MODEL_TYPE, {**recurrent.NAMES[architecture], **keys}
    if architecture not in (*_KNOWN, recurrent.MODEL_TYPE) or architecture not in CONFIG_MAPPING:
        raise _unknown(architecture)
    usual = CONFIG_MAPPING[architecture]()
    if opening.kind_of(usual) is None:
        raise _unknown(architecture)
    known = {*usual.to_dict(), *usual.attribute_map}
    for key in keys:
        if key not in known:
            raise _no_such_key(architecture, key, known)
    keys = keys or _small(known)
    given = {key: _like(getattr(usual, key, None), value) for key, value in keys.items()}
    if opening.kind_of(usual) == "masked" and tokenizer.mask_token is None:
        tokenizer.add_special_tokens({"mask_token": MASK})
    fitted = {**_fitted(tokenizer, usual, known), **given}
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


def _small(known: set[str]) -> Mapping[str, int]:
    """Return the keys of a small model, those that an architecture has; one that lists its layers keeps their number."""
    listed = "num_hidden_layers" if "attention_types" in known else ""
    return {key: value for key, value in SMALL.items() if key in known and key != listed}


def _like(usual: Any, value: Any) -> Any:
    """Return a number as a float where a float is usual: YAML reads 1e-5 as words, and 1 as a whole number."""
    if not isinstance(usual, float) or isinstance(value, bool) or not isinstance(value, int | str):
        return value
    try:
        return float(value)
    except ValueError:
        return value


def _fitted(tokenizer: Any, usual: PreTrainedConfig, known: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "vocab_size": len(tokenizer), "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    if opening.kind_of(usual) == "encoder_decoder":
        found |= _beginning(tokenizer, usual)
    if "max_position_embeddings" in known and tokenizer.model_max_length <= _LONGEST:
        found["max_position_embeddings"] = tokenizer.model_max_length + _reserved(tokenizer, usual)
    return found


def _widened(tokenizer: Any, sentinels: int) -> Any:
    """Give a tokenizer the sentinels that it lacks."""
    tokenizer.add_tokens([SENTINEL.format(number=number) for number in range(sentinels)], special_tokens=True)
    return tokenizer


def _reserved(tokenizer: Any, usual: PreTrainedConfig) -> int:
    """Return how many positions of RoBERTa's table come before those of tokens."""
    return (tokenizer.pad_token_id or 0) + 1 if "roberta" in usual.model_type or "camembert" in usual.model_type else 0


def _beginning(tokenizer: Any, usual: PreTrainedConfig) -> dict[str, Any]:
    """Return what the decoder begins with: the end token where the architecture does so, else padding; nothing is forced."""
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    ended = getattr(usual, "decoder_start_token_id", None) == usual.eos_token_id or pad is None
    return {"decoder_start_token_id": end if ended else pad, "forced_eos_token_id": None}


def _unknown(architecture: str) -> NotFoundError:
    known = sorted([*recurrent.NAMES, *(name for name in _KNOWN if name in CONFIG_MAPPING)])
    near = difflib.get_close_matches(architecture, known, n=1)
    if near:
        return NotFoundError("unknown architecture {name!r}; did you mean {near!r}?", name=architecture, near=near[0])
    return NotFoundError(
        "unknown architecture {name!r}; expected a language model of transformers, such as {some}",
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
