"""What the model before training said of a row is asked once: its log-probabilities are remembered, and kept on disk.

A row is known by the hash of its ids, of which of them are foretold, and of its labels; what is kept is known by the weights
that said it. So the second epoch asks nothing, nor does a run that is taken up again. Each file is named by the hash of what
it holds, is written under another name and renamed: one that is damaged, or not of this model, is left out, which is said.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.numpy import load, save
from torch import Tensor

from sayso.batches import Batch, Row, collate
from sayso.errors import StoreError
from sayso.i18n import gettext as _
from sayso.models.forms.apart import States

if TYPE_CHECKING:
    from sayso.models import Scorer

logger = logging.getLogger(__name__)

LIMIT = 2**26
"""Bytes that are remembered (about 150,000 rows of 60 targets); rows beyond them are scored whenever they come."""
_APIECE = 200
"""Bytes that a row takes beside its numbers."""
_KEY = 16
"""Bytes of a row's hash."""


@runtime_checkable
class Identified(Protocol):
    """A scorer that knows the hash of its weights, by which what it said is recognised in another run."""

    def identity(self) -> str:
        """Return the hash of the weights that score."""


@runtime_checkable
class Shown(Protocol):
    """A scorer that shows what its output head reads."""

    def states(self, batch: Batch) -> States | None:
        """Return that at every target; None where there is no head that makes the logits alone."""


class Remembering:
    """A scorer that asks another one about each row once, as that one's weights stay as they are.

    Nothing is written before `keep` is called. Where it is called before each checkpoint, a run that is taken up again finds
    what was said in the steps before it, and asks of the later ones what it would have asked: it ends bit for bit alike.
    """

    def __init__(self, scorer: Scorer, folder: Path | None = None, *, limit: int = LIMIT) -> None:
        self._scorer, self._limit = scorer, limit
        self._folder = folder if isinstance(scorer, Identified) else None
        self._weights = ""
        self._known: dict[bytes, bytes] = {}
        self._size = 0
        self._unwritten: list[bytes] = []

    def token_logprobs(self, batch: Batch) -> Float[Tensor, " M"]:
        """Return the log-probability of every target of a batch, without gradient."""
        self._open()
        keys = [row_key(item) for item in batch.rows]
        new = {key: item for key, item in zip(keys, batch.rows, strict=True) if key not in self._known}
        found = self._asked(batch, new)
        for key, values in found.items():
            if self._remember(key, values) and self._folder:
                self._unwritten.append(key)
        said = b"".join(found[key] if key in found else self._known[key] for key in keys)
        return torch.frombuffer(bytearray(said), dtype=torch.float32).to(batch.weights.device)

    def distributions(self, batch: Batch) -> Float[Tensor, "M V"]:
        """Return the log-probability of the whole vocabulary at every target: too much to remember."""
        return self._scorer.distributions(batch)

    def states(self, batch: Batch) -> States | None:
        """Return what the output head reads at every target, where the scorer shows it; not remembered either."""
        return self._scorer.states(batch) if isinstance(self._scorer, Shown) else None

    def keep(self) -> None:
        """Write what was learnt since it was last called, where there is a folder.

        Raises:
            StoreError: the disk refused.
        """
        if self._folder and self._unwritten:
            write(self._folder, self._weights, {key: self._known[key] for key in self._unwritten})
            self._unwritten.clear()

    def _open(self) -> None:
        """Read what is kept, when it is first wanted: a method may ask for distributions alone."""
        if self._folder and not self._weights and isinstance(self._scorer, Identified):
            self._weights = self._scorer.identity()
            for key, values in read(self._folder, self._weights):
                self._remember(key, values)

    def _asked(self, batch: Batch, new: Mapping[bytes, Row]) -> dict[bytes, bytes]:
        if not new:
            return {}
        rows = tuple(new.values())
        if rows != batch.rows:
            batch = collate(rows, packed=batch.mask is None, pad_id=batch.pad_id, device=batch.ids.device)
        values = self._scorer.token_logprobs(batch).detach().float().cpu()
        sizes = torch.bincount(batch.row_of, minlength=len(rows)).tolist()
        return {key: part.numpy().tobytes() for key, part in zip(new, torch.split(values, sizes), strict=True)}

    def _remember(self, key: bytes, values: bytes) -> bool:
        """Remember what was said of a row, if it is new and there is room.

        Once there is none the first rows stay: forgetting the oldest would forget each row right before it comes again.
        """
        if key in self._known or self._size > self._limit:
            return False
        self._known[key] = values
        self._size += len(values) + _APIECE
        if self._size > self._limit:
            logger.warning(
                _("what the model before training says is remembered of {count} rows; the others are scored anew").format(
                    count=len(self._known)
                )
            )
        return True


def row_key(row: Row) -> bytes:
    """Return the hash of what decides the log-probabilities of a row."""
    digest = hashlib.blake2b(digest_size=_KEY)
    for part in (row.ids, np.asarray(row.weights) != 0, row.labels):
        digest.update(np.asarray(part, dtype=np.int64).tobytes())
        digest.update(b"|")
    return digest.digest()


def write(folder: Path, weights: str, known: Mapping[bytes, bytes]) -> Path:
    """Write what was said of rows, by the hash of each, to a file of its own.

    Raises:
        StoreError: the disk refused.
    """
    content = save({
        "weights": _bytes(weights.encode()),
        "rows": _bytes(b"".join(known)).reshape(-1, _KEY),
        "sizes": np.array([len(values) for values in known.values()], dtype=np.int64),
        "logprobs": _bytes(b"".join(known.values())).view("<f4"),
    })  # fmt: skip
    path = folder / f"{_name(content)}.safetensors"
    writing = path.with_suffix(f".writing-{os.getpid()}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with writing.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        writing.replace(path)
    except OSError as error:
        with suppress(OSError):
            writing.unlink()
        raise StoreError(
            "what the model before training says could not be kept in {path!r}: {reason}; make room for it, then run the "
            "same command again",
            path=str(folder), reason=str(error),
        ) from error  # fmt: skip
    return path


def read(folder: Path, weights: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield what is kept of these weights: the hash of a row, and what was said of it."""
    for path in sorted(folder.glob("*.safetensors")):
        try:
            content = path.read_bytes()
            if _name(content) != path.stem:
                raise ValueError(_("it is damaged"))
            found = _entries(load(content), weights)
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            logger.warning(_("{path} is left out, and its rows are scored anew: {reason}").format(path=path, reason=error))
            continue
        yield from found


def _entries(tensors: Mapping[str, np.ndarray[Any, Any]], weights: str) -> Sequence[tuple[bytes, bytes]]:
    if tensors["weights"].tobytes() != weights.encode():
        raise ValueError(_("it holds what another model says"))
    sizes, said = tensors["sizes"], tensors["logprobs"].astype("<f4").tobytes()
    ends = np.cumsum(sizes).tolist()
    rows = [key.tobytes() for key in tensors["rows"]]
    return [(key, said[end - size : end]) for key, size, end in zip(rows, sizes.tolist(), ends, strict=True)]


def _bytes(content: bytes) -> np.ndarray[Any, Any]:
    return np.frombuffer(content, dtype=np.uint8)


def _name(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=_KEY).hexdigest()
