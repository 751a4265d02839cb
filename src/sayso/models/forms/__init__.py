"""What a local model leaves to its form: how words become ids, how probable targets are, and how it writes.

A form knows one kind of Hugging Face model (causal, encoder and decoder, masked); `sayso.models.local.LocalModel` is the
same around each of them, so that training, adapters and the feedback loop do not know which they have. How words become ids:
`chat`, `source_target`, `places`; how probable targets are: `scoring`, `packing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from sayso.batches import Batch
    from sayso.models.writing.sampling import Sampling
    from sayso.records import Prompt


class Words(Protocol):
    """How prompts and answers become ids, and ids words."""

    @property
    def stop_ids(self) -> frozenset[int]:
        """Any of these ends an answer."""

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """Return the ids of a prompt, up to where the answer begins."""

    def encode_response(self, text: str) -> list[int]:
        """Return the ids of an answer, its end included."""

    def token_spans(self, text: str, spans: Sequence[tuple[int, int]]) -> list[range]:
        """Return, for each span of characters, which tokens of `encode_response(text)` hold any of it."""

    def decode(self, ids: Sequence[int]) -> str:
        """Return the words of an answer."""


class Form(Protocol):
    """One kind of model; `module` is given with every call, since a model may stand in as it was before training."""

    @property
    def chat(self) -> Words:
        """How prompts and answers become ids."""

    @property
    def packed(self) -> bool:
        """Whether rows may stand in one line."""

    @property
    def packed_reason(self) -> str:
        """Why they may, or may not."""

    @property
    def reserved(self) -> int:
        """How many entries of the model's table of positions stand for no token."""

    @property
    def adapter_task(self) -> str:
        """What peft calls this kind of model."""

    def token_logprobs(self, module: Any, batch: Batch) -> Float[Tensor, " M"]:
        """Return the float32 log-probability of every target of a batch."""

    def distributions(self, module: Any, batch: Batch) -> Float[Tensor, "M V"]:
        """Return the float32 log-probability of the whole vocabulary at every target."""

    def write(
        self, module: Any, prompts: Sequence[Sequence[int]], sampling: Sampling, *, max_length: int
    ) -> list[list[int]]:
        """Return the ids written to each prompt, the stop token included where it was drawn."""


__all__ = ["Form", "Words"]
