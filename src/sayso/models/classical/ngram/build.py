"""From a token file to a model's folder, in stages that are noted: killed and called again, it goes on and ends the same."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from sayso.errors import ModelError, SettingsError
from sayso.models.classical.ngram import counting, files, smoothing
from sayso.models.classical.ngram.counting import Work
from sayso.models.classical.ngram.model import MODEL_TYPE, TOKENIZER
from sayso.models.classical.ngram.smoothing import Smoothing
from sayso.text.tokens import TokenFile

STRETCH = 1 << 23
"""Tokens that are sorted at once; about 100 bytes of memory each."""
_MOST = 1 << 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Ngram:
    """Settings of a counted model."""

    order: int = 5
    """The longest n-gram: a token is foretold from the order − 1 before it."""
    min_counts: tuple[int, ...] = (1,)
    """For each order the least count with which an n-gram is kept, such as [1, 1, 2]; the last is for all orders above."""
    dtype: Literal["float64", "float32"] = "float64"
    """How probabilities are kept; float32 takes half the disk."""

    def __post_init__(self) -> None:
        if not 1 <= self.order <= 16:
            raise SettingsError("order: found {found}; expected a number from 1 to 16", found=self.order)
        given = self.least
        if given[0] != 1 or any(low > high for low, high in pairwise(given)):
            raise SettingsError(
                "min_counts: found {found}; expected counts that begin with 1 and never fall, such as [1, 1, 2]",
                found=list(self.min_counts),
            )

    @property
    def least(self) -> tuple[int, ...]:
        """The least count for every order."""
        given = self.min_counts or (1,)
        return (*given, *([given[-1]] * self.order))[: self.order]


Told = Callable[[str], None]
"""Is told the name of every stage that is done."""


def stages(text: TokenFile, settings: Ngram, *, stretch: int = STRETCH) -> int:
    """Return how many stages a build has."""
    runs = -(-text.facts.tokens // stretch)
    return 1 + (settings.order - 1) * (runs + 2) - (settings.order > 1) + 2 * settings.order + 1


def build(
    text: TokenFile, folder: Path, settings: Ngram, *, vocab_size: int, tokenizer: Any, told: Told, stretch: int = STRETCH
) -> None:
    """Count a token file and write the model into `folder`, which appears when it is whole.

    What is not finished stands in `.NAME.counting` beside it, and is taken up by the same call.

    Raises:
        ModelError: there are more tokens than can be numbered, or the disk refused.
    """
    if text.facts.tokens >= _MOST:
        raise ModelError("found {found} tokens; expected fewer than {most}", found=text.facts.tokens, most=_MOST)
    aside = folder.with_name(f".{folder.name}.counting")
    key = _key(text, settings, vocab_size, stretch)
    try:
        _make_ready(aside, key)
        work = Work(folder=aside, text=text, vocab_size=vocab_size, order=settings.order, stretch=stretch)
        journal = files.Journal(aside, key, told)
        made = aside / "model"
        counting.count(work, journal)
        smoothing.smooth(work, journal, Smoothing(min_counts=settings.least, dtype=settings.dtype), made)
        journal.do("folder", lambda: _finish(work, settings, made, tokenizer))
        if made.exists():  # else it was broken off right after the next two lines
            shutil.rmtree(folder, ignore_errors=True)
            made.rename(folder)
        shutil.rmtree(aside)
    except OSError as error:
        raise ModelError("{folder}: cannot be written ({reason})", folder=str(folder), reason=str(error)) from error


def _key(text: TokenFile, settings: Ngram, vocab_size: int, stretch: int) -> str:
    form = [text.facts.digest, asdict(settings), vocab_size, stretch]
    return hashlib.sha256(json.dumps(form).encode()).hexdigest()


def _make_ready(aside: Path, key: str) -> None:
    """Keep what an earlier call of the same work left; take away what another left."""
    marker = aside / "key"
    if not marker.is_file() or marker.read_text(encoding="utf-8") != key:
        shutil.rmtree(aside, ignore_errors=True)
        (aside / "model").mkdir(parents=True)
        marker.write_text(key, encoding="utf-8")


def _finish(work: Work, settings: Ngram, folder: Path, tokenizer: Any) -> None:
    """Put the tokenizer and config.json beside the arrays."""
    found = [smoothing.order_discounts(work, order) for order in range(1, work.order + 1)]
    tokenizer.save_pretrained(str(folder / TOKENIZER))
    arrays = sorted(folder.glob("*.npy"))
    config = {
        "model_type": MODEL_TYPE, "order": work.order, "vocab_size": work.vocab_size, "dtype": settings.dtype,
        "min_counts": list(settings.least),
        "num_ngrams": [smoothing.kept(work, order, settings.least[order - 1]) for order in range(1, work.order + 1)],
        "num_tokens": work.text.facts.targets,
        "discounts": [list(rates) for rates, _computed in found],
        "fallback_orders": [order for order, (_rates, computed) in enumerate(found, start=1) if not computed],
        "sha256": {path.name: files.digest(path) for path in arrays},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
