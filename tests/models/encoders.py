"""Tiny models with an encoder, around the tokenizer of the tiny model; the same every time."""

from __future__ import annotations

from pathlib import Path

from sayso.models.fresh import fresh
from sayso.models.local import LocalModel

HALVES = {
    f"{half}_{name}": size
    for half in ("encoder", "decoder")
    for name, size in {"layers": 1, "attention_heads": 2, "ffn_dim": 48}.items()
}
SHAPES = {
    "bart": {"d_model": 24, **HALVES},
    "marian": {"d_model": 24, **HALVES},
    "t5": {"d_model": 24, "d_kv": 12, "d_ff": 48, "num_layers": 1, "num_heads": 2},
}


def made(architecture: str, tokenizer: Path) -> LocalModel:
    """Return a tiny model with random weights."""
    return fresh(architecture, SHAPES[architecture], tokenizer, seed=0, device="cpu")
