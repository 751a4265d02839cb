"""Things that write. A `Writer` answers prompts; a `Policy` can be trained too, losses are built on its `token_logprobs`.
In `forms/` is what differs between kinds of networks, in `writing/` how they write, in `classical/` what is no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from jaxtyping import Float
    from torch import Tensor

    from sayso.batches import Batch
    from sayso.models.writing.sampling import Sampling, Written
    from sayso.records import Prompt

MODELS = {"local": "sayso.models.local:load", "remote": "sayso.models.remote:load", "scripted": "sayso.models.scripted:load"}


class Scorer(Protocol):
    """Anything that says how probable the targets of a batch are."""

    def token_logprobs(self, batch: Batch) -> Float[Tensor, " M"]:
        """Return the log-probability of every target of a batch."""

    def distributions(self, batch: Batch) -> Float[Tensor, "M V"]:
        """Return the log-probability of the whole vocabulary at every target."""


class Writer(Protocol):
    """Anything that answers prompts."""

    name: str

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """Write one response a prompt; the same sampling (with its seed) gives the same responses."""


class Policy(Protocol):
    """A writer whose weights can be trained."""

    name: str
    packed: bool
    pad_id: int
    max_length: int
    module: Any
    """The torch module whose parameters with `requires_grad` are trained."""

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """Write one response a prompt."""

    def write(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Written]:
        """Write what `generate` writes, with the tokens that were drawn and whether each answer was ended."""

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """Return the ids of a prompt, up to where the answer begins."""

    def encode_response(self, text: str) -> list[int]:
        """Return the ids of an answer, the end-of-answer token included; never joined with the prompt's text."""

    def token_spans(self, text: str, spans: Sequence[tuple[int, int]]) -> list[range]:
        """Return, for each span of characters of an answer, which tokens of `encode_response(text)` hold any of it."""

    def token_logprobs(self, batch: Batch) -> Float[Tensor, " M"]:
        """Return the log-probability of every target, with gradient."""

    def distributions(self, batch: Batch) -> Float[Tensor, "M V"]:
        """Return the log-probability of the whole vocabulary at every target, with gradient."""

    def reference(self) -> Scorer:
        """Return the frozen model as it was before training: the adapter switched off, or a copy of the weights."""

    def save(self, folder: Path) -> None:
        """Write an ordinary Hugging Face folder, or an adapter's, safetensors only."""


__all__ = ["MODELS", "Policy", "Scorer", "Writer"]
