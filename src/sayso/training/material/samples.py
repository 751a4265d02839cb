"""How a model goes on with texts that it did not learn from: a few, at a fixed seed, for the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sayso.models import textmodel
from sayso.models.forms import causal
from sayso.models.writing.sampling import Sampling

if TYPE_CHECKING:
    from sayso.batches import Row
    from sayso.models.local import LocalModel
    from sayso.models.textmodel import TextModel
    from sayso.training.material.mixture import Rows

_PREFIX, _LONGEST = 48, 160


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """The beginning of a text that was held back, how the model goes on, and how the text went on."""

    beginning: str
    written: str
    went_on: str


def draw(policy: LocalModel, rows: Rows, count: int, *, seed: int) -> tuple[Sample, ...]:
    """Return how a model goes on with `count` rows, taken evenly from all of them; none where it only fills gaps.

    A row begins with what is context in it; where that is its first token alone, with its first tokens.
    """
    return continued(textmodel.LocalText(policy), rows, count, seed=seed) if isinstance(policy.form, causal.Causal) else ()


def continued(model: TextModel, rows: Rows, count: int, *, seed: int) -> tuple[Sample, ...]:
    """Return how a language model of any kind goes on with `count` rows."""
    if not count:
        return ()
    chosen = [rows[number * len(rows) // count] for number in range(min(count, len(rows)))]
    starts = [_start(row) for row in chosen]
    sampling = Sampling(max_new_tokens=_LONGEST, temperature=0.8, seed=seed)
    prefixes = [row.ids[:start] for row, start in zip(chosen, starts, strict=True)]
    written = model.sample(prefixes, sampling)
    return tuple(
        Sample(beginning=_words(model, row.ids[1:start]), written=_words(model, ids),
            went_on=_words(model, row.ids[start : start + len(ids)]))
        for row, start, ids in zip(chosen, starts, written, strict=True)
    )  # fmt: skip


def _start(row: Row) -> int:
    first = next((number for number, weight in enumerate(row.weights) if weight), len(row.ids))
    start = first if first > 1 else min(_PREFIX, len(row.ids) // 2)
    return max(1, min(start, len(row.ids) - 1))


def _words(model: TextModel, ids: tuple[int, ...] | list[int]) -> str:
    return str(model.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))
