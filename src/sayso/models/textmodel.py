"""Language models of every kind behind one interface: how probable a text is, and what a model would write.

A row is the ids of one text: what it begins after (`start_id`), its tokens, and `end_id`. A counted model, a hidden Markov
model and a network are all asked for the log-probability of the tokens of rows and for continuations of ids, so that one
table can compare them on the same tokens.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from sayso import registry
from sayso.batches import collate, micro_batches, row
from sayso.errors import ModelError
from sayso.models import folders, local
from sayso.models.arithmetic import quick_products
from sayso.models.local import LocalModel
from sayso.models.writing import generation
from sayso.models.writing.sampling import Sampling

FORMS = {"sayso_ngram": "sayso.models.classical.ngram.model:load", "sayso_hmm": "sayso.models.classical.hmm:load"}
"""The `model_type` in config.json of a model that is no network, and what opens it."""
_MOST_TOKENS = 4096
_LOT = 16 * _MOST_TOKENS
"""Tokens of texts that are handed to a model together, to be laid out as it is quickest."""
Logprobs = np.ndarray[Any, np.dtype[np.float64]]


class TextModel(Protocol):
    """A language model of any kind."""

    name: str
    tokenizer: Any
    max_length: int
    """The longest row, in tokens."""

    @property
    def start_id(self) -> int:
        """The token that a text begins after."""
        ...

    @property
    def end_id(self) -> int:
        """The token that ends a text."""
        ...

    def logprobs(self, rows: Sequence[Sequence[int]]) -> list[Logprobs]:
        """Return the log-probability (nats) of each row's tokens but the first, given those before them in the row."""
        ...

    def sample(self, prefixes: Sequence[Sequence[int]], sampling: Sampling) -> list[list[int]]:
        """Return how each prefix goes on, up to and with the end token or `max_new_tokens` tokens.

        A prefix given twice is continued twice, differently; the same sampling, with its seed, draws the same.
        """
        ...

    def num_parameters(self) -> int:
        """Count the numbers that were learnt."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a text costs under a model."""

    nats: float
    tokens: int
    """The end token is one of them."""
    num_bytes: int

    @property
    def loss(self) -> float:
        """Nats a token."""
        return self.nats / self.tokens

    @property
    def bits_per_byte(self) -> float:
        """Bits for every byte of the text, which compares models of different vocabularies."""
        return self.nats / math.log(2) / self.num_bytes if self.num_bytes else math.nan


def load(name_or_path: str | Path, *, device: str = "auto") -> TextModel:
    """Open a language model of any kind by folder or Hugging Face id.

    Raises:
        NotFoundError: there is no such model.
        ModelError: it cannot be opened.
    """
    folder = folders.find(str(name_or_path))
    form = form_of(folder)
    if form is None:
        return LocalText(local.load(name_or_path, device=device))
    opened: TextModel = registry.load(FORMS, form, kind="language model")(folder)
    return opened


def form_of(folder: Path) -> str | None:
    """Return which of `FORMS` a folder holds; None: it is a network's, or no model's."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    form = config.get("model_type") if isinstance(config, Mapping) else None
    return form if form in FORMS else None


def costs(model: TextModel, texts: Iterable[str]) -> list[Cost]:
    """Return what each text costs; one longer than the model's rows is cut, with one token of overlap.

    Texts are read as they are needed, many are scored together, and a corpus is never held as a whole.
    """
    found: list[Cost] = []
    lot: list[tuple[list[list[int]], int]] = []
    tokens = 0
    for text in texts:
        rows = list(_rows(model, text))
        lot.append((rows, len(text.encode())))
        tokens += sum(map(len, rows))
        if tokens >= _LOT:
            found += _costs(model, lot)
            lot, tokens = [], 0
    return [*found, *_costs(model, lot)]


def _costs(model: TextModel, lot: Sequence[tuple[list[list[int]], int]]) -> Iterator[Cost]:
    values = iter(model.logprobs([ids for rows, _size in lot for ids in rows]))
    for rows, size in lot:
        nats = -sum(float(next(values).sum()) for _ids in rows)
        yield Cost(nats=nats, tokens=sum(len(ids) - 1 for ids in rows), num_bytes=size)


def write(model: TextModel, beginnings: Sequence[str], sampling: Sampling) -> list[str]:
    """Return how each beginning of a text goes on, in words; an empty one is a text from its start."""
    prefixes = [[model.start_id, *_encoded(model, text)] for text in beginnings]
    return [
        str(model.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))
        for ids in model.sample(prefixes, sampling)
    ]


def start_and_end(tokenizer: Any, stop_ids: Iterable[int] = ()) -> tuple[int, int]:
    """Return what a text begins after and what ends it; without a start token it begins after the end of another.

    Raises:
        ModelError: the tokenizer has no end token, and `stop_ids` names none.
    """
    end = tokenizer.eos_token_id
    if end is None:
        end = min(stop_ids, default=None)
    if end is None:
        raise ModelError(
            "the tokenizer of {name!r} names no end-of-sequence token; expected eos_token in tokenizer_config.json",
            name=tokenizer.name_or_path,
        )
    return (end if tokenizer.bos_token_id is None else tokenizer.bos_token_id), end


class LocalText:
    """A network that opens with Hugging Face, as a `TextModel`."""

    def __init__(self, model: LocalModel) -> None:
        self.model = model
        self.name, self.tokenizer, self.max_length = model.name, model.tokenizer, model.max_length
        self.start_id, self.end_id = start_and_end(model.tokenizer, model.chat.stop_ids)

    def logprobs(self, rows: Sequence[Sequence[int]]) -> list[Logprobs]:
        """Return the log-probability of each row's tokens but the first, without gradient.

        Raises:
            ModelError: a row is longer than the model's context.
        """
        longest = max(map(len, rows), default=0)
        if longest > self.max_length:
            raise ModelError(
                "a row has {found} tokens, but the context of {name!r} holds {limit}; cut it",
                found=longest, name=self.name, limit=self.max_length,
            )  # fmt: skip
        model = self.model
        order = sorted(range(len(rows)), key=lambda number: len(rows[number]))  # neighbours in length: little padding
        found: list[Logprobs] = []
        made = [row(rows[number][:1], rows[number][1:]) for number in order]
        for part in micro_batches(made, group=1, max_tokens=_MOST_TOKENS):
            batch = collate(part, packed=model.packed, pad_id=model.pad_id, device=model.device)
            with torch.no_grad(), quick_products():
                values = model.token_logprobs(batch).double().cpu().numpy()
            found += np.split(values, np.cumsum([item.num_targets for item in part])[:-1])
        placed = dict(zip(order, found, strict=True))
        return [placed[number] for number in range(len(rows))]

    def sample(self, prefixes: Sequence[Sequence[int]], sampling: Sampling) -> list[list[int]]:
        """Return how each prefix goes on, with the end token where it was drawn."""
        return generation.write(
            self.model.inner, prefixes, sampling, stop_ids=self.model.chat.stop_ids | {self.end_id},
            max_length=self.max_length, keep_stop=True, by_position=self.model.packed,
        )  # fmt: skip

    def num_parameters(self) -> int:
        """Count the weights."""
        return self.model.num_parameters()


def _rows(model: TextModel, text: str) -> Iterator[list[int]]:
    ids = [model.start_id, *_encoded(model, text), model.end_id]
    step = model.max_length - 1
    yield from (ids[first : first + model.max_length] for first in range(0, len(ids) - 1, step))


def _encoded(model: TextModel, text: str) -> list[int]:
    ids: list[int] = model.tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False).input_ids
    return ids
