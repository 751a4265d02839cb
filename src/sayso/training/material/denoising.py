"""Learning by putting back what was taken out: spans of a text, for a model with an encoder and a decoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sayso.batches import Row, row
from sayso.text.corpus import Document
from sayso.text.tokens import Encoded

if TYPE_CHECKING:
    pass

Kind = Literal["spans", "infilling"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Denoising:
    """Learn to put back spans that were taken out of a text.

    Source:
        `spans`: T5 (Raffel et al. 2020, arXiv 1910.10683, section 3.1.4): 15 % of the tokens, in spans of 3 on average.
        `infilling`: BART (Lewis et al. 2020, arXiv 1910.13461, section 2.2): 30 %.
    Wants:
        Texts: rows of token ids that are learnt whole.
    Loss:
        -sum_t log p(target_t | source, target_<t), averaged over the tokens of a step's targets. `spans`: in the source a
        sentinel stands for each span, and the target is every sentinel with its span. `infilling`: in the source one mask
        stands for each span, and the target is the whole text.
    Differs:
        BART draws lengths by a Poisson law, some of them 0, and shuffles sentences; here its spans are drawn as T5's.
    """

    kind: Kind = "spans"
    sentinels: tuple[int, ...]
    """Ids that stand for the first span, the second …; `infilling` needs one."""
    end: int
    """Ends a source and a target."""
    share: float = 0.15
    """Of the tokens that are taken out."""
    mean_length: float = 3.0
    """Tokens of a span, on average."""

    @property
    def foretold(self) -> float:
        """Which share of a text's bytes is to be foretold, about: what was taken out, or all of it."""
        return 1.0 if self.kind == "infilling" else self.share

    def corrupted(self, row: Row, random: np.random.Generator) -> Row:
        """Return the row whose source has gaps and whose target puts them right."""
        ids = row.ids[:-1] if row.ids[-1] == self.end else row.ids
        spans = self._spans(len(ids), random)
        return self._filled(ids, spans, row.label) if self.kind == "infilling" else self._named(ids, spans, row.label)

    def _named(self, ids: Sequence[int], spans: Sequence[tuple[int, int]], label: str) -> Row:
        source: list[int] = []
        target: list[int] = []
        reached = 0
        for sentinel, (start, end) in zip(self.sentinels, spans, strict=False):
            source += [*ids[reached:start], sentinel]
            target += [sentinel, *ids[start:end]]
            reached = end
        return row([*source, *ids[reached:], self.end], [*target, self.end], label=label)

    def _filled(self, ids: Sequence[int], spans: Sequence[tuple[int, int]], label: str) -> Row:
        source: list[int] = []
        reached = 0
        for start, end in spans:
            source += [*ids[reached:start], self.sentinels[0]]
            reached = end
        return row([*source, *ids[reached:], self.end], [*ids, self.end], label=label)

    def _spans(self, length: int, random: np.random.Generator) -> list[tuple[int, int]]:
        """Draw spans that do not touch: what is taken out and what stays are each cut at random into as many pieces.

        As T5's: the number of tokens and of spans is fixed by the length, their places are drawn.
        """
        taken = min(max(1, round(length * self.share)), max(1, length - 1))
        count = max(1, min(round(taken / self.mean_length), length - taken, self._most()))
        gaps, kept = _pieces(taken, count, random), _pieces(max(length - taken, count), count, random)
        starts = np.cumsum(kept) + np.concatenate([[0], np.cumsum(gaps)[:-1]])
        found = [(int(start), int(min(start + size, length))) for start, size in zip(starts, gaps, strict=True)]
        return [(start, end) for start, end in found if start < end] or [(0, length)]

    def _most(self) -> int:
        return 1 << 30 if self.kind == "infilling" else len(self.sentinels)


class Whole:
    """Plain text for denoising: rows of so many tokens, each of which is to be learnt; rows of a document do not overlap."""

    def __init__(self, tokenizer: Any, *, longest: int, packing: bool) -> None:
        self._tokenizer, self._room, self._packing = tokenizer, max(2, longest - 2), packing  # a sentinel, an end
        self._waiting: list[int] = []
        self._bytes = 0
        self.left_out = 0

    def __call__(self, document: Document) -> Iterator[Encoded]:
        """Yield the rows that are full with this document."""
        self._waiting += self._tokenizer(document.text, add_special_tokens=False, split_special_tokens=True).input_ids
        self._bytes += len(document.text.encode())
        while len(self._waiting) >= self._room:
            yield self._row(self._room)
        if document.ends and not self._packing:
            yield from self.rest()

    def rest(self) -> Iterator[Encoded]:
        """Yield what is left at the end; a single token has no rest to be foretold from."""
        if len(self._waiting) > 1:
            yield self._row(len(self._waiting))
        self._waiting = []

    def _row(self, count: int) -> Encoded:
        ids, self._waiting = self._waiting[:count], self._waiting[count:]
        size, self._bytes = self._bytes, 0
        return Encoded(ids=ids, learnt=[1] * len(ids), num_bytes=size)


def _pieces(total: int, count: int, random: np.random.Generator) -> np.ndarray[Any, Any]:
    """Cut a number of tokens into `count` pieces of at least one, all ways alike."""
    cuts = np.sort(random.choice(np.arange(1, total), size=count - 1, replace=False)) if count > 1 else np.array([], int)
    return np.diff(np.concatenate([[0], cuts, [total]]))
