"""Which words of a text its class rests on: gradients at a network's words, the weights of a linear classifier's.

Letters: B rows, T tokens, D numbers a token, S steps of the way from no word to the words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from sayso.errors import ModelError, NotFoundError
from sayso.models.classical.linear import Linear
from sayso.models.forms.classifier import Place
from sayso.models.headed import NetworkLabeller
from sayso.models.labelling import Labeller, Text
from sayso.records import Message, Prompt

STEPS = 64
"""Of the way along which gradients are gathered; the sum is then within about a hundredth of what it should be."""
_WORD = re.compile(r"[一-鿿]|[^\W一-鿿]+(?:['’][^\W一-鿿]+)*|[^\w\s]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A word of a text, and what it adds to the class."""

    text: str
    turn: int
    """0: it stands in the text; 1: in the second one."""
    start: int
    end: int
    value: float
    """To the logit of the class, against the mean of all classes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribution:
    """The class of a text, and what each of its words adds to it."""

    label: str
    """The class that is explained: the likeliest one, or the one that was asked for."""
    probability: float
    probabilities: Mapping[str, float]
    way: str
    """`integrated gradients` or `weights`."""
    parts: tuple[Part, ...]
    total: float
    """What the words add together."""
    rest: float
    """What is there without any word."""


def attribute(model: Labeller, text: Text, *, label: str = "", steps: int = STEPS) -> Attribution:
    """Return what each word of a text adds to its likeliest class, or to the class that is named.

    Source: for a network integrated gradients, Sundararajan et al. 2017 (arXiv 1703.01365, equation 1), from the mask (or
    the unknown word) in the place of every word to the words themselves, in `steps` steps, the middle of each. For the
    linear classifier each feature's weight times its value, shared equally between the words it covers, which is exact.

    Raises:
        NotFoundError: the model has no such class.
        ModelError: there is no way to see into a model of this kind.
    """
    if label and label not in model.labels:
        raise NotFoundError(
            "unknown class {label!r}; expected one of {known}", label=label, known=", ".join(model.labels[:20])
        )
    chances = np.exp(model.logprobs([text])[0])
    chosen = label or model.labels[int(chances.argmax())]
    number = model.labels.index(chosen)
    if isinstance(model, Linear):
        way, (values, rest) = "weights", _by_weights(model, text, number)
    elif isinstance(model, NetworkLabeller):
        way, (values, rest) = "integrated gradients", _by_gradients(model, text, number, steps)
    else:
        raise ModelError("{name}: is no network and no linear classifier; its words cannot be weighed", name=model.name)
    parts = tuple(values)
    return Attribution(
        label=chosen, probability=float(chances[number]),
        probabilities={name: float(chance) for name, chance in zip(model.labels, chances, strict=True)}, way=way,
        parts=parts, total=sum(part.value for part in parts), rest=rest,
    )  # fmt: skip


@contextmanager
def embeddings(module: Any, change: Callable[[Tensor], Tensor] | None = None) -> Iterator[list[Float[Tensor, "B T D"]]]:
    """Gather what a network's words are to it, once a pass, so that gradients reach them; twice, if need be.

    `change` is laid over them first. Inside, attention is computed in the one way that has a second derivative.
    """
    seen: list[Tensor] = []

    def hook(_module: Any, _given: Any, found: Tensor) -> Tensor:
        found = found if change is None else change(found)
        seen.append(found if found.requires_grad else found.detach().requires_grad_())
        return seen[-1]

    handle = module.get_input_embeddings().register_forward_hook(hook)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield seen
    finally:
        handle.remove()


def _by_gradients(model: NetworkLabeller, text: Text, number: int, steps: int) -> tuple[list[Part], float]:
    prompt = Prompt(messages=tuple(Message(role="user", content=part) for part in text if part) or _NOTHING)
    chat, inner = model.form.chat, model.model.inner
    ids, places = chat.encode_prompt(prompt), chat.places(prompt)
    inner.eval()
    lookup = inner.get_input_embeddings()
    with torch.no_grad():
        word = torch.tensor([place is not None for place in places], device=inner.device)[None, :, None]
        base = lookup(torch.tensor(_nothing(model.model.tokenizer), device=inner.device))  # (D,)
        away = (lookup(torch.tensor(ids, device=inner.device)) - base) * word[0]  # (T, D)
        shares = ((torch.arange(steps, device=inner.device) + 0.5) / steps)[:, None, None]
    with torch.enable_grad(), embeddings(inner, lambda found: found - (1 - shares) * away) as seen:
        logits = model.form.of_rows(inner, [ids] * steps, pad_id=model.model.pad_id)
        (gradient,) = torch.autograd.grad(_against_others(logits, number).sum(), seen[0])
    with torch.no_grad(), embeddings(inner, lambda found: found - away):
        without = _against_others(model.form.of_rows(inner, [ids], pad_id=model.model.pad_id), number)
    values = (gradient.mean(dim=0) * away).sum(dim=1).tolist()
    pieces = [(place, value) for place, value in zip(places, values, strict=True) if place is not None]
    return _by_word(text, pieces), float(without[0])


def _nothing(tokenizer: Any) -> int:
    """Return the token that stands for no word in particular."""
    known = (tokenizer.mask_token_id, tokenizer.unk_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, 0)
    return int(next(number for number in known if number is not None))


def _against_others(logits: Float[Tensor, "N K"], number: int) -> Float[Tensor, " N"]:
    return logits[:, number] - logits.mean(dim=1)


def _by_weights(model: Linear, text: Text, number: int) -> tuple[list[Part], float]:
    if len(model.weights) == 1:
        sign = 0.5 if number else -0.5
        weights, bias = model.weights[0] * sign, float(model.bias[0]) * sign
    else:
        weights = model.weights[number] - model.weights.mean(axis=0)
        bias = float(model.bias[number] - model.bias.mean())
    row = model.features([text]).tocsr()
    added = {int(place): float(value * weights[place]) for place, value in zip(row.indices, row.data, strict=True)}
    scale = model.temperature
    pieces = [(place, value / scale) for place, value in _occurrences(model, text, added)]
    return _by_word(text, pieces), bias / scale


def _occurrences(model: Linear, text: Text, added: Mapping[int, float]) -> Iterator[tuple[Place, float]]:
    """Yield where each feature of a text stands, and its share of what the feature adds."""
    first = 0
    for vectorizer, block in zip(model.vectorizers, model.blocks, strict=True):
        size = len(vectorizer.vocabulary_)
        found: dict[int, list[Place]] = {}
        for turn, part in enumerate(text):
            for name, start, end in _grams(part, block):
                number = vectorizer.vocabulary_.get(name)
                if number is not None:
                    found.setdefault(number, []).append((turn, start, end))
        for number, places in found.items():
            for side in range(4 if model.paired else 1):
                value = added.get(first + side * size + number, 0.0)
                own = [place for place in places if side > 1 or not model.paired or place[0] == side]
                yield from ((place, value / len(own)) for place in own)
        first += size * (4 if model.paired else 1)


def _grams(text: str, block: Mapping[str, Any]) -> Iterator[tuple[str, int, int]]:
    """Yield the n-grams of a text as scikit-learn's analyzers make them, each with the characters it covers."""
    low = text.lower()
    text = low if len(low) == len(text) else text
    least, most = block["ngram_range"]
    if block["analyzer"] == "word":
        units = [(found.group(), found.start(), found.end()) for found in re.finditer(block["token_pattern"], text)]
        yield from _runs(units, least, most, " ")
        return
    if block["analyzer"] == "char":
        signs = [(" " if found.group().isspace() else found.group(), found.start(), found.end())
                 for found in re.finditer(r"\s\s+|.", text, re.DOTALL)]  # fmt: skip
        yield from _runs(signs, least, most, "")
        return
    for found in re.finditer(r"\S+", text):
        padded, start = f" {found.group()} ", found.start() - 1
        for size in range(least, most + 1):
            for at in range(max(1, len(padded) - size + 1)):
                yield padded[at : at + size], max(start + at, found.start()), min(start + at + size, found.end())
            if size >= len(padded):
                break  # scikit-learn counts a short word once


def _runs(units: Sequence[tuple[str, int, int]], least: int, most: int, between: str) -> Iterator[tuple[str, int, int]]:
    for size in range(least, most + 1):
        for at in range(len(units) - size + 1):
            run = units[at : at + size]
            yield between.join(name for name, _start, _end in run), run[0][1], run[-1][2]


def _by_word(text: Text, pieces: Sequence[tuple[Place, float]]) -> list[Part]:
    """Share what pieces of a text add between the words they cover, equally; a piece of space is the next word's."""
    words = [(turn, found) for turn, part in enumerate(text) for found in _WORD.finditer(part)]
    values = [0.0] * len(words)
    for (turn, start, end), value in pieces:
        own = [number for number, (side, _found) in enumerate(words) if side == turn]
        covered = [number for number in own if words[number][1].start() < end and start < words[number][1].end()]
        covered = covered or [number for number in own if words[number][1].start() >= end][:1] or own[-1:]
        for number in covered:
            values[number] += value / len(covered)
    return [
        Part(text=found.group(), turn=turn, start=found.start(), end=found.end(), value=value)
        for (turn, found), value in zip(words, values, strict=True)
    ]


_NOTHING = (Message(role="user", content=""),)
