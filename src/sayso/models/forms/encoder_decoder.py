"""The form of a model with an encoder and a decoder (T5, BART, Marian): a source is read, a target is written.

Rows are those of every other model: a source's ids and, after them, the target's. A source ends with its end token, the
first one in a row; where there is none, the target begins with the first token that is learnt. What the decoder reads is its
start token and the target up to the token before.

Letters: R rows, S sources, M targets, H hidden size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput

from sayso.batches import Batch, Row
from sayso.errors import ModelError
from sayso.models.arithmetic import quick_products
from sayso.models.forms import head as heads
from sayso.models.forms import scoring, source_target
from sayso.models.forms.source_target import SourceTarget
from sayso.models.writing import beams
from sayso.models.writing.generation import stop_ids
from sayso.models.writing.sampling import Sampling

SHORT = 64
"""Tokens of a source or target up to which plain attention is quicker on a CPU (a quarter of a step at 15 tokens)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderDecoder:
    """How a model with an encoder reads, scores and writes."""

    chat: SourceTarget
    start: int
    """What the decoder reads first."""
    scale: float | None
    """What hidden states are multiplied with before the output head; None: the model makes the logits itself."""
    packed: bool = False
    packed_reason: str = "a source and its target are padded apart"
    reserved: int = 0
    adapter_task: str = "SEQ_2_SEQ_LM"

    def token_logprobs(self, module: Any, batch: Batch) -> Float[Tensor, " M"]:
        """Return the float32 log-probability of every target of a batch."""
        with quick_products():
            states = self._states(module, batch)
            if self.scale is None:
                return heads.pick(states, batch.targets)
            head = module.get_output_embeddings()
            return heads.chunked(lambda part: self._logits(module, part), head.weight.shape[0], states, batch.targets)

    def distributions(self, module: Any, batch: Batch) -> Float[Tensor, "M V"]:
        """Return the float32 log-probability of the whole vocabulary at every target."""
        with quick_products():
            states = self._states(module, batch)
            logits = states if self.scale is None else self._logits(module, states)
        return torch.log_softmax(logits.float(), dim=1)

    def write(
        self, module: Any, prompts: Sequence[Sequence[int]], sampling: Sampling, *, max_length: int
    ) -> list[list[int]]:
        """Write a target to each source: the likeliest, drawn, or the best of several beams."""
        lead = [self.start, *self.chat.lead]
        target = beams.Target(lead=lead, stop_ids=self.chat.stop_ids, max_length=max_length)
        ask = beams.search if sampling.num_beams > 1 else beams.draw
        found = ask(module, prompts, sampling, target)
        return [[*self.chat.lead, *ids] for ids in found]

    def _logits(self, module: Any, states: Float[Tensor, "M H"]) -> Float[Tensor, "M V"]:
        assert self.scale is not None, "a model that makes its logits itself has no head of its own"
        logits: Tensor = module.get_output_embeddings()(states if self.scale == 1.0 else states * self.scale)
        bias = getattr(module, "final_logits_bias", None)
        return logits if bias is None else logits + bias

    def _states(self, module: Any, batch: Batch) -> Float[Tensor, "M H"]:
        """Return the decoder's state at every target, or its logits where `scale` is None."""
        parts = _split(batch, self.chat.stop_ids, self.start)
        _attend(module, max(parts.sources.shape[1], parts.decoder.shape[1]))
        read = module.get_encoder()(input_ids=parts.sources, attention_mask=parts.mask)[0]  # (S, Ts, H)
        read, mask = read[parts.source_of], parts.mask[parts.source_of]
        if self.scale is None:
            found = module(
                encoder_outputs=BaseModelOutput(last_hidden_state=read), attention_mask=mask,
                decoder_input_ids=parts.decoder, use_cache=False,
            ).logits  # fmt: skip
        else:
            found = module.get_decoder()(
                input_ids=parts.decoder, encoder_hidden_states=read, encoder_attention_mask=mask, use_cache=False
            )[0]
        states: Tensor = found.flatten(0, 1)[parts.where]
        return states


def form(module: Any, tokenizer: Any) -> EncoderDecoder:
    """Find out how a model with an encoder is to be read and scored.

    Raises:
        ModelError: there is no token that could end an answer, or none that the decoder could begin with.
    """
    chat = source_target.words_of(tokenizer, stop_ids(module))
    settings = (module.generation_config, module.config)
    known = [getattr(found, "decoder_start_token_id", None) for found in settings]
    start = next((number for number in known if number is not None), None)
    if start is None:
        raise ModelError(
            "{name!r} does not say what its decoder begins with; expected decoder_start_token_id in config.json",
            name=tokenizer.name_or_path,
        )
    return EncoderDecoder(chat=chat, start=int(start), scale=_scale(module))


@torch.no_grad()
def _scale(module: Any) -> float | None:
    """Return what this model multiplies hidden states with before its output head, or None where that is not all it does."""
    head = module.get_output_embeddings()
    size = getattr(module.config, "d_model", 1)
    ids = scoring.probe_ids(module, 7)[None]
    read = module.get_encoder()(input_ids=ids)[0]
    wanted = module(encoder_outputs=BaseModelOutput(last_hidden_state=read), decoder_input_ids=ids, use_cache=False).logits
    states = module.get_decoder()(input_ids=ids, encoder_hidden_states=read, use_cache=False)[0]
    bias = getattr(module, "final_logits_bias", None)
    for scale in (1.0, size**-0.5):
        found = head(states * scale)
        found = found if bias is None else found + bias
        if torch.allclose(found.float(), wanted.float(), atol=scoring.TOLERANCE):
            return scale
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Parts:
    """A batch as a model with an encoder reads it; a source that several rows share is read once."""

    sources: Int[Tensor, "S N"]
    mask: Int[Tensor, "S N"]
    source_of: Int[Tensor, " R"]
    decoder: Int[Tensor, "R K"]
    where: Int[Tensor, " M"]
    """Target m is foretold by the decoder's state at this flat index of its (R, K) lines."""


def _attend(module: Any, longest: int) -> None:
    """Let a model on a CPU attend in plain products where all rows are short; the fused kernel is slower there."""
    attention = module.config._attn_implementation
    if module.device.type != "cpu" or attention not in ("sdpa", "eager"):
        return
    wanted = "eager" if longest <= SHORT else "sdpa"
    if attention != wanted:
        module.set_attn_implementation(wanted)


def _split(batch: Batch, ends: frozenset[int], start: int) -> _Parts:
    device = batch.ids.device
    begins = [_begins(item, ends) for item in batch.rows]
    sources: dict[tuple[int, ...], int] = {}
    source_of = [
        sources.setdefault(item.ids[:begin] or (min(ends),), len(sources))
        for item, begin in zip(batch.rows, begins, strict=True)
    ]
    read, mask = beams.lines(list(sources), batch.pad_id, device)
    decoder, _ = beams.lines(
        [(start, *item.ids[begin:-1]) for item, begin in zip(batch.rows, begins, strict=True)], batch.pad_id, device
    )
    width = batch.ids.shape[1]
    offsets = batch.bounds[:-1] if batch.mask is None else range(0, len(batch.rows) * width, width)
    # token i of a row is foretold at decoder state i - begin; `batch.where` is where token i - 1 stands
    shift = [
        number * decoder.shape[1] - offset + 1 - begin
        for number, (offset, begin) in enumerate(zip(offsets, begins, strict=True))
    ]
    where = batch.where + torch.tensor(shift, device=device)[batch.row_of]
    return _Parts(sources=read, mask=mask, source_of=torch.tensor(source_of, device=device), decoder=decoder, where=where)


def _begins(item: Row, ends: frozenset[int]) -> int:
    """Return where a row's target begins: after its first end token, or at its first learnt token."""
    assert not item.labels, "a model with an encoder learns targets, not labels"
    learnt = next((number for number, weight in enumerate(item.weights) if weight and number), len(item.ids))
    return next((number + 1 for number, token in enumerate(item.ids[:learnt]) if token in ends), learnt)
