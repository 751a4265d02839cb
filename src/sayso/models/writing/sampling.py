"""How a model writes: the settings of generation, and what was written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """Settings of generation; keys are Hugging Face's. Temperature 0 is greedy."""

    max_new_tokens: int = 64
    """An answer ends after so many tokens at the latest."""
    temperature: float = 0.8
    """0: always the likeliest token; higher is more varied."""
    top_p: float = 1.0
    """Only the likeliest tokens that together have this probability; 1: all."""
    top_k: int = 0
    """Only so many of the likeliest tokens; 0: no limit."""
    num_beams: int = 1
    """For a model with an encoder: the best of so many answers that are followed together; 1: only what is drawn."""
    length_penalty: float = 1.0
    """With beams: a target's log-probability is divided by its length to this power; higher writes more."""
    seed: int = 0
    """Of what is drawn; the same seed gives the same answers."""
    batch_size: int = 64
    """Prompts generated together; does not change what is written."""
    int8: bool = False
    """On a processor, of a local model: weights and states in 8 bits while it writes. Quicker, and some tokens come out
    otherwise; it is never trained so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What a model wrote to a prompt, as words and as the very tokens that were drawn."""

    text: str
    ids: tuple[int, ...]
    """With the end-of-answer token, where it was drawn."""
    ended: bool
    """Whether the model ended the answer itself; otherwise it was cut off."""


def seed_of(seed: int, *, step: int, turn: int = 0) -> int:
    """Return the sampling seed of one turn of writing (up to four) in one step of a training with this seed."""
    return (seed * 1_000_003 + step) * 4 + turn
