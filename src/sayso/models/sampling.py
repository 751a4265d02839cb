"""How a model writes: the settings of generation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """Settings of generation; keys are Hugging Face's. Temperature 0 is greedy."""

    max_new_tokens: int = 64
    temperature: float = 0.8
    top_p: float = 1.0
    top_k: int = 0
    """0: no limit."""
    seed: int = 0
    batch_size: int = 64
    """Prompts generated together; does not change what is written."""
