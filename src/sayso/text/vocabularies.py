"""Look at a tokenizer, and compare several on the same texts, language by language."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from sayso.errors import NotFoundError, RecordError

_FEW = 512
ALL = "all"
"""The language of a line on every text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """One token of a text: its number, and the text it stands for."""

    id: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """How a tokenizer writes the texts of one language, or all of them."""

    name: str
    language: str
    """As it was given with the texts; `all`: every text."""
    entries: int
    """Size of its vocabulary."""
    tokens: int
    unknown: int
    """Tokens that stand for what it cannot write; a tokenizer that has many looks shorter than it is."""
    characters: int
    bytes: int

    @property
    def tokens_per_byte(self) -> float:
        """Fewer is shorter; a Chinese character is three bytes."""
        return self.tokens / self.bytes

    @property
    def tokens_per_character(self) -> float:
        """Fewer is shorter."""
        return self.tokens / self.characters


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


def compare(tokenizers: Sequence[tuple[str, Tokenizer]], texts: Iterable[tuple[str, str]]) -> list[Compared]:
    """Return how long each tokenizer writes the same texts, given as (language, text): for every language, then for all.

    Languages come in the order of their names; with a single one there is no line for all.

    Raises:
        RecordError: there is no text.
    """
    sizes: dict[str, Counter[str]] = {}
    tokens: Counter[tuple[str, int, str]] = Counter()
    unknown = [_unknown(tokenizer) for _name, tokenizer in tokenizers]
    for some in _batches(texts):
        for language, text in some:
            sizes.setdefault(language, Counter()).update(characters=len(text), bytes=len(text.encode()))
        for number, (_name, tokenizer) in enumerate(tokenizers):
            found = tokenizer.encode_batch([text for _language, text in some], add_special_tokens=False)
            for (language, _text), one in zip(some, found, strict=True):
                tokens[language, number, "tokens"] += len(one.ids)
                tokens[language, number, "unknown"] += one.ids.count(unknown[number])
    sizes = {language: sizes[language] for language in sorted(sizes) if sizes[language]["bytes"]}
    if not sizes:
        raise RecordError("there is no text to compare on; expected at least one text that is not empty")

    def compared(language: str, among: Sequence[str]) -> Iterator[Compared]:
        whole = sum((sizes[one] for one in among), Counter())
        for number, (name, tokenizer) in enumerate(tokenizers):
            count, missed = (sum(tokens[one, number, what] for one in among) for what in ("tokens", "unknown"))
            yield Compared(
                name=name, language=language, entries=tokenizer.get_vocab_size(), tokens=count, unknown=missed,
                characters=whole["characters"], bytes=whole["bytes"],
            )  # fmt: skip

    lines = [line for language in sizes for line in compared(language, (language,))]
    return lines + (list(compared(ALL, tuple(sizes))) if len(sizes) > 1 else [])


def _unknown(tokenizer: Tokenizer) -> int:
    """Return the id that stands for what a tokenizer cannot write; −1, which no token has, where it can write everything."""
    form = json.loads(tokenizer.to_str())["model"]
    if form.get("unk_id") is not None:
        return int(form["unk_id"])
    word = form.get("unk_token")
    found = tokenizer.token_to_id(word) if word else None
    return -1 if found is None else int(found)


def _batches(texts: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    some: list[tuple[str, str]] = []
    for pair in texts:
        some.append(pair)
        if len(some) == _FEW:
            yield some
            some = []
    if some:
        yield some
