"""Token files: texts as token ids on disk, written once and mapped into memory, so that any size can be trained on.

A token file is a folder: `ids.bin` (uint16 or uint32), `weights.bin` (a byte a token: 1 is learnt, 0 is context),
`offsets.bin` (uint64: where each row begins, and the end of the last) and `rows.json` (counts, a digest of the rows, and the
key under which they were written). It is written beside its place and renamed, so that a half-written one is never read.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from sayso.errors import StoreError

_FACTS = "rows.json"
_FEW = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """A row of tokens: its ids, which of them are learnt, and how many bytes of text those are."""

    ids: Sequence[int]
    learnt: Sequence[int]
    num_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a token file holds."""

    key: str
    """Names what it was made of and how; the same key is not written again."""
    digest: str
    """Hash of the rows."""
    rows: int
    tokens: int
    targets: int
    """Tokens that are learnt."""
    num_bytes: int
    """Bytes of the text that is learnt."""
    longest: int
    small: bool
    """Whether an id takes two bytes, not four."""
    left_out: int
    """Rows that were not written, because they were too long."""
    silent: int | None = None
    """Rows of which no token is learnt; None: not counted."""


class TokenFile:
    """The rows of a token file, read from disk when they are asked for."""

    def __init__(self, folder: Path, facts: Facts) -> None:
        self.folder, self.facts = folder, facts
        kind = np.uint16 if facts.small else np.uint32
        self._ids = _mapped(folder / "ids.bin", kind)
        self._weights = _mapped(folder / "weights.bin", np.uint8)
        self._offsets = _mapped(folder / "offsets.bin", np.uint64)

    def __len__(self) -> int:
        return self.facts.rows

    def row(self, number: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return the ids of a row, and 1 for each that is learnt."""
        start, end = int(self._offsets[number]), int(self._offsets[number + 1])
        return self._ids[start:end], self._weights[start:end]

    def span(self, first: int, last: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return the ids from one place to before another, rows end to end, and how many of its row stand before each."""
        rows = np.searchsorted(self._offsets, [first, last])
        if self._offsets[rows[0]] > first:
            rows[0] -= 1
        begins: np.ndarray[Any, Any] = self._offsets[rows[0] : rows[1] + 1].astype(np.int64)
        held: np.ndarray[Any, Any] = np.diff(np.clip(begins, first, last))
        row_begins: np.ndarray[Any, Any] = np.repeat(begins[:-1], held)
        return self._ids[first:last], np.arange(first, last) - row_begins

    def lengths(self) -> np.ndarray[Any, Any]:
        """Return how many tokens each row has."""
        return np.diff(self._offsets.astype(np.int64))


def kept(folder: Path, key: str) -> TokenFile | None:
    """Return the token file in a folder when it was written under this key, whole; else None."""
    try:
        facts = Facts(**json.loads((folder / _FACTS).read_text(encoding="utf-8")))
        if facts.key != key:
            return None
        sizes = {
            "ids.bin": facts.tokens * (2 if facts.small else 4), "weights.bin": facts.tokens,
            "offsets.bin": 8 * (facts.rows + 1),
        }  # fmt: skip
        whole = all((folder / name).stat().st_size == size for name, size in sizes.items())
        return TokenFile(folder, facts) if whole else None
    except (OSError, ValueError, TypeError):
        return None


def write(folder: Path, rows: Iterable[Encoded], *, key: str, vocab_size: int) -> TokenFile:
    """Write rows as a token file, in the place of one that is there.

    Raises:
        StoreError: the disk refused; what was there before is untouched.
    """
    with Writer(folder, key=key, vocab_size=vocab_size) as writer:
        for row in rows:
            writer.add(row)
        return writer.done()


class Writer:
    """Writes a token file row by row; nothing is in its place before `done`."""

    def __init__(self, folder: Path, *, key: str, vocab_size: int) -> None:
        self._folder, self._key, self._small = folder, key, vocab_size <= _FEW
        self._writing = folder.with_name(f".{folder.name}.writing")
        self._files: dict[str, IO[bytes]] = {}
        self._digest = hashlib.sha256()
        self._rows = self._tokens = self._targets = self._bytes = self._longest = self._silent = 0

    def __enter__(self) -> Writer:
        try:
            shutil.rmtree(self._writing, ignore_errors=True)
            self._writing.mkdir(parents=True)
            self._files = {name: (self._writing / f"{name}.bin").open("wb") for name in ("ids", "weights", "offsets")}
            self._files["offsets"].write(np.uint64(0).tobytes())
        except OSError as error:
            raise self._refused(error) from error
        return self

    def __exit__(self, *_error: object) -> None:
        for file in self._files.values():
            file.close()
        shutil.rmtree(self._writing, ignore_errors=True)

    def add(self, row: Encoded) -> None:
        """Append a row."""
        ids = np.asarray(row.ids, dtype="<u2" if self._small else "<u4").tobytes()
        weights = np.asarray(row.learnt, dtype=np.uint8).tobytes()
        self._rows += 1
        self._tokens += len(row.ids)
        targets = sum(map(bool, row.learnt[1:]))
        self._targets += targets
        self._silent += not targets
        self._bytes += row.num_bytes
        self._longest = max(self._longest, len(row.ids))
        end = np.uint64(self._tokens).tobytes()
        for part in (end, ids, weights):
            self._digest.update(part)
        try:
            for name, part in (("ids", ids), ("weights", weights), ("offsets", end)):
                self._files[name].write(part)
        except OSError as error:
            raise self._refused(error) from error

    @property
    def num_tokens(self) -> int:
        """Tokens written so far."""
        return self._tokens

    def done(self, *, left_out: int = 0) -> TokenFile:
        """Put what was written in its place and open it."""
        facts = Facts(
            key=self._key, digest=self._digest.hexdigest(), rows=self._rows, tokens=self._tokens, targets=self._targets,
            num_bytes=self._bytes, longest=self._longest, small=self._small,
            left_out=left_out, silent=self._silent,
        )  # fmt: skip
        try:
            for file in self._files.values():
                file.flush()
                os.fsync(file.fileno())
                file.close()
            (self._writing / _FACTS).write_text(json.dumps(asdict(facts), indent=1) + "\n", encoding="utf-8")
            shutil.rmtree(self._folder, ignore_errors=True)
            self._writing.rename(self._folder)
        except OSError as error:
            raise self._refused(error) from error
        return TokenFile(self._folder, facts)

    def _refused(self, error: OSError) -> StoreError:
        return StoreError(
            "the token file {path!r} cannot be written: {reason}",
            path=str(self._folder), reason=error.strerror or str(error),
        )  # fmt: skip


def write_facts(path: Path, facts: Mapping[str, Any]) -> None:
    """Write what is known beside token files, whole or not at all.

    Raises:
        StoreError: the disk refused.
    """
    writing = path.with_name(f".{path.name}.writing")
    try:
        writing.write_text(json.dumps(facts), encoding="utf-8")
        writing.replace(path)
    except OSError as error:
        raise StoreError(
            "the token file {path!r} cannot be written: {reason}", path=str(path), reason=error.strerror or str(error)
        ) from error


def _mapped(path: Path, kind: Any) -> np.ndarray[Any, Any]:
    """Map a file of numbers; an empty one cannot be mapped."""
    return np.memmap(path, dtype=kind, mode="r") if path.stat().st_size else np.zeros(0, dtype=kind)
