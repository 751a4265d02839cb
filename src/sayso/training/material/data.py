"""From files to rows: what is read is written once as token files in the run folder, and training reads those.

An encoder turns one document after another into rows: `Texts` cuts plain text to the context, `Chats` makes one row of a
conversation. Rows that the model's context cannot hold are counted and left out, never cut.
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sayso.batches import Row, by_place
from sayso.errors import PreflightError, SettingsError
from sayso.methods.sft import conversation
from sayso.text import corpus, tokens
from sayso.text.corpus import Document
from sayso.text.files import opening
from sayso.text.files.lines import Lines
from sayso.text.tokens import Encoded, TokenFile
from sayso.training.material.asked import AskedRows, expect_answer
from sayso.training.material.mixture import Mixture, Part, counts_of, parts_of

if TYPE_CHECKING:
    from sayso.models.local import LocalModel


_HELD = "held.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """What is read, and how it becomes rows."""

    validation: tuple[str, ...] = ()
    """Files to measure on that are not learnt from; empty: a share of the documents is held back."""
    validation_share: float = 0.01
    """The share of the documents that is held back, when no files are named; 0: none."""
    validation_tokens: int = 50_000
    """Measure on so many tokens at most; 0: on all."""
    max_length: int = 0
    """The longest row; 0: as long as the model's context."""
    packing: bool = False
    """Plain text: documents share rows, so that all rows are full; otherwise a row never crosses documents."""
    tokens: int = 0
    """End the schedule after about so many tokens, however many rows there are; 0: as the training settings say."""
    eval_steps: int = 500
    """Measure on the validation rows every so many steps and at the end; 0: at the end only."""
    eval_seconds: float = 0.0
    """Measure also when so many seconds have passed since the last time; 0: never for that reason."""
    samples: int = 3
    """How many texts that were held back the report shows going on as the model writes them; 0: none."""
    encode_first_bytes: int = 4_000_000
    """Conversations in JSONL files of up to so many bytes together are encoded before the first step; those of larger files
    when a step asks for them, so that training begins at once whatever their number. Of those a row that is too long is
    found when its turn comes, and the next one is learnt in its place."""
    mixture: Mapping[str, float] = field(default_factory=dict)
    """Files and folders and how much of what is learnt each makes up, such as `{a.jsonl: 0.7, b/: 0.3}`, in tokens; empty:
    all files as they are."""

    def __post_init__(self) -> None:
        for name in (
            "validation_tokens", "max_length", "tokens", "eval_steps", "eval_seconds", "samples", "encode_first_bytes",
        ):  # fmt: skip
            if getattr(self, name) < 0:
                raise SettingsError("data.{key}: found {found}; expected 0 or more", key=name, found=getattr(self, name))
        if not 0 <= self.validation_share < 1:
            raise SettingsError(
                "data.validation_share: found {found}; expected a share from 0 to below 1", found=self.validation_share
            )
        for name, weight in self.mixture.items():
            if not 0 < weight < math.inf:
                raise SettingsError(
                    "data.mixture: {name!r} has the weight {found}; expected a number above 0", name=name, found=weight
                )


class TokenRows(Sequence[Row]):
    """The rows of a token file; one is made when it is asked for."""

    def __init__(self, file: TokenFile, name: str) -> None:
        self._file, self._name = file, name
        self.facts = file.facts

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""
        return self.facts.tokens

    def digest(self) -> str:
        """Return the hash of all rows, in order."""
        return self.facts.digest

    def __len__(self) -> int:
        return len(self._file)

    __getitem__ = by_place

    def made(self, place: int) -> Row:
        """Return the row at a place."""
        ids, learnt = self._file.row(place)
        return Row(ids=tuple(ids.tolist()), weights=tuple(map(float, learnt.tolist())), label=f"{self._name} {place + 1}")


class Encoder(Protocol):
    """Turns documents, one after another, into rows."""

    left_out: int
    """Rows that were longer than allowed."""

    def __call__(self, document: Document) -> Iterator[Encoded]:
        """Yield the rows that are full with this document."""
        ...

    def rest(self) -> Iterator[Encoded]:
        """Yield what is left at the end."""
        ...


class Texts:
    """Plain text: it begins after a start (or end) token, ends with the end token, and is cut to rows.

    Rows of one document overlap by one token, so that every token of it is learnt once.
    """

    def __init__(self, tokenizer: Any, *, end: int, longest: int, packing: bool) -> None:
        self._tokenizer, self._end, self._longest, self._packing = tokenizer, end, longest, packing
        self._start = end if tokenizer.bos_token_id is None else tokenizer.bos_token_id
        self._waiting: list[int] = []
        self._bytes = 0
        self.left_out = 0

    def __call__(self, document: Document) -> Iterator[Encoded]:
        """Yield the rows that are full with this document."""
        if not self._waiting:
            self._waiting.append(self._start)
        self._waiting += self._tokenizer(
            document.text, add_special_tokens=False, split_special_tokens=True, verbose=False
        ).input_ids
        self._bytes += len(document.text.encode())
        if document.ends:
            self._waiting.append(self._end)
        yield from self._full()
        if document.ends and not self._packing:
            yield from self.rest()

    def rest(self) -> Iterator[Encoded]:
        """Yield what is left at the end."""
        ids, self._waiting = self._waiting, []
        if len(ids) > 1:
            yield self._row(ids)

    def _full(self) -> Iterator[Encoded]:
        start = 0
        while len(self._waiting) - start > self._longest:
            yield self._row(self._waiting[start : start + self._longest])
            start += self._longest - 1
        self._waiting = self._waiting[start:]

    def _row(self, ids: list[int]) -> Encoded:
        """Return a row; the bytes of a document go with its first, so that the sum over whole documents is right."""
        size, self._bytes = self._bytes, 0
        return Encoded(ids=ids, learnt=[0] + [1] * (len(ids) - 1), num_bytes=size)


class Chats:
    """Conversations: one is one row, the assistant's turns are learnt."""

    def __init__(self, policy: LocalModel, *, longest: int, last_turn_only: bool) -> None:
        self._policy, self._longest, self._last = policy, longest, last_turn_only
        self.left_out = 0

    def __call__(self, document: Document) -> Iterator[Encoded]:
        """Yield the row of a conversation, when it is not too long."""
        found = conversation(document.messages, self._policy, last_turn_only=self._last, label=document.where)
        if not found.ids:
            expect_answer(document)
        if len(found.ids) > self._longest:
            self.left_out += 1
            return
        answers = [turn.content for turn in document.messages[1:] if turn.role == "assistant"]
        size = sum(len(text.encode()) for text in (answers[-1:] if self._last else answers))
        yield Encoded(ids=found.ids, learnt=[int(weight) for weight in found.weights], num_bytes=size)

    def rest(self) -> Iterator[Encoded]:
        """Yield nothing: no row waits for another."""
        return iter(())


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Files, what they must hold, and how they are encoded; `key` names everything that decides the rows."""

    files: Sequence[Path]
    validation: Sequence[Path]
    kind: corpus.Kind
    encoder: Callable[[], Encoder]
    vocab_size: int
    longest: int
    """Tokens of the longest row that is allowed."""
    key: str
    documents: Callable[..., Iterator[Document]] = corpus.documents
    """Reads the files: (files, kind=…)."""
    apart: bool = False
    """Whether every line of a JSONL file is one row, whatever stands before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """Rows to learn from, and rows to measure on (None: there are none)."""

    train: TokenRows | AskedRows | Mixture
    validation: TokenRows | Mixture | None
    mixed: Mapping[str, float] = field(default_factory=dict)
    """Of a mixture: how often each group is seen in an epoch."""

    @property
    def left_out(self) -> int:
        """Rows that were longer than the context."""
        return self.train.facts.left_out + (self.validation.facts.left_out if self.validation else 0)


Told = Callable[[int], None]
"""Is told how many bytes of text were read so far."""


def gather(source: Source, data: Data, folder: Path, *, seed: int, told: Told) -> Material:
    """Return the rows of a source, from the token files in `folder` when they are of the same source, else newly written.

    Raises:
        RecordError: a file is wrong; its line is named.
        PreflightError: there is no row to learn from.
        StoreError: the disk refused.
    """
    if not data.mixture:
        return _gathered(source, data, folder, seed=seed, told=told)
    parts = parts_of(data.mixture, source.files)
    found: list[Material] = []
    for number, part in enumerate(parts):
        group, measured = _part_of(source, part, number), _measured_of(data, part.share, source, number)
        place = folder / f"{number:03d}"
        found.append(_gathered(group, measured, place, seed=seed, told=_on(told, parts[:number]), name=f"{part.name} row"))
    learnt = [material.train for material in found]
    held = [material.validation for material in found if material.validation]
    mixed = Mixture(learnt, counts_of(learnt, [part.share for part in parts]))
    return Material(
        train=mixed, validation=Mixture(held, [len(rows) for rows in held]) if held else None,
        mixed={part.name: passes for part, passes in zip(parts, mixed.passes, strict=True)},
    )  # fmt: skip


def _on(told: Told, parts: Sequence[Part]) -> Told:
    """Return what goes on telling how much was read, after these groups."""
    before = sum(path.stat().st_size for part in parts for path in part.files)
    return lambda done: told(before + done)


def _part_of(source: Source, part: Part, number: int) -> Source:
    """Return one group of a mixture as a source; files to measure on that were named are the first one's."""
    held = source.validation if number == 0 else ()
    return replace(source, files=part.files, validation=held, key=f"{source.key} {number} {corpus.digest(part.files)}")


def _measured_of(data: Data, share: float, source: Source, number: int) -> Data:
    """Return how a group is read: it gives its share of what is measured on, unless that has files of its own."""
    if source.validation:
        return data if number == 0 else replace(data, validation=(), validation_share=0.0)
    return replace(data, validation_tokens=math.ceil(data.validation_tokens * share))


def _gathered(source: Source, data: Data, folder: Path, *, seed: int, told: Told, name: str = "row") -> Material:
    key = hashlib.sha256(json.dumps([source.key, _decisive(data), seed]).encode()).hexdigest()
    places = (folder / "train", folder / "validation")
    train, held = (tokens.kept(place, key) for place in places)
    if train is None and _is_large(source, data):
        return _asked(source, data, key, folder, seed=seed, told=told)
    if train is None or held is None:
        train, held = _write(source, data, key, places, seed=seed, told=told)
    if not len(train):
        if train.facts.left_out:
            raise PreflightError(
                "all {count} rows are longer than {limit} tokens, so that none is left to learn from; "
                "raise data.max_length, or use a model with a longer context",
                count=train.facts.left_out, limit=source.longest,
            )  # fmt: skip
        raise PreflightError("the files hold no text to learn from: {files}", files=", ".join(map(str, source.files[:3])))
    return Material(train=TokenRows(train, name), validation=TokenRows(held, "validation row") if len(held) else None)


def _is_large(source: Source, data: Data) -> bool:
    """Whether the rows are encoded when they are asked for: nothing that decides the run may depend on counting them."""
    if not source.apart or data.mixture or data.tokens:
        return False
    plain = all(str(opening.ending_of(path.name)) == "jsonl" for path in source.files)
    return plain and sum(path.stat().st_size for path in source.files) > data.encode_first_bytes


def _asked(source: Source, data: Data, key: str, folder: Path, *, seed: int, told: Told) -> Material:
    """Return rows that are encoded when they are asked for; those to measure on are written as ever."""
    lines = Lines(source.files, told)
    place, numbers = folder / "validation", folder / _HELD
    held, back = tokens.kept(place, key), _numbers(numbers, key)
    if held is None or back is None:
        back = []
        with _writer(place, source, key) as writer:
            held = writer.done(left_out=_hold_back(lines, source, data, writer, back, seed=seed))
        tokens.write_facts(numbers, {"key": key, "lines": back})
    train = AskedRows(lines, source.encoder(), held=back, key=key)
    return Material(train=train, validation=TokenRows(held, "validation row") if len(held) else None)


def _hold_back(lines: Lines, source: Source, data: Data, writer: tokens.Writer, back: list[int], *, seed: int) -> int:
    """Write what is measured on, as `_write` does, note the lines held back for it, and return how many are too long."""
    measured, limit = source.encoder(), data.validation_tokens or math.inf
    for document in source.documents(source.validation, kind=source.kind):
        if writer.num_tokens >= limit:
            break
        _add(writer, measured(document))
    for number in range(0 if source.validation else len(lines)):
        if writer.num_tokens >= limit:
            break
        if _held_back(seed, number + 1, data.validation_share):
            back.append(number)
            _add(writer, measured(corpus.document(lines.record(number), source.kind)))
    return measured.left_out


def _numbers(path: Path, key: str) -> list[int] | None:
    """Return the lines that are held back, when they were noted under this key."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return list(found["lines"]) if found["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def held_back(source: Source, data: Data, *, seed: int) -> Iterator[int]:
    """Yield the numbers, from 0, of the documents that `gather` measures on where no files are named for it."""
    encoder, size = source.encoder(), 0
    for number, document in enumerate(source.documents(source.files, kind=source.kind)):
        assert document.starts, "a document that comes in parts has no one number"
        if data.validation_tokens and size >= data.validation_tokens:
            return
        if _held_back(seed, number + 1, data.validation_share):
            yield number
            size += sum(len(row.ids) for row in encoder(document))


def tokenizer_digest(tokenizer: Any) -> str:
    """Return a hash of a tokenizer and its chat template."""
    form = [tokenizer.backend_tokenizer.to_str(), str(tokenizer.chat_template)]
    return hashlib.sha256(json.dumps(form).encode()).hexdigest()


def key_of(**parts: Any) -> str:
    """Return a hash of what decides the rows."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _decisive(data: Data) -> Mapping[str, Any]:
    free = ("tokens", "eval_steps", "eval_seconds", "validation", "mixture", "samples", "encode_first_bytes")
    return {name: value for name, value in asdict(data).items() if name not in free}


def _write(
    source: Source, data: Data, key: str, places: tuple[Path, Path], *, seed: int, told: Told
) -> tuple[TokenFile, TokenFile]:
    share = 0.0 if source.validation else data.validation_share
    limit = data.validation_tokens or None
    with _writer(places[0], source, key) as train, _writer(places[1], source, key) as held:
        learnt, measured = source.encoder(), source.encoder()
        for document in source.documents(source.validation, kind=source.kind):
            if limit is not None and held.num_tokens >= limit and document.starts:
                break
            _add(held, measured(document))
        number, back, read = 0, False, 0
        for document in source.documents(source.files, kind=source.kind):
            if document.starts:
                number += 1
                room = limit is None or held.num_tokens < limit
                back = room and _held_back(seed, number, share)
            _add(*((held, measured(document)) if back else (train, learnt(document))))
            read += sum(len(text) for text in document.texts())
            told(read)
        _add(held, measured.rest())
        _add(train, learnt.rest())
        return train.done(left_out=learnt.left_out), held.done(left_out=measured.left_out)


def _writer(place: Path, source: Source, key: str) -> tokens.Writer:
    return tokens.Writer(place, key=key, vocab_size=source.vocab_size)


def _add(writer: tokens.Writer, rows: Iterator[Encoded]) -> None:
    for row in rows:
        writer.add(row)


def _held_back(seed: int, number: int, share: float) -> bool:
    """Whether a document is measured on: a hash decides, so that the rest of the file does not matter."""
    return zlib.crc32(f"{seed} {number}".encode()) < share * 2**32
