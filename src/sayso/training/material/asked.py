"""Rows of files that are too large to be encoded before the first step: each is encoded when a step asks for it.

Where the lines begin is found first, in a pass that reads bytes alone. Whether a line is a conversation at all is looked at
beside the training, a little at a time, so that a wrong one is said soon and not after hours. Whether a row is too long is
only known when it is encoded: then the next one that fits is learnt in its place, and it is counted as left out.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from sayso.batches import Row, by_place
from sayso.errors import PreflightError, RecordError
from sayso.text import corpus
from sayso.text.tokens import Encoded, Facts

if TYPE_CHECKING:
    from sayso.text.corpus import Document
    from sayso.text.files.lines import Lines

Encode = Callable[["Document"], Iterator[Encoded]]
_TRIED, _IN_A_ROW = 64, 1000
_TOGETHER, _SHARE = 200, 0.1


class AskedRows(Sequence[Row]):
    """The rows of conversations in large files, but for those that are held back; one is encoded when it is asked for."""

    def __init__(self, lines: Lines, encode: Encode, *, held: Sequence[int], key: str, check: bool = True) -> None:
        self._lines, self._encode = lines, encode
        # of the places before a held one, so many lines are before it
        self._held: np.ndarray[Any, Any] = np.asarray(held, dtype=np.int64) - np.arange(len(held))
        self._len = len(lines) - len(held)
        self._digest = hashlib.sha256(repr((key, list(held))).encode()).hexdigest()
        self._long: set[int] = set()
        self._facts = self._foreseen(key)
        self._checking = Checking(lines) if check else None

    @property
    def facts(self) -> Facts:
        """What they come to: counts of tokens are estimates from a few rows, the rows left out are those met so far."""
        return replace(self._facts, left_out=len(self._long))

    @property
    def tokens(self) -> int:
        """Tokens of all rows, about."""
        return self._facts.tokens

    def digest(self) -> str:
        """Return the hash of what they are made of."""
        return self._digest

    def __len__(self) -> int:
        return self._len

    __getitem__ = by_place

    def made(self, place: int) -> Row:
        """Return the row at a place, or the next one that is not too long.

        Raises:
            RecordError: its line, or one that was looked at beside the training, is wrong.
            PreflightError: a thousand rows one after another are too long.
        """
        if self._checking:
            self._checking.refuse()
        for ahead in range(_IN_A_ROW):
            document, found = self._encoded((place + ahead) % self._len)
            if found:
                return Row(ids=tuple(found.ids), weights=tuple(map(float, found.learnt)), label=document.where)
        raise PreflightError(
            "{count} rows one after another, from {where} on, are longer than the model's context; raise data.max_length, "
            "or use a model with a longer context",
            count=_IN_A_ROW, where=self._document(place).where,
        )  # fmt: skip

    def _encoded(self, place: int) -> tuple[Document, Encoded | None]:
        document = self._document(place)
        found = next(self._encode(document), None)
        if found is None:
            self._long.add(place)
        return document, found

    def _document(self, place: int) -> Document:
        number = place + int(np.searchsorted(self._held, place, side="right"))
        return corpus.document(self._lines.record(number), "messages")

    def _foreseen(self, key: str) -> Facts:
        places = range(0, self._len, max(1, self._len // _TRIED))
        found = [row for row in (self._encoded(place)[1] for place in places) if row]
        if not found:
            raise PreflightError(
                "all {count} rows that were tried are longer than the model's context; raise data.max_length, or use a "
                "model with a longer context",
                count=len(places),
            )  # fmt: skip

        def about(values: Sequence[int]) -> int:
            return round(sum(values) / len(values) * self._len)

        return Facts(
            key=key, digest=self._digest, rows=self._len, tokens=about([len(row.ids) for row in found]),
            targets=about([sum(row.learnt[1:]) for row in found]), num_bytes=about([row.num_bytes for row in found]),
            longest=max(len(row.ids) for row in found), small=False, left_out=0, silent=0,
        )  # fmt: skip


class Checking:
    """Looks through all lines beside the training, at a tenth of a processor, and keeps what is wrong with the first."""

    def __init__(self, lines: Lines) -> None:
        self._wrong: RecordError | None = None
        self._thread = Thread(target=self._look, args=(lines,), daemon=True)
        self._thread.start()

    def refuse(self) -> None:
        """Pass silently unless a line is wrong.

        Raises:
            RecordError: one is; it is named.
        """
        if self._wrong:
            raise self._wrong

    def wait(self) -> None:
        """Return when all lines were looked at."""
        self._thread.join()

    def _look(self, lines: Lines) -> None:
        try:
            began = time.perf_counter()
            for records in lines.records(_TOGETHER):
                for record in records:
                    expect_answer(corpus.document(record, "messages"))
                now = time.perf_counter()
                time.sleep((now - began) * (1 / _SHARE - 1))
                began = time.perf_counter()
        except RecordError as error:
            self._wrong = error


def expect_answer(document: Document) -> None:
    """Pass silently if a conversation has an answer to learn.

    Raises:
        RecordError: it has none.
    """
    if not any(turn.role == "assistant" for turn in document.messages[1:]):
        raise RecordError(
            "{where}: found no answer to learn; expected a turn of the assistant after one of the user", where=document.where
        )
