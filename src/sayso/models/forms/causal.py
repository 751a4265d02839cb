"""The form of a causal model: one sequence, each token foretold from those before it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from sayso.batches import Batch
from sayso.errors import ModelError
from sayso.i18n import gettext as _
from sayso.models.forms import scoring, sharing
from sayso.models.forms.apart import States
from sayso.models.forms.chat import Chat, chat_of
from sayso.models.writing import generation
from sayso.models.writing.sampling import Sampling

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Causal:
    """How a causal model reads, scores and writes."""

    chat: Chat
    head_alone: bool
    """See `scoring.head_stands_alone`."""
    packed: bool
    packed_reason: str
    shared: bool = False
    """Whether what a row has in common with the row before it runs once, see `sharing`."""
    reserved: int = 0
    adapter_task: str = "CAUSAL_LM"

    def token_logprobs(self, module: Any, batch: Batch) -> Float[Tensor, " M"]:
        """Return the float32 log-probability of every target of a batch."""
        return scoring.token_logprobs(module, self._laid_out(batch), head_alone=self.head_alone)

    def distributions(self, module: Any, batch: Batch) -> Float[Tensor, "M V"]:
        """Return the float32 log-probability of the whole vocabulary at every target."""
        return scoring.distributions(module, self._laid_out(batch), head_alone=self.head_alone)

    def states(self, module: Any, batch: Batch) -> States | None:
        """Return what the output head reads at every target of a batch, where the logits are its products alone."""
        return scoring.states(module, self._laid_out(batch), head_alone=self.head_alone)

    def write(
        self, module: Any, prompts: Sequence[Sequence[int]], sampling: Sampling, *, max_length: int
    ) -> list[list[int]]:
        """Continue each prompt's ids.

        Raises:
            ModelError: beams were asked for.
        """
        if sampling.num_beams > 1:
            raise ModelError(
                "num_beams: found {found}; set it to 1, beams are for models with an encoder",
                found=sampling.num_beams,
            )
        return generation.write(
            module,
            prompts,
            sampling,
            stop_ids=self.chat.stop_ids,
            max_length=max_length,
            keep_stop=True,
            by_position=self.packed,
        )

    def _laid_out(self, batch: Batch) -> Batch:
        return sharing.shared(batch) if self.shared else batch


def form(module: Any, tokenizer: Any) -> Causal:
    """Find out how a causal model is to be read and scored.

    Raises:
        ModelError: the tokenizer has no token that could end an answer.
    """
    chat = chat_of(tokenizer, generation.stop_ids(module))
    head_alone = scoring.head_stands_alone(module)
    packed, reason = scoring.supports_packing(module, head_alone=head_alone)
    apart = scoring.supports_sharing(module, head_alone=head_alone) if packed else ""
    if apart:
        logger.warning(_("what rows have in common at their beginning runs anew for each: {reason}").format(reason=apart))
    return Causal(chat=chat, head_alone=head_alone, packed=packed, packed_reason=reason, shared=packed and not apart)
