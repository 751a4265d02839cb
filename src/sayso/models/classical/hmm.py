"""Hidden Markov models of text: what a token tells of a hidden state, and the state of the next token.

The model emits the whole row, its first token included. The forward algorithm keeps the probability of every state given the
tokens so far, so that a token's log-probability is the log of what it is scaled by: log p(x_t | x_<t).

Tokens that have no emission of their own share one symbol, inside which each has its share; all probabilities sum to 1.

Letters: S states, K symbols, V vocabulary, B rows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from sayso.errors import ModelError
from sayso.models import folders, textmodel
from sayso.models.writing import stepwise
from sayso.models.writing.sampling import Sampling

MODEL_TYPE = "sayso_hmm"
LONGEST = 1 << 16
"""Texts are cut to rows of so many tokens; each begins in a start state."""
TOKENIZER, WEIGHTS = "tokenizer", "model.safetensors"
_TOGETHER = 256
_CLOSE = 1e-6
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tables:
    """The probabilities of a hidden Markov model."""

    start: Array
    """Of the first state (S)."""
    transition: Array
    """From a state (row) to the next (S, S)."""
    emission: Array
    """Of a symbol in a state (S, K)."""
    symbols: Array
    """The symbol of every token (int32, V)."""
    shares: Array
    """The probability of every token when its symbol is known (V)."""

    def emissions(self) -> Array:
        """Return the probability of every token in every state (V, S)."""
        return np.ascontiguousarray((self.emission[:, self.symbols] * self.shares).T)


def load(folder: Path) -> HmmModel:
    """Open a hidden Markov model.

    Raises:
        ModelError: the folder is damaged or incomplete, or its tables hold no probabilities.
    """
    path = folder / WEIGHTS
    try:
        tables = Tables(**load_file(path))
    except (OSError, SafetensorError, TypeError) as error:
        raise ModelError("{path}: cannot be opened ({reason})", path=str(path), reason=str(error)) from error
    _expect_probabilities(tables, path)
    return HmmModel(name=str(folder), tokenizer=folders.open_tokenizer(folder / TOKENIZER), tables=tables)


def _expect_probabilities(tables: Tables, path: Path) -> None:
    states, symbols = tables.emission.shape if tables.emission.ndim == 2 else (0, 0)
    right = (
        tables.start.shape == (states,)
        and tables.transition.shape == (states, states)
        and tables.symbols.shape == tables.shares.shape
        and states > 0
        and bool(np.all((tables.symbols >= 0) & (tables.symbols < symbols)))
        and all(_are_probabilities(table) for table in (tables.start, tables.transition, tables.emission))
    )
    if not right:
        raise ModelError("{path}: the tables are not those of a hidden Markov model; copy the folder again", path=str(path))


def _are_probabilities(table: Array) -> bool:
    return bool(np.all(table >= 0) and np.all(np.abs(table.sum(axis=-1) - 1) < _CLOSE))


class HmmModel:
    """A hidden Markov model over the ids of a tokenizer; a `TextModel`."""

    max_length = LONGEST

    def __init__(self, *, name: str, tokenizer: Any, tables: Tables) -> None:
        self.name, self.tokenizer, self.tables = name, tokenizer, tables
        self.start_id, self.end_id = textmodel.start_and_end(tokenizer)
        self._emissions = tables.emissions()

    def num_parameters(self) -> int:
        """Count the probabilities that were learnt."""
        return sum(table.size for table in (self.tables.start, self.tables.transition, self.tables.emission))

    def logprobs(self, rows: Sequence[Sequence[int]]) -> list[Array]:
        """Return the log-probability (nats) of each row's tokens but the first, given those before them.

        Raises:
            ModelError: an id is not in the vocabulary.
        """
        arrays = [np.asarray(ids, dtype=np.int64) for ids in rows]
        found: list[Array] = [np.zeros(0)] * len(arrays)
        order = sorted(range(len(arrays)), key=lambda number: -len(arrays[number]))
        for first in range(0, len(order), _TOGETHER):
            part = order[first : first + _TOGETHER]
            for number, values in zip(part, self._forward([arrays[n] for n in part]), strict=True):
                found[number] = values[1:]
        return found

    def _forward(self, rows: Sequence[Array]) -> list[Array]:
        """Return log p(x_t | x_<t) of every token of rows that get shorter; none of a row's first is conditional."""
        lengths = np.array([len(ids) for ids in rows])
        ids = np.zeros((len(rows), int(lengths[0])), dtype=np.int64)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
        self._expect_known(ids)
        scales = np.ones(ids.shape)  # (B, T)
        states = np.broadcast_to(self.tables.start, (len(rows), len(self.tables.start)))  # (B, S)
        for place in range(ids.shape[1]):
            going = int(np.count_nonzero(lengths > place))
            joint = states[:going] * self._emissions[ids[:going, place]]
            scales[:going, place] = joint.sum(axis=1)
            states = joint / scales[:going, place, None] @ self.tables.transition
        return [np.log(line[:length]) for line, length in zip(scales, lengths, strict=True)]

    def _expect_known(self, ids: Array) -> None:
        size = len(self.tables.symbols)
        if ids.size and not 0 <= ids.min() <= ids.max() < size:
            raise ModelError(
                "found the token {found}; expected ids from 0 to {last}, those of the model's own tokenizer",
                found=int(ids.max() if ids.min() >= 0 else ids.min()), last=size - 1,
            )  # fmt: skip

    def after(self, ids: Sequence[int]) -> Array:
        """Return the probability of every state that comes next, after these tokens (S)."""
        state: Array = self.tables.start
        for token in ids:
            state = self._read(state, token)
        return state

    def _read(self, state: Array, token: int) -> Array:
        joint = state * self._emissions[token]
        found: Array = joint / joint.sum() @ self.tables.transition
        return found

    def next_logprobs(self, ids: Sequence[int]) -> Array:
        """Return the log-probability of every token of the vocabulary after these."""
        found: Array = np.log(self._emissions @ self.after(ids))
        return found

    def sample(self, prefixes: Sequence[Sequence[int]], sampling: Sampling) -> list[list[int]]:
        """Return how each prefix goes on, up to and with the end token or `max_new_tokens` tokens."""
        return stepwise.write(
            prefixes, sampling, end_id=self.end_id, begin=self.after, read=self._read,
            foretell=lambda states: np.log(np.stack(states) @ self._emissions.T),
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        """Write the tables as safetensors, with the tokenizer; a crash leaves what was there before.

        Raises:
            ModelError: the disk refused.
        """
        folders.write_whole(folder, self._fill)

    def _fill(self, folder: Path) -> None:
        tables = self.tables
        save_file({name: np.ascontiguousarray(getattr(tables, name)) for name in Tables.__slots__}, folder / WEIGHTS)
        self.tokenizer.save_pretrained(str(folder / TOKENIZER))
        states, symbols = tables.emission.shape
        config = {"model_type": MODEL_TYPE, "states": states, "symbols": symbols, "vocab_size": len(tables.symbols)}
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


if TYPE_CHECKING:
    from sayso.models.textmodel import TextModel

    _: type[TextModel] = HmmModel
