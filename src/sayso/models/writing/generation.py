"""How a local model writes: our own loop over a key-value cache, many prompts together.

A text depends on its prompt and the sampling's seed, not on what else is in the batch: every prompt has its own stream of
random numbers, and the next token is read off the cumulated probabilities at the next number of that stream.

Letters: B prompts of a batch, V vocabulary.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from sayso.models.arithmetic import quick_products
from sayso.models.writing.sampling import Sampling

BLOCK = 128
"""Probabilities that are cumulated together."""
NUCLEUS = 512
"""Tokens looked at before a whole vocabulary is sorted for `top_p`."""


def write(
    model: Any,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    *,
    stop_ids: frozenset[int],
    max_length: int,
    keep_stop: bool = False,
) -> list[list[int]]:
    """Continue each prompt's ids until a stop token, `max_new_tokens` or a full context; return what was added.

    The stop token is part of what is returned only with `keep_stop`. Every prompt must be shorter than `max_length`.
    """
    own = seeds(prompts, sampling.seed)
    answers: list[list[int]] = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    with torch.inference_mode(), quick_products():
        for first in range(0, len(order), sampling.batch_size):
            members = order[first : first + sampling.batch_size]
            batch = _Batch(model, [prompts[n] for n in members], [own[n] for n in members], sampling, max_length)
            for line, token in batch.tokens(stop_ids):
                if keep_stop or token not in stop_ids:
                    answers[members[line]].append(token)
    return answers


class _Batch:
    """Prompts being continued together: what each still may write, its stream of numbers, and the cache.

    Prompts are padded on the left, so that all lines continue in the same column. A line that is done leaves the batch, and
    columns that are padding in all remaining lines leave with it.
    """

    def __init__(
        self, model: Any, prompts: Sequence[Sequence[int]], seeds: Sequence[int], sampling: Sampling, max_length: int
    ) -> None:
        self.model, self.sampling = model, sampling
        lengths = torch.tensor([len(prompt) for prompt in prompts])
        width = int(lengths.max())
        padded = [[0] * (width - len(prompt)) + list(prompt) for prompt in prompts]
        self.ids = torch.tensor(padded, device=model.device)  # (B, width), later (B, 1)
        self.mask = (torch.arange(width) >= width - lengths[:, None]).long().to(model.device)
        self.positions = (self.mask.cumsum(1) - 1).clamp(min=0)
        self.lines = torch.arange(len(prompts))
        self.left = (max_length - lengths).clamp(max=sampling.max_new_tokens)
        self.numbers = streams(seeds, sampling).to(model.device)
        self.cache = DynamicCache(config=model.config)

    def tokens(self, stop_ids: frozenset[int]) -> Iterator[tuple[int, int]]:
        """Yield (line, token) in the order they are written, a line's stop token last."""
        stops = torch.tensor(sorted(stop_ids))
        if self.sampling.max_new_tokens < 1:
            return
        for step in range(int(self.left.max())):
            chosen = choose(self._logits(), self.numbers[:, step], self.sampling)
            told = chosen.cpu()
            stopped = torch.isin(told, stops)
            yield from zip(self.lines.tolist(), told.tolist(), strict=True)
            alive = ~stopped & (self.left > step + 1)
            if not alive.any():
                return
            self._advance(chosen, alive)

    def _logits(self) -> Float[Tensor, "B V"]:
        out = self.model(
            input_ids=self.ids, attention_mask=self.mask, position_ids=self.positions,
            past_key_values=self.cache, use_cache=True, logits_to_keep=1,
        )  # fmt: skip
        logits: Tensor = out.logits[:, -1].float()
        return logits

    def _advance(self, chosen: Int[Tensor, " B"], alive: Bool[Tensor, " B"]) -> None:
        if not alive.all():
            chosen = self._leave(chosen, alive)
        self.ids = chosen[:, None]
        self.positions = self.positions[:, -1:] + 1
        self.mask = torch.cat([self.mask, self.mask.new_ones((len(chosen), 1))], dim=1)

    def _leave(self, chosen: Int[Tensor, " B"], alive: Bool[Tensor, " B"]) -> Int[Tensor, " A"]:
        """Drop the lines that are done, from here and from the cache."""
        self.lines, self.left = self.lines[alive], self.left[alive]
        kept = alive.nonzero().squeeze(1).to(self.mask.device)
        self.numbers, self.mask, self.positions = self.numbers[kept], self.mask[kept], self.positions[kept]
        self.cache.batch_select_indices(kept)
        self._crop()
        return chosen[kept]

    def _crop(self) -> None:
        """Drop leading columns that are padding everywhere; a model with fixed mask buffers needs it near a full context."""
        empty = int(self.mask.argmax(dim=1).min())
        layers: list[Any] = self.cache.layers
        if empty == 0 or any(type(layer) is not DynamicLayer for layer in layers):
            return
        self.mask = self.mask[:, empty:]
        for layer in layers:
            layer.keys, layer.values = layer.keys[:, :, empty:], layer.values[:, :, empty:]


def choose(logits: Float[Tensor, "B V"], numbers: Float[Tensor, " B"], sampling: Sampling) -> Int[Tensor, " B"]:
    """Choose a token a line: the likeliest at temperature 0, else where the cumulated probability passes its number."""
    if sampling.temperature <= 0:
        return logits.argmax(dim=1)
    probabilities = (logits / sampling.temperature).softmax(dim=1)
    if sampling.top_k <= 0 and sampling.top_p >= 1:
        return _at(probabilities, numbers)
    likeliest, order = _likeliest(probabilities, sampling)
    if sampling.top_k > 0:
        likeliest = likeliest / likeliest.sum(dim=1, keepdim=True)
    if sampling.top_p < 1:
        before = likeliest.cumsum(dim=1) - likeliest  # probability of all likelier tokens
        likeliest = likeliest.masked_fill(before >= sampling.top_p, 0.0)
    return order.gather(1, _at(likeliest, numbers)[:, None]).squeeze(1)


def _likeliest(probabilities: Float[Tensor, "B V"], sampling: Sampling) -> tuple[Float[Tensor, "B K"], Int[Tensor, "B K"]]:
    """Return the likeliest tokens' probabilities, falling, and which they are: `top_k`, or enough to hold `top_p`."""
    size = probabilities.shape[1]
    if 0 < sampling.top_k < size:
        return torch.topk(probabilities, sampling.top_k, dim=1)
    few, order = torch.topk(probabilities, min(NUCLEUS, size), dim=1)
    if bool((few.sum(dim=1) > sampling.top_p).all()):
        return few, order
    return torch.sort(probabilities, dim=1, descending=True)


def _at(weights: Float[Tensor, "B V"], numbers: Float[Tensor, " B"]) -> Int[Tensor, " B"]:
    """Return the first index where the cumulated weight passes number times the whole; never one of weight 0.

    Blocks are cumulated first and then one block a line, which reads a large vocabulary once.
    """
    blocks = pad(weights, (0, -weights.shape[1] % BLOCK)).view(len(weights), -1, BLOCK)  # (B, V / BLOCK, BLOCK)
    sums = blocks.sum(dim=2, dtype=torch.float64)
    cumulated = sums.cumsum(dim=1)
    wanted = numbers[:, None] * cumulated[:, -1:]  # (B, 1)
    chosen = _passing(cumulated, wanted)
    before = cumulated.gather(1, chosen) - sums.gather(1, chosen)
    inside = blocks[torch.arange(len(blocks), device=blocks.device), chosen[:, 0]].double().cumsum(dim=1)  # (B, BLOCK)
    return (chosen * BLOCK + _passing(inside, wanted - before)).squeeze(1)


def _passing(cumulated: Float[Tensor, "B N"], wanted: Float[Tensor, "B 1"]) -> Int[Tensor, "B 1"]:
    """Return the first index past `wanted`, or, where rounding leaves none, the first that reaches the end."""
    last = torch.searchsorted(cumulated, cumulated[:, -1:].contiguous())
    return torch.minimum(torch.searchsorted(cumulated, wanted.contiguous(), right=True), last)


def stop_ids(module: Any) -> list[int]:
    """Return the end tokens that a model's generation settings name."""
    named = module.generation_config.eos_token_id
    return [] if named is None else [named] if isinstance(named, int) else list(named)


def seeds(prompts: Sequence[Sequence[int]], seed: int) -> list[int]:
    """Return a seed a prompt, from the sampling's seed, the prompt's ids and how often the prompt came before."""
    seen: Counter[tuple[int, ...]] = Counter()
    found = []
    for prompt in prompts:
        key = tuple(prompt)
        digest = hashlib.sha256(repr((seed, seen[key], key)).encode()).digest()
        found.append(int.from_bytes(digest[:16], "big"))
        seen[key] += 1
    return found


def streams(seeds: Sequence[int], sampling: Sampling) -> Float[Tensor, "B S"]:
    """Return numbers in [0, 1) for every line and step; a longer stream begins like a shorter one."""
    if sampling.temperature <= 0:
        return torch.zeros((len(seeds), sampling.max_new_tokens), dtype=torch.float64)
    drawn = [np.random.default_rng(seed).random(sampling.max_new_tokens) for seed in seeds]
    return torch.from_numpy(np.stack(drawn))
