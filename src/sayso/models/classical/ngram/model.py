"""A counted model opened from its folder: it says how probable tokens are, and draws them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sayso.errors import ModelError
from sayso.models import folders, textmodel
from sayso.models.classical.ngram import files
from sayso.models.classical.ngram.files import Array
from sayso.models.classical.ngram.smoothing import token_type
from sayso.models.writing import stepwise
from sayso.models.writing.sampling import Sampling

MODEL_TYPE = "sayso_ngram"
TOKENIZER = "tokenizer"
"""The folder of the tokenizer, inside the model's."""
LONGEST = 1 << 16
"""Texts are cut to rows of so many tokens; what stands before a row is not seen from it."""
_TOGETHER = 1 << 16
"""Tokens that are looked up at once: few enough to stay near the processor."""
_MANY = 0.6
"""Searches go on side by side while more than this share of them is not done."""
_CHECKED_BYTES = 1 << 26
"""A folder of up to so many bytes is compared with its checksums whenever it is opened."""


def load(folder: Path) -> NgramModel:
    """Open a counted model; its arrays are mapped into memory, and read from disk where they are asked for.

    Raises:
        ModelError: the folder is damaged or incomplete.
    """
    config = folders.read_json(folder / "config.json")
    try:
        order, size, sizes = int(config["order"]), int(config["vocab_size"]), [int(n) for n in config["num_ngrams"]]
        digests, dtype = dict(config["sha256"]), str(config["dtype"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            "{path}: {key}: is missing or wrong; expected the config.json of a counted model",
            path=str(folder / "config.json"), key=str(error),
        ) from error  # fmt: skip
    layers = tuple(_layer(folder, number, sizes, dtype, size) for number in range(1, order + 1))
    if sum(path.stat().st_size for path in folder.glob("*.npy")) <= _CHECKED_BYTES:
        check(folder, digests)
    return NgramModel(name=str(folder), tokenizer=folders.open_tokenizer(folder / TOKENIZER), layers=layers)


def check(folder: Path, digests: dict[str, str]) -> None:
    """Pass silently when every array is as it was written.

    Raises:
        ModelError: one is not.
    """
    for name, expected in digests.items():
        if files.digest(folder / name) != expected:
            raise ModelError(
                "{path}: is not as it was written (its SHA-256 is another); copy the folder again", path=str(folder / name)
            )


class Layer:
    """The n-grams of one order; those of a context stand together, sorted by their last token."""

    def __init__(self, *, tokens: Array | None, logprobs: Array, backoffs: Array | None, firsts: Array | None) -> None:
        self.tokens, self.logprobs, self.backoffs, self.firsts = tokens, logprobs, backoffs, firsts

    def __len__(self) -> int:
        return len(self.logprobs)


def _layer(folder: Path, number: int, sizes: list[int], dtype: str, vocab_size: int) -> Layer:
    count = sizes[number - 1]
    last = number == len(sizes)
    return Layer(
        tokens=None if number == 1 else files.npy(folder / f"token-{number}.npy", kind=token_type(vocab_size), count=count),
        logprobs=files.npy(folder / f"logprob-{number}.npy", kind=dtype, count=count),
        backoffs=None if last else files.npy(folder / f"backoff-{number}.npy", kind=dtype, count=count),
        firsts=None if last else files.npy(folder / f"first-{number}.npy", kind=np.uint32, count=count + 1),
    )


class NgramModel:
    """An interpolated modified Kneser–Ney model; a `TextModel`."""

    max_length = LONGEST

    def __init__(self, *, name: str, tokenizer: Any, layers: tuple[Layer, ...]) -> None:
        self.name, self.tokenizer, self.layers = name, tokenizer, layers
        self.start_id, self.end_id = textmodel.start_and_end(tokenizer)

    @property
    def order(self) -> int:
        """The longest n-gram."""
        return len(self.layers)

    def num_parameters(self) -> int:
        """Count the probabilities and back-off weights."""
        return sum(len(layer) * (1 if layer.backoffs is None else 2) for layer in self.layers)

    def logprobs(self, rows: Sequence[Sequence[int]]) -> list[Array]:
        """Return the log-probability (nats, float64) of each row's tokens but the first, given those before them."""
        arrays = [np.asarray(ids, dtype=np.int64) for ids in rows]
        if not arrays:
            return []
        lengths = np.array([len(ids) for ids in arrays])
        begins = np.cumsum(lengths) - lengths
        values = self.flat_logprobs(np.concatenate(arrays), np.repeat(begins, lengths))
        return [values[begin + 1 : begin + length] for begin, length in zip(begins, lengths, strict=True)]

    def flat_logprobs(self, ids: Array, begins: Array) -> Array:
        """Return the log-probability of every token of rows that stand end to end; of a row's first token it is NaN.

        `begins` says for every token where its row begins.

        Raises:
            ModelError: an id is not in the vocabulary.
        """
        if len(ids) and not 0 <= ids.min() <= ids.max() < len(self.layers[0]):
            raise ModelError(
                "found the token {found}; expected ids from 0 to {last}, those of the model's own tokenizer",
                found=int(ids.max() if ids.min() >= 0 else ids.min()), last=len(self.layers[0]) - 1,
            )  # fmt: skip
        found = np.empty(len(ids))
        for first in range(0, len(ids), _TOGETHER):
            early, last = max(0, first - self.order + 1), min(first + _TOGETHER, len(ids))
            within = np.arange(early, last) - begins[early:last]
            found[first:last] = self._scored(ids[early:last], within)[first - early :]
        return found

    def _scored(self, ids: Array, within: Array) -> Array:
        """Score a stretch of tokens order by order: an n-gram that is found decides, one that is not costs a back-off.

        `numbers` holds for every place the number of the n-gram of the order at hand that ends there, or −1.
        """
        scores = self.layers[0].logprobs[ids].astype(np.float64)
        numbers = ids
        for order in range(2, self.order + 1):
            below, layer = self.layers[order - 2], self.layers[order - 1]
            contexts = numbers[:-1]
            asked = np.flatnonzero((contexts >= 0) & (within[1:] >= order - 1)) + 1
            contexts = contexts[asked - 1]
            got = find(below, layer, contexts, ids[asked])
            hit = got >= 0
            scores[asked[hit]] = layer.logprobs[got[hit]]
            scores[asked[~hit]] += below.backoffs[contexts[~hit]]  # type: ignore[index]
            numbers = np.full(len(ids), -1)
            numbers[asked] = got
        scores[within == 0] = np.nan
        return scores

    def next_logprobs(self, context: Sequence[int]) -> Array:
        """Return the log-probability of every token of the vocabulary after these, of which the last few count."""
        found = np.exp(self.layers[0].logprobs.astype(np.float64))
        for length in range(1, min(self.order - 1, len(context)) + 1):
            number = self._number(context[len(context) - length :])
            if number is None:
                break
            below, layer = self.layers[length - 1], self.layers[length]
            inside = slice(int(below.firsts[number]), int(below.firsts[number + 1]))  # type: ignore[index]
            found *= np.exp(float(below.backoffs[number]))  # type: ignore[index]
            found[layer.tokens[inside]] = np.exp(layer.logprobs[inside].astype(np.float64))  # type: ignore[index]
        values: Array = np.log(found)
        return values

    def _number(self, ids: Sequence[int]) -> int | None:
        """Return the number of an n-gram, or None when it was not seen."""
        number = np.asarray(ids[:1], dtype=np.int64)
        for order, token in enumerate(ids[1:], start=2):
            number = find(self.layers[order - 2], self.layers[order - 1], number, np.asarray([token]))
            if number[0] < 0:
                return None
        return int(number[0])

    def sample(self, prefixes: Sequence[Sequence[int]], sampling: Sampling) -> list[list[int]]:
        """Return how each prefix goes on, up to and with the end token or `max_new_tokens` tokens."""
        longest = self.order - 1
        return stepwise.write(
            prefixes, sampling, end_id=self.end_id,
            begin=lambda ids: tuple(ids[max(0, len(ids) - longest) :]),
            foretell=lambda states: np.stack([self.next_logprobs(state) for state in states]),
            read=lambda state, token: (*state, token)[-longest:] if longest else (),
        )  # fmt: skip


def find(below: Layer, layer: Layer, contexts: Array, tokens: Array) -> Array:
    """Return the number of each n-gram (its context's number, its last token) in its layer, or −1: many searches at once.

    All halve what is left to look at together; those of small contexts are put aside when most are done.
    """
    firsts, listed = below.firsts, layer.tokens
    assert firsts is not None, "a layer with another above it"
    assert listed is not None, "a layer above another"
    if not len(listed):
        return np.full(len(contexts), -1)
    places = firsts.take(contexts).astype(np.int64)
    sizes = firsts.take(contexts + 1) - places
    lone = sizes == 0  # contexts that nothing follows
    places[lone] = 0
    wanted = tokens.astype(listed.dtype)
    found = _halved(listed, places, sizes, wanted)
    found[lone | (listed.take(found) != wanted)] = -1
    return found


def _halved(listed: Array, places: Array, sizes: Array, wanted: Array) -> Array:
    """Return for each stretch of `listed`, which rises, the place of the last entry that is not above what is wanted."""
    aside: list[tuple[Array, Array]] = []
    looking = places
    while sizes.max(initial=0) > 1:
        halves = sizes >> 1
        looking += halves * (listed.take(looking + halves) <= wanted)
        sizes = sizes - halves
        more = sizes > 1
        if np.count_nonzero(more) < _MANY * len(more):
            live = np.flatnonzero(more)
            aside.append((looking, live))
            looking, sizes, wanted = looking[live], sizes[live], wanted[live]
    for before, live in reversed(aside):
        before[live] = looking
        looking = before
    return looking


if TYPE_CHECKING:
    from sayso.models.textmodel import TextModel

    _: type[TextModel] = NgramModel
