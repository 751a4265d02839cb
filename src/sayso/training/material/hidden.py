"""Hidden Markov models learn by expectation–maximisation (hmmlearn), an iteration at a time, each kept on disk.

Starts are drawn from seeds: every state emits what the text emits, disturbed at random. The likeliest of several starts is
kept. Broken off and called again, it goes on at the last whole iteration and ends the same.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from sayso.errors import MissingExtraError, SettingsError, StoreError
from sayso.models.classical.hmm import Tables
from sayso.text.tokens import TokenFile

Array = np.ndarray[Any, Any]
_TABLES = ("start", "transition", "emission")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hmm:
    """Settings of a hidden Markov model."""

    states: int = 32
    """Hidden states; time and memory grow with their square."""
    iterations: int = 40
    """Iterations of a start at most."""
    tolerance: float = 1e-4
    """Stop when an iteration gains less than so many nats a token."""
    starts: int = 1
    """How often to begin anew from another seed; the likeliest is kept."""
    max_tokens: int = 1_000_000
    """Learn from the first so many tokens of the text; 0: from all."""
    vocabulary: int = 8192
    """So many tokens, the most frequent, have an emission of their own; the others share one."""
    smoothing: float = 0.01
    """Added to every count of an emission, so that none is 0."""

    def __post_init__(self) -> None:
        least = {"states": 1, "iterations": 1, "starts": 1, "max_tokens": 0, "vocabulary": 2, "tolerance": 0}
        for name, number in least.items():
            if getattr(self, name) < number:
                raise SettingsError(
                    "{key}: found {found!r}; expected a number of at least {least}",
                    key=name, found=getattr(self, name), least=number,
                )  # fmt: skip
        if not self.smoothing > 0:
            raise SettingsError("smoothing: found {found}; expected a number above 0", found=self.smoothing)


@dataclass(frozen=True, kw_only=True, slots=True)
class Iteration:
    """One iteration of one start."""

    step: int
    start: int
    loss: float
    """Nats a token of the text it learns from, before the iteration; a row's first token is one of them."""
    tokens: int
    seconds: float


Told = Callable[[Iteration], None]


def learn(text: TokenFile, folder: Path, settings: Hmm, *, vocab_size: int, seed: int, told: Told) -> Tables:
    """Return the tables of the likeliest start; `folder` keeps the state of every start, under what decides it.

    Raises:
        MissingExtraError: hmmlearn is not installed.
        StoreError: the disk refused.
    """
    ids, lengths = _read(text, settings.max_tokens)
    folder = folder / _key(text, settings, vocab_size, seed)
    symbols, shares = symbols_of(np.bincount(ids, minlength=vocab_size), settings.vocabulary)
    emitted, count = symbols[ids], min(vocab_size, settings.vocabulary)
    best: tuple[float, dict[str, Array]] | None = None
    done = 0
    for start in range(settings.starts):
        state = _Start(folder / f"start-{start + 1}.safetensors", emitted, lengths, settings, count, seed + start)
        for loss, seconds in state.iterate():
            done += 1
            told(Iteration(step=done, start=start + 1, loss=loss, tokens=len(ids), seconds=seconds))
        loss = state.losses[-1]
        if best is None or loss < best[0]:
            best = (loss, state.tables)
    assert best is not None, "at least one start"
    return Tables(**best[1], symbols=symbols, shares=shares)


def symbols_of(counts: Array, most: int) -> tuple[Array, Array]:
    """Return the symbol of every token, and its share in the symbol: the most frequent have one of their own.

    Where there are more tokens than symbols the last symbol is for all others, by their counts and one more each.
    """
    if len(counts) <= most:
        return np.arange(len(counts), dtype=np.int32), np.ones(len(counts))
    own = np.sort(np.argsort(-counts, kind="stable")[: most - 1])
    symbols = np.full(len(counts), most - 1, dtype=np.int32)
    symbols[own] = np.arange(most - 1)
    shares = (counts + 1) / (counts + 1)[symbols == most - 1].sum()
    shares[own] = 1.0
    return symbols, shares


def _key(text: TokenFile, settings: Hmm, vocab_size: int, seed: int) -> str:
    form = [text.facts.digest, asdict(settings), vocab_size, seed]
    return hashlib.sha256(json.dumps(form).encode()).hexdigest()[:16]


def _read(text: TokenFile, most: int) -> tuple[Array, list[int]]:
    """Return the ids of the first rows, and the rows' lengths; the last row may be cut."""
    size = min(most or text.facts.tokens, text.facts.tokens)
    ids, within = text.span(0, size)
    begins = np.flatnonzero(within == 0)
    return ids.astype(np.int64), np.diff(begins, append=size).tolist()


class _Start:
    """One start of the algorithm, as far as it has come."""

    def __init__(
        self, path: Path, emitted: Array, lengths: list[int], settings: Hmm, symbols: int, seed: int
    ) -> None:  # fmt: skip
        self._path, self._emitted, self._lengths, self._settings, self._symbols = path, emitted, lengths, settings, symbols
        self.losses: list[float] = []
        self._seconds: list[float] = []
        self.tables = self._kept() or _drawn(emitted, settings.states, symbols, seed)

    def iterate(self) -> Any:
        """Yield the loss and the seconds of every iteration, those of an earlier call first."""
        yield from zip(self.losses, self._seconds, strict=True)
        model = None
        while not self._ended():
            began = time.perf_counter()
            model = model or _hmmlearn(self._settings, self._symbols)
            for name, value in self.tables.items():
                setattr(model, _THEIRS[name], value)
            model.fit(self._emitted[:, None], self._lengths)
            self.losses.append(-float(model.monitor_.history[0]) / len(self._emitted))
            self.tables = {name: np.array(getattr(model, _THEIRS[name]), dtype=np.float64) for name in _TABLES}
            self._seconds.append(time.perf_counter() - began)
            self._keep()
            yield self.losses[-1], self._seconds[-1]

    def _ended(self) -> bool:
        if len(self.losses) >= self._settings.iterations:
            return True
        return len(self.losses) > 1 and self.losses[-2] - self.losses[-1] < self._settings.tolerance

    def _kept(self) -> dict[str, Array] | None:
        if not self._path.is_file():
            return None
        with safe_open(self._path, framework="numpy") as file:
            story = json.loads(file.metadata()["story"])
        self.losses, self._seconds = story["losses"], story["seconds"]
        return dict(load_file(self._path))

    def _keep(self) -> None:
        story = json.dumps({"losses": self.losses, "seconds": self._seconds})
        writing = self._path.with_name(self._path.name + ".writing")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            save_file(self.tables, writing, metadata={"story": story})
            writing.replace(self._path)
        except OSError as error:
            raise StoreError(
                "the run folder {path!r} cannot be written: {reason}", path=str(self._path.parent), reason=str(error)
            ) from error


_THEIRS = {"start": "startprob_", "transition": "transmat_", "emission": "emissionprob_"}


def _hmmlearn(settings: Hmm, symbols: int) -> Any:
    try:
        from hmmlearn.hmm import CategoricalHMM
    except ImportError as error:
        raise MissingExtraError("hidden Markov models need hmmlearn; get it with: pip install 'sayso[hmm]'") from error
    return CategoricalHMM(
        n_components=settings.states, n_features=symbols, n_iter=1, init_params="", implementation="scaling",
        emissionprob_prior=1 + settings.smoothing,
    )  # fmt: skip


def _drawn(emitted: Array, states: int, symbols: int, seed: int) -> dict[str, Array]:
    """Return first tables: every state emits the symbols as the text does, disturbed at random."""
    draw = np.random.default_rng(seed)
    usual = np.bincount(emitted, minlength=symbols) + 1.0
    emission = usual * draw.gamma(2.0, size=(states, symbols))
    transition = 1.0 + draw.random((states, states))
    return {
        "start": np.full(states, 1 / states), "transition": transition / transition.sum(axis=1, keepdims=True),
        "emission": emission / emission.sum(axis=1, keepdims=True),
    }  # fmt: skip
