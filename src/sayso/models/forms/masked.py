"""The form of a model that fills masked words (BERT, RoBERTa): the state at a token foretells what stood there.

Its rows have `labels`. It scores and learns; it answers no prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sayso.batches import Batch
from sayso.errors import ModelError
from sayso.models.arithmetic import quick_products
from sayso.models.forms import head as heads
from sayso.models.forms import scoring
from sayso.models.forms.chat import touched
from sayso.models.forms.places import character_places
from sayso.models.writing.sampling import Sampling
from sayso.records import Prompt

_HEADS = ("cls", "lm_head")


@dataclass(frozen=True, kw_only=True, slots=True)
class Gaps:
    """The words of a model that fills gaps: texts, but no prompts."""

    tokenizer: Any
    stop_ids: frozenset[int]

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """Refuse: nothing is answered.

        Raises:
            ModelError: always.
        """
        raise ModelError(
            "{name!r} fills masked words and answers no prompts; use a causal model, or one with an encoder and a decoder",
            name=self.tokenizer.name_or_path,
        )

    def encode_response(self, text: str) -> list[int]:
        """Return the ids of a text, with nothing around them."""
        return list(self.tokenizer(text, add_special_tokens=False).input_ids)

    def token_spans(self, text: str, spans: Sequence[tuple[int, int]]) -> list[range]:
        """Return, for each half-open span of characters of `text`, which tokens of its ids hold any of it."""
        places = character_places(self.tokenizer, text)
        return [touched(places, start, end) for start, end in spans]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the words of a text."""
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text


@dataclass(frozen=True, kw_only=True, slots=True)
class Masked:
    """How a model that fills gaps reads and scores."""

    chat: Gaps
    head: str
    """The part that makes logits of states; empty: the model makes those of every token itself."""
    reserved: int
    packed: bool = False
    packed_reason: str = ""
    adapter_task: str = "FEATURE_EXTRACTION"

    def token_logprobs(self, module: Any, batch: Batch) -> Float[Tensor, " M"]:
        """Return the float32 log-probability of every target of a batch."""
        with quick_products():
            found = self._found(module, batch)
            if not self.head:
                return heads.pick(found, batch.targets)
            size = module.get_output_embeddings().weight.shape[0]
            return heads.chunked(getattr(module, self.head), size, found, batch.targets)

    def distributions(self, module: Any, batch: Batch) -> Float[Tensor, "M V"]:
        """Return the float32 log-probability of the whole vocabulary at every target."""
        with quick_products():
            found = self._found(module, batch)
            logits = getattr(module, self.head)(found) if self.head else found
        return torch.log_softmax(logits.float(), dim=1)

    def write(
        self, module: Any, prompts: Sequence[Sequence[int]], sampling: Sampling, *, max_length: int
    ) -> list[list[int]]:
        """Write nothing: prompts are refused before."""
        assert not prompts, "a model that fills gaps answers no prompts"
        return []

    def _found(self, module: Any, batch: Batch) -> Float[Tensor, "M H"]:
        """Return the state at every target, or its logits where there is no head."""
        given = scoring.inputs(batch)
        given["position_ids"] = given["position_ids"] + self.reserved
        out = module.base_model(**given)[0] if self.head else module(**given).logits
        found: Tensor = out.flatten(0, 1)[batch.where]
        return found


def form(module: Any, tokenizer: Any) -> Masked:
    """Find out how a model that fills gaps is to be read and scored.

    Raises:
        ModelError: the tokenizer has no mask token.
    """
    if tokenizer.mask_token_id is None:
        raise ModelError(
            "the tokenizer of {name!r} names no mask token; expected mask_token in tokenizer_config.json",
            name=tokenizer.name_or_path,
        )
    ends = {tokenizer.sep_token_id, tokenizer.eos_token_id} - {None}
    chat = Gaps(tokenizer=tokenizer, stop_ids=frozenset(ends or {tokenizer.mask_token_id}))
    reserved = first_position(module)
    found = Masked(chat=chat, head=_head(module), reserved=reserved)
    packed, reason = scoring.packs(module, lambda batch: found.token_logprobs(module, batch))
    return Masked(chat=chat, head=found.head, reserved=reserved, packed=packed, packed_reason=reason)


def first_position(module: Any) -> int:
    """Return where the positions of tokens begin: RoBERTa's after that of padding, BERT's at 0."""
    table = next((part for name, part in module.named_modules() if name.endswith("position_embeddings")), None)
    pad = getattr(table, "padding_idx", None)
    return 0 if pad is None else pad + 1


@torch.no_grad()
def _head(module: Any) -> str:
    """Return the name of the part that is all there is between states and logits, or nothing where there is none."""
    last = module.get_input_embeddings().num_embeddings - 1
    ids = (scoring.probe_ids(module, 7)[None] + 1).clamp(max=last)  # not padding, from which RoBERTa counts no position
    wanted = module(input_ids=ids).logits
    states = module.base_model(input_ids=ids)[0]
    known: list[tuple[str, Callable[[Tensor], Tensor]]] = [
        (name, getattr(module, name)) for name in _HEADS if hasattr(module, name)
    ]
    return next((name for name, head in known if torch.allclose(head(states), wanted, atol=scoring.TOLERANCE)), "")
