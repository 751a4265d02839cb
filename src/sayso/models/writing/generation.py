"""How a local model writes: our own loop over a key-value cache, many prompts together.

A text depends on its prompt and the sampling's seed, not on what else is in the batch: every prompt has its own stream of
random numbers, and the next token is read off the cumulated probabilities at the next number of that stream.

What is the same is read once: how all prompts of a call begin (a system text, a comment), and a prompt that is given several
times. Prompts of like length are read together, and a line that is done leaves.

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

from sayso.models.writing.cache import GrowingLayer, growing, only_grows
from sayso.models.writing.eight_bits import products
from sayso.models.writing.sampling import Sampling

BLOCK = 128
"""Probabilities that are cumulated together."""
NUCLEUS = 512
"""Tokens looked at before a whole vocabulary is sorted for `top_p`."""
SHARED = 16
"""Tokens that all prompts must begin with before these are read apart."""


def write(
    model: Any,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    *,
    stop_ids: frozenset[int],
    max_length: int,
    keep_stop: bool = False,
    by_position: bool = False,
) -> list[list[int]]:
    """Continue each prompt's ids until a stop token, `max_new_tokens` or a full context; return what was added.

    The stop token is part of what is returned only with `keep_stop`. Every prompt must be shorter than `max_length`.
    `by_position`: the model was seen to attend by positions, not by columns (it packs), so that what prompts share may stand
    apart from what follows it, and is read once.
    """
    own = seeds(prompts, sampling.seed)
    answers: list[list[int]] = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda number: (len(prompts[number]), tuple(prompts[number])))
    with torch.inference_mode(), products(model, int8=sampling.int8):
        reader = _Reader(model, prompts, by_position=by_position)
        for first in range(0, len(order), sampling.batch_size):
            members = order[first : first + sampling.batch_size]
            batch = _Batch(reader, [prompts[n] for n in members], [own[n] for n in members], sampling, max_length)
            for line, token in batch.tokens(stop_ids):
                if keep_stop or token not in stop_ids:
                    answers[members[line]].append(token)
    return answers


class _Reader:
    """A model, its cache, and how all prompts of a call begin, which was read once."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], *, by_position: bool) -> None:
        self.model = model
        self.cache = growing(model.config)
        self.shares = by_position and only_grows(self.cache)
        self.lead = _lead(prompts) if self.shares else []
        self._states: list[tuple[Tensor, Tensor]] = []
        if self.lead:
            ids = torch.tensor([self.lead], device=model.device)
            model(input_ids=ids, past_key_values=self.cache, use_cache=True, logits_to_keep=1)
            self._states = [(layer.keys.clone(), layer.values.clone()) for layer in self.cache.layers]

    def begin(self, lines: int) -> None:
        """Empty the cache, but for what all prompts begin with."""
        if not self.shares:  # its layers may be of a kind that the model puts there itself
            self.cache = growing(self.model.config)
            return
        for layer in self.cache.layers:
            layer.reset()
        for layer, states in zip(self.cache.layers, self._states, strict=False):  # none: nothing is shared
            layer.begin(*(part.expand(lines, -1, -1, -1) for part in states))


def _lead(prompts: Sequence[Sequence[int]]) -> list[int]:
    """Return how all prompts begin, less than the shortest of them; empty where it is not worth reading apart."""
    if len(prompts) < 2:
        return []
    least, most = min(map(list, prompts)), max(map(list, prompts))  # what these two share, all share
    limit = min(map(len, prompts)) - 1
    shared = next((place for place in range(limit) if least[place] != most[place]), limit)
    return least[:shared] if shared >= SHARED else []


class _Batch:
    """Prompts being continued together: what each still may write, its stream of numbers, and the cache.

    Prompts are padded on the left (behind what all share), so that all lines continue in the same column. A line that is
    done leaves the batch, and where nothing is shared, columns that are padding in all remaining lines leave with it.
    """

    def __init__(
        self, reader: _Reader, prompts: Sequence[Sequence[int]], seeds: Sequence[int], sampling: Sampling, max_length: int
    ) -> None:
        self.model, self.sampling, self.shared = reader.model, sampling, len(reader.lead)
        device = reader.model.device
        different = list(dict.fromkeys(map(tuple, prompts))) if reader.shares else [tuple(prompt) for prompt in prompts]
        self.ids, self.mask = _padded([prompt[self.shared :] for prompt in different], device)  # (B, width)
        self.mask = pad(self.mask, (self.shared, 0), value=1)
        self.positions = (self.mask.cumsum(1) - 1).clamp(min=0)[:, self.shared :]
        places = {prompt: place for place, prompt in enumerate(different)}
        self.copies = [places[tuple(prompt)] for prompt in prompts] if len(different) < len(prompts) else []
        self.lines = torch.arange(len(prompts))
        self.left = (max_length - torch.tensor([len(prompt) for prompt in prompts])).clamp(max=sampling.max_new_tokens)
        self.numbers = streams(seeds, sampling).to(device)
        reader.begin(len(different))
        self.cache = reader.cache

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
        return self._copied(logits) if self.copies else logits

    def _copied(self, logits: Float[Tensor, "U V"]) -> Float[Tensor, "B V"]:
        """Give every copy of a prompt a line of its own, once the prompt was read."""
        index = torch.tensor(self.copies, device=logits.device)
        self.copies = []
        self.cache.batch_select_indices(index)
        self.mask, self.positions = self.mask[index], self.positions[index]
        return logits[index]

    def _advance(self, chosen: Int[Tensor, " B"], alive: Bool[Tensor, " B"]) -> None:
        if not alive.all():
            chosen = self._leave(chosen, alive)
        self.ids = chosen[:, None]
        self.positions = self.positions[:, -1:] + 1
        self.mask = torch.cat([self.mask, self.mask.new_ones((len(chosen), 1))], dim=1)

    def _leave(self, chosen: Int[Tensor, " B"], alive: Bool[Tensor, " B"]) -> Int[Tensor, " A"]:
        """Drop the lines that are done, from here and from the cache; lines from the end take their places."""
        order = _closed_up(alive.tolist())
        here = torch.tensor(order)
        self.lines, self.left = self.lines[here], self.left[here]
        kept = here.to(self.mask.device)
        self.numbers, self.mask, self.positions = self.numbers[kept], self.mask[kept], self.positions[kept]
        for layer in self.cache.layers:
            if type(layer) is GrowingLayer:
                layer.leave(order)
            else:
                layer.batch_select_indices(kept)
        if not self.shared and only_grows(self.cache):
            self._crop()
        return chosen[kept]

    def _crop(self) -> None:
        """Drop leading columns that are padding everywhere; a model with fixed mask buffers needs it near a full context."""
        empty = int(self.mask.argmax(dim=1).min())
        if empty:
            self.mask = self.mask[:, empty:]
            for layer in self.cache.layers:
                layer.drop(empty)


def _padded(lines: Sequence[Sequence[int]], device: Any) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Return lines of ids as one tensor, padded on the left, and its mask."""
    width = max(map(len, lines))
    ids = torch.tensor([[0] * (width - len(line)) + list(line) for line in lines], device=device)
    lengths = torch.tensor([len(line) for line in lines], device=device)
    return ids, (torch.arange(width, device=device) >= width - lengths[:, None]).long()


def _closed_up(alive: Sequence[bool]) -> list[int]:
    """Return which lines stay: those before the last place where they are, the others in the places that became free."""
    count = sum(alive)
    behind = iter([line for line in range(count, len(alive)) if alive[line]])
    return [line if alive[line] else next(behind) for line in range(count)]


def choose(logits: Float[Tensor, "B V"], numbers: Float[Tensor, " B"], sampling: Sampling) -> Int[Tensor, " B"]:
    """Choose a token a line: the likeliest at temperature 0, else where the cumulated probability passes its number."""
    if sampling.temperature <= 0:
        return _highest(logits)
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


def _highest(logits: Float[Tensor, "B V"]) -> Int[Tensor, " B"]:
    """Return the first of the highest: of blocks first, whose maxima a processor finds many at a time, then in one block."""
    if logits.shape[1] % BLOCK or not logits.is_contiguous():
        return logits.argmax(dim=1)
    blocks = logits.view(len(logits), -1, BLOCK)
    best = blocks.amax(dim=2).argmax(dim=1)
    return best * BLOCK + blocks[torch.arange(len(logits), device=logits.device), best].argmax(dim=1)


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
