"""How a model with an encoder writes: a source is read once, and the target grows from the decoder's start token.

What is drawn depends on the source and the sampling's seed alone, as in `sayso.models.writing.generation`; beams are
transformers'.

Letters: B sources of a batch, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from sayso.models.writing import generation
from sayso.models.writing.eight_bits import products
from sayso.models.writing.sampling import Sampling


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What the decoder reads before a target, which is no part of what is returned; what ends it; how long it may be."""

    lead: Sequence[int]
    stop_ids: frozenset[int]
    max_length: int
    """Tokens of a whole line, `lead` among them."""

    def room(self, sampling: Sampling) -> int:
        """Return how many tokens may be written."""
        return min(sampling.max_new_tokens, self.max_length - len(self.lead))


def draw(model: Any, sources: Sequence[Sequence[int]], sampling: Sampling, target: Target) -> list[list[int]]:
    """Write a target to each source, token by token."""
    seeds = generation.seeds(sources, sampling.seed)
    answers: list[list[int]] = [[] for _ in sources]
    with torch.inference_mode(), products(model, int8=sampling.int8):
        for members in _batches(sources, sampling.batch_size):
            numbers = generation.streams([seeds[n] for n in members], sampling).to(model.device)
            some = [sources[n] for n in members]
            reading = _Reading(model, some, target.lead)
            for line, token in _tokens(reading, numbers, sampling, target.stop_ids, target.room(sampling)):
                answers[members[line]].append(token)
    return answers


def search(model: Any, sources: Sequence[Sequence[int]], sampling: Sampling, target: Target) -> list[list[int]]:
    """Write the best of `num_beams` targets to each source; nothing is drawn."""
    answers: list[list[int]] = [[] for _ in sources]
    pad = _pad(model, target.stop_ids)
    with torch.inference_mode(), products(model, int8=sampling.int8):
        for members in _batches(sources, sampling.batch_size):
            ids, mask = lines([sources[n] for n in members], pad, model.device)
            found = model.generate(
                input_ids=ids, attention_mask=mask, num_beams=sampling.num_beams, length_penalty=sampling.length_penalty,
                decoder_input_ids=torch.tensor([target.lead] * len(members), device=model.device), do_sample=False,
                max_new_tokens=target.room(sampling), max_length=None, early_stopping=False, pad_token_id=pad,
                eos_token_id=sorted(target.stop_ids), suppress_tokens=[pad] if pad not in target.stop_ids else None,
            )  # fmt: skip
            for number, line in zip(members, found[:, len(target.lead) :].tolist(), strict=True):
                answers[number] = _ended(line, target.stop_ids)
    return answers


class _Reading:
    """Sources that were read, with the decoder's cache; a line that is done leaves."""

    def __init__(self, model: Any, sources: Sequence[Sequence[int]], lead: Sequence[int]) -> None:
        self.model = model
        ids, self.mask = lines(sources, 0, model.device)
        self.states = model.get_encoder()(input_ids=ids, attention_mask=self.mask)[0]
        self.cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        self.ids = torch.tensor([lead] * len(sources), device=model.device)  # (B, lead), later (B, 1)

    def logits(self) -> Tensor:
        """Return the logits of the next token, (B, V)."""
        out = self.model(
            encoder_outputs=BaseModelOutput(last_hidden_state=self.states), attention_mask=self.mask,
            decoder_input_ids=self.ids, past_key_values=self.cache, use_cache=True,
        )  # fmt: skip
        logits: Tensor = out.logits[:, -1].float()
        return logits

    def advance(self, chosen: Tensor, alive: Tensor) -> None:
        """Go on with what was chosen, in the lines that are alive."""
        if not alive.all():
            kept = alive.nonzero().squeeze(1)
            chosen, self.mask, self.states = chosen[kept], self.mask[kept], self.states[kept]
            self.cache.batch_select_indices(kept)
        self.ids = chosen[:, None]


def _tokens(
    reading: _Reading, numbers: Tensor, sampling: Sampling, stop_ids: frozenset[int], limit: int
) -> Iterator[tuple[int, int]]:
    """Yield (line, token) in the order they are written, a line's stop token last."""
    stops = torch.tensor(sorted(stop_ids))
    lines = torch.arange(len(numbers))
    pad = reading.model.config.pad_token_id
    for step in range(limit):
        logits = reading.logits()
        if pad is not None and pad not in stop_ids:
            logits[:, pad] = -torch.inf
        chosen = generation.choose(logits, numbers[:, step], sampling)
        told = chosen.cpu()
        yield from zip(lines.tolist(), told.tolist(), strict=True)
        alive = ~torch.isin(told, stops)
        if not alive.any():
            return
        lines, numbers = lines[alive], numbers[alive.to(numbers.device)]
        reading.advance(chosen, alive.to(chosen.device))


def _batches(sources: Sequence[Sequence[int]], size: int) -> Iterator[list[int]]:
    """Yield which sources are read together: neighbours in length."""
    order = sorted(range(len(sources)), key=lambda number: len(sources[number]))
    for first in range(0, len(order), size):
        yield order[first : first + size]


def lines(sources: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[Tensor, Tensor]:
    """Return lines of ids as one tensor, padded on the right, and its mask."""
    width = max(len(source) for source in sources)
    ids = torch.tensor([[*source, *[pad] * (width - len(source))] for source in sources], device=device)
    lengths = torch.tensor([len(source) for source in sources], device=device)
    return ids, (torch.arange(width, device=device) < lengths[:, None]).long()


def _pad(model: Any, stop_ids: frozenset[int]) -> int:
    pad = model.config.pad_token_id
    return min(stop_ids) if pad is None else int(pad)


def _ended(line: Sequence[int], stop_ids: frozenset[int]) -> list[int]:
    end = next((number + 1 for number, token in enumerate(line) if token in stop_ids), len(line))
    return list(line[:end])
