"""Look at a tokenizer, and compare several on the same text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from sayso.errors import NotFoundError, RecordError

_FEW = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """One token of a text: its number, and the text it stands for."""

    id: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """How a tokenizer writes a text."""

    name: str
    entries: int
    """Size of its vocabulary."""
    tokens: int
    bytes: int

    @property
    def tokens_per_byte(self) -> float:
        """Fewer is shorter."""
        return self.tokens / self.bytes


def opened(folder: Path) -> Tokenizer:
    """Return the tokenizer in a folder.

    Raises:
        NotFoundError: there is no tokenizer.json.
        RecordError: it cannot be read.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise NotFoundError("{folder}: no tokenizer.json; expected the folder of a tokenizer or a model", folder=str(folder))
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise RecordError("{path}: is no tokenizer ({reason})", path=str(path), reason=str(error)) from error


def show(tokenizer: Tokenizer, text: str) -> list[Token]:
    """Return the tokens of a text in their order; bytes that are no whole character are shown as the replacement sign."""
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    return [Token(id=number, text=tokenizer.decode([number], skip_special_tokens=False)) for number in ids]


def compare(tokenizers: Sequence[tuple[str, Tokenizer]], texts: Iterable[str]) -> list[Compared]:
    """Return how long each tokenizer writes the same texts.

    Raises:
        RecordError: there is no text.
    """
    tokens, size = [0] * len(tokenizers), 0
    for some in _batches(texts):
        size += sum(len(text.encode()) for text in some)
        for number, (_name, tokenizer) in enumerate(tokenizers):
            tokens[number] += sum(len(found.ids) for found in tokenizer.encode_batch(some, add_special_tokens=False))
    if not size:
        raise RecordError("there is no text to compare on; expected at least one text that is not empty")
    return [
        Compared(name=name, entries=tokenizer.get_vocab_size(), tokens=count, bytes=size)
        for (name, tokenizer), count in zip(tokenizers, tokens, strict=True)
    ]


def _batches(texts: Iterable[str]) -> Iterable[list[str]]:
    some: list[str] = []
    for text in texts:
        some.append(text)
        if len(some) == _FEW:
            yield some
            some = []
    if some:
        yield some
