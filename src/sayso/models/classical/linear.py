"""A linear classifier on words and characters: quick, hard to beat on little text, and what others are held against.

Texts become TF-IDF weights of word n-grams, and of character n-grams (alone where most of the text is Chinese); a pair of
texts also gets what both share and in what they differ. scikit-learn learns it; what is kept are arrays and a vocabulary.

Letters: N texts, F features, K classes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from sayso.errors import ModelError, PreflightError
from sayso.models import folders
from sayso.models.labelling import Text, log_softmax

MODEL_TYPE = "sayso_linear"
Block = Mapping[str, Any]
_WORDS: Block = {"analyzer": "word", "ngram_range": [1, 2], "token_pattern": r"\w+|[^\w\s]"}
_PIECES: Block = {"analyzer": "char_wb", "ngram_range": [3, 6]}
_SIGNS: Block = {"analyzer": "char", "ngram_range": [1, 2]}
_LONGER: Block = {"analyzer": "char", "ngram_range": [1, 3]}
_MUCH = 5_000_000
"""Characters from which on rare n-grams, and those of characters within words, are left out."""
_CHINESE_SHARE = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Learner:
    """One way to learn: logistic regression, or a linear support vector machine, and how little it is held back."""

    kind: str
    c: float

    def __str__(self) -> str:
        return f"{self.kind}, C={self.c:g}"


GRID = (*(Learner(kind="logistic", c=c) for c in (3.0, 10.0)), *(Learner(kind="svm", c=c) for c in (0.1, 0.3, 1.0)))
"""What is tried; the validation texts choose."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Examples:
    """Texts and their classes; a text may stand here twice with shares of its weight, for a grade between two."""

    texts: Sequence[Text]
    classes: Sequence[int]
    weights: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A linear classifier that was learnt; a `Labeller`."""

    name: str
    labels: tuple[str, ...]
    blocks: tuple[Block, ...]
    paired: bool
    vectorizers: tuple[Any, ...] = field(repr=False)
    weights: NDArray[np.float32] = field(repr=False)
    """(K, F), or (1, F) for two classes."""
    bias: NDArray[np.float32] = field(repr=False)
    chosen: str = ""
    """How it was learnt, for people."""
    temperature: float = 1.0

    def logprobs(self, texts: Sequence[Text]) -> NDArray[np.float64]:
        """Return the log-probability (nats) of every class of every text: (N, K)."""
        return log_softmax(self.margins(texts) / self.temperature)

    def margins(self, texts: Sequence[Text]) -> NDArray[np.float64]:
        """Return the logits before the temperature: (N, K)."""
        found = np.asarray(self.features(texts) @ self.weights.T + self.bias, dtype=float)
        return np.column_stack([np.zeros(len(found)), found[:, 0]]) if found.shape[1] == 1 else found

    def features(self, texts: Sequence[Text]) -> Any:
        """Return the features of texts, a sparse matrix (N, F)."""
        return _features(self.vectorizers, texts, paired=self.paired)

    def calibrated(self, temperature: float) -> Linear:
        """Return the same classifier with its logits divided by a number."""
        return replace(self, temperature=temperature)

    def num_parameters(self) -> int:
        """Count the numbers that were learnt."""
        return int(self.weights.size + self.bias.size)

    def words(self, text: Text, label: str) -> list[tuple[str, float]]:
        """Return the n-grams of a text with what each adds to the logit of a class, against the mean of the classes."""
        number = self.labels.index(label)
        if len(self.weights) == 1:
            weights = self.weights[0] * (0.5 if number else -0.5)
        else:
            weights = self.weights[number] - self.weights.mean(axis=0)
        row = self.features([text]).tocsr()
        names = list(_names(self.vectorizers, paired=self.paired))
        found = [(names[place], float(value * weights[place])) for place, value in zip(row.indices, row.data, strict=True)]
        return sorted(found, key=lambda pair: -abs(pair[1]))

    def save(self, folder: Path) -> None:
        """Write `config.json`, `vocabulary.json` and `model.safetensors`; a crash leaves what was there before."""
        folders.write_whole(Path(folder), self._fill)

    def _fill(self, folder: Path) -> None:
        config = {
            "model_type": MODEL_TYPE, "labels": self.labels, "blocks": self.blocks, "paired": self.paired,
            "chosen": self.chosen, "temperature": self.temperature,
        }  # fmt: skip
        _write(folder / "config.json", config)
        _write(folder / "vocabulary.json", [_entries(found) for found in self.vectorizers])
        arrays = {f"idf.{number}": np.asarray(found.idf_, dtype=np.float32) for number, found in enumerate(self.vectorizers)}
        save_file({**arrays, "weights": self.weights, "bias": self.bias}, str(folder / "model.safetensors"))


def load(folder: Path) -> Linear:
    """Open a linear classifier that was saved.

    Raises:
        ModelError: a file of it is missing or damaged.
    """
    config = folders.read_json(folder / "config.json")
    try:
        entries = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        arrays = load_file(str(folder / "model.safetensors"))
        blocks = tuple(config["blocks"])
        vectorizers = tuple(
            _opened(block, names, arrays[f"idf.{number}"])
            for number, (block, names) in enumerate(zip(blocks, entries, strict=True))
        )
        return Linear(
            name=str(folder), labels=tuple(config["labels"]), blocks=blocks, paired=config["paired"],
            vectorizers=vectorizers, weights=arrays["weights"], bias=arrays["bias"], chosen=config["chosen"],
            temperature=config["temperature"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ModelError(
            "{folder}: is no whole linear classifier ({reason}); train it again with sayso finetune linear",
            folder=str(folder), reason=str(error),
        ) from error  # fmt: skip


Judge = Callable[[NDArray[np.float64]], float]
Told = Callable[[str, float], None]


def fit(
    learnt: Examples, held: Sequence[Text], judge: Judge, labels: tuple[str, ...], *, balanced: bool = False, seed: int = 0,
    told: Told = lambda _what, _value: None,
) -> Linear:  # fmt: skip
    """Learn in every way of the grid and return what `judge` likes best of the logits of the held-out texts.

    Raises:
        PreflightError: there is one class alone to learn.
    """
    if len(set(learnt.classes)) < 2:
        raise PreflightError(
            "all texts to learn from are of the class {label!r}; expected texts of two classes or more",
            label=labels[learnt.classes[0]] if learnt.classes else "",
        )  # fmt: skip
    best: tuple[float, Linear] | None = None
    for blocks in _choices([text for text, _pair in learnt.texts]):
        for found in _each(learnt, blocks, labels, balanced=balanced, seed=seed):
            value = judge(found.margins(held))
            told(found.chosen, value)
            if best is None or value > best[0]:
                best = value, found
    assert best is not None, "the grid is not empty"
    return best[1]


def _each(
    learnt: Examples, blocks: Sequence[Block], labels: tuple[str, ...], *, balanced: bool, seed: int
) -> Iterator[Linear]:
    paired = any(pair for _text, pair in learnt.texts)
    vectorizers = tuple(_vectorizer(block) for block in blocks)
    for found in vectorizers:
        found.fit([part for text in learnt.texts for part in text if part])
    features = _features(vectorizers, learnt.texts, paired=paired)
    for learner in _affordable(sum(len(text) for text, _pair in learnt.texts)):
        weights, bias = _solved(learner, features, learnt, len(labels), balanced=balanced, seed=seed)
        shown = ", ".join(f"{block['analyzer']} {block['ngram_range'][0]}-{block['ngram_range'][1]}" for block in blocks)
        yield Linear(
            name="linear", labels=labels, blocks=tuple(blocks), paired=paired, vectorizers=vectorizers, weights=weights,
            bias=bias, chosen=f"{shown}; {learner}",
        )  # fmt: skip


def _affordable(characters: int) -> Sequence[Learner]:
    return [learner for learner in GRID if characters < _MUCH or learner.kind == "svm"]


def _choices(texts: Sequence[str]) -> list[list[Block]]:
    """Return which features are tried."""
    size = sum(map(len, texts))
    if sum("\u4e00" <= sign <= "\u9fff" for text in texts for sign in text) > _CHINESE_SHARE * size:
        return [[_SIGNS], [_LONGER]] if size < _MUCH else [[_SIGNS]]
    return [[_WORDS], [_WORDS, _PIECES]] if size < _MUCH else [[{**_WORDS, "min_df": 2}]]


def _solved(
    learner: Learner, features: Any, learnt: Examples, count: int, *, balanced: bool, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the weights and the bias; a class that was never seen gets what makes it the least likely."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    settings: dict[str, Any] = {"C": learner.c, "class_weight": "balanced" if balanced else None, "random_state": seed}
    model = LogisticRegression(max_iter=1000, **settings) if learner.kind == "logistic" else LinearSVC(**settings)
    model.fit(features, np.asarray(learnt.classes), sample_weight=np.asarray(learnt.weights))
    weights: Any = np.ascontiguousarray(model.coef_, dtype=np.float32)
    bias: Any = model.intercept_.astype(np.float32)
    if len(model.classes_) == count:
        return weights, bias
    if len(weights) == 1:
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    every, lowest = np.zeros((count, weights.shape[1]), np.float32), np.full(count, bias.min() - 10, np.float32)
    every[model.classes_], lowest[model.classes_] = weights, bias
    return every, lowest


def _vectorizer(block: Block, **more: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    settings = {**block, "ngram_range": tuple(block["ngram_range"]), **more}
    return TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **settings)


def _opened(block: Block, names: Sequence[str], idf: NDArray[np.float32]) -> Any:
    found = _vectorizer(block, vocabulary={name: number for number, name in enumerate(names)})
    found.idf_ = idf
    return found


def _entries(vectorizer: Any) -> list[str]:
    return sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.get)


def _features(vectorizers: Sequence[Any], texts: Sequence[Text], *, paired: bool) -> Any:
    from scipy.sparse import hstack

    parts = []
    for found in vectorizers:
        one = found.transform([text for text, _pair in texts])
        if not paired:
            parts.append(one)
            continue
        other = found.transform([pair for _text, pair in texts])
        parts += [one, other, one.minimum(other), abs(one - other)]
    return hstack(parts, format="csr")


def _names(vectorizers: Sequence[Any], *, paired: bool) -> Iterator[str]:
    for found in vectorizers:
        for side in ("", "pair: ", "both: ", "either: ") if paired else ("",):
            yield from (f"{side}{name}" for name in _entries(found))


def _write(path: Path, form: Any) -> None:
    path.write_text(
        json.dumps(form, ensure_ascii=False, indent=None if isinstance(form, list) else 1) + "\n", encoding="utf-8"
    )
