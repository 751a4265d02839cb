"""Learning by filling gaps: some words of a text are masked, whole, and are to be foretold from what stands around them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sayso.batches import Row
from sayso.errors import MissingExtraError
from sayso.text import words
from sayso.text.corpus import Document
from sayso.text.tokens import Encoded

if TYPE_CHECKING:
    pass

AROUND, BEGINS, GOES_ON = 0, 1, 2
"""What stands for a token in a token file: around the text, the first one of a word, another one of it."""
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Masked:
    """Learn to fill gaps: masked language modelling with whole words masked.

    Source:
        BERT (Devlin et al. 2019, arXiv 1810.04805, section 3.1); whole words: its authors' release of May 2019, for Chinese
        Cui et al. 2019 (arXiv 1906.08101); drawn anew every time: RoBERTa (Liu et al. 2019, arXiv 1907.11692, section 4.1).
    Wants:
        Texts, with a mark at each token where a word begins (see `WholeWords`).
    Loss:
        -sum_m log p(token_m | the text with gaps), averaged over the tokens that were taken out in a step.
    Differs:
        There is no second task: whether one sentence follows another is not asked.
    """

    mask_id: int
    num_words: int
    """Entries of the vocabulary; one of them is put in the place of a tenth of the tokens."""
    special_ids: tuple[int, ...] = ()
    share: float = 0.15
    """Of the tokens that are taken out."""
    masked_share: float = 0.8
    """Of those that become the mask; half of the rest become another token, the other half stay."""

    @property
    def foretold(self) -> float:
        """Which share of a text's bytes is to be foretold, about: that of the tokens that are taken out."""
        return self.share

    def corrupted(self, row: Row, random: np.random.Generator) -> Row:
        """Return a row with gaps; what stood there is its labels, and all else has no weight."""
        ids, marks = np.array(row.ids), np.array(row.weights)
        taken = self._taken(marks, random)
        chance = random.random(len(taken))
        other = random.integers(self.num_words, size=len(taken))
        other = np.where(np.isin(other, self.special_ids), self.mask_id, other)
        kept = 1 - (1 - self.masked_share) / 2
        given = ids.copy()
        given[taken] = np.where(chance < self.masked_share, self.mask_id, np.where(chance < kept, other, ids[taken]))
        weights = np.zeros(len(ids))
        weights[taken] = 1.0
        return Row(ids=tuple(given.tolist()), weights=tuple(weights.tolist()), label=row.label, labels=row.ids)

    def _taken(self, marks: np.ndarray[Any, Any], random: np.random.Generator) -> np.ndarray[Any, Any]:
        """Return the places of some whole words, about `share` of the tokens and at least one."""
        inside = np.flatnonzero(marks != AROUND)
        begins = marks[inside] != GOES_ON
        begins[:1] = True  # a row may begin inside a word
        found = np.split(inside, np.flatnonzero(begins)[1:])
        wanted = max(1, round(self.share * len(inside)))
        order = random.permutation(len(found))
        taken: list[int] = []
        for number in order:
            if len(taken) + len(found[number]) <= wanted:
                taken += found[number].tolist()
        return np.array(sorted(taken or found[order[0]].tolist()), dtype=int)


class WholeWords:
    """Plain text for filling gaps: rows of the context's length, each token marked with whether a word begins there.

    Words are what the tokenizer cuts a text into before it looks for parts of words, and end with white space where it cuts
    nothing (a vocabulary of characters); in Chinese they are jieba's where it is installed, else characters.
    """

    def __init__(self, tokenizer: Any, *, longest: int, packing: bool) -> None:
        self._tokenizer, self._packing = tokenizer, packing
        self._before, self._after = _around(tokenizer)
        self._room = max(1, longest - len(self._before) - len(self._after))
        self._ids: list[int] = []
        self._marks: list[int] = []
        self._bytes = 0
        self.left_out = 0

    def __call__(self, document: Document) -> Iterator[Encoded]:
        """Yield the rows that are full with this document."""
        found = self._tokenizer(
            document.text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True
        )
        self._ids += found.input_ids
        self._marks += marks(document.text, found.word_ids(), found.offset_mapping)
        self._bytes += len(document.text.encode())
        while len(self._ids) >= self._room:
            yield self._row(self._room)
        if document.ends and not self._packing:
            yield from self.rest()

    def rest(self) -> Iterator[Encoded]:
        """Yield what is left at the end."""
        if self._ids:
            yield self._row(len(self._ids))

    def _row(self, count: int) -> Encoded:
        ids, self._ids = self._ids[:count], self._ids[count:]
        learnt, self._marks = self._marks[:count], self._marks[count:]
        size, self._bytes = self._bytes, 0
        return Encoded(
            ids=[*self._before, *ids, *self._after],
            learnt=[*[AROUND] * len(self._before), *learnt, *[AROUND] * len(self._after)], num_bytes=size,
        )  # fmt: skip


def marks(text: str, numbers: list[int | None], places: list[tuple[int, int]]) -> list[int]:
    """Return for each token whether a word begins there, from the tokenizer's numbers of words and the tokens' places."""
    chinese, uncut = _chinese(text), len(set(numbers)) == 1
    found, before, reached = [], None, -1
    for number, (start, _end) in zip(numbers, places, strict=True):
        after_space = uncut and start != reached and text[max(0, start - 1) : start].isspace()
        apart = number != before or reached in chinese or after_space
        begins = start != reached and chinese[start] if start in chinese else apart
        found.append(BEGINS if begins else GOES_ON)
        before, reached = number, start
    return found


def _chinese(text: str) -> dict[int, bool]:
    """Return the places of Chinese characters, and whether a word begins there."""
    found = {}
    for run in _HAN.finditer(text):
        place = run.start()
        for word in _cut(run.group()):
            found.update({place + number: number == 0 for number in range(len(word))})
            place += len(word)
    return found


def _cut(run: str) -> list[str]:
    try:
        return words.cut(run, "jieba")
    except MissingExtraError:
        return list(run)


def _around(tokenizer: Any) -> tuple[list[int], list[int]]:
    """Return what stands before and after a row: the tokenizer's class (or start) token and its separator (or end)."""
    before = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
    after = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
    return [] if before is None else [before], [] if after is None else [after]
