"""What is wrong in files, line by line, and what is only odd: a fault stops a training, a remark is worth a look."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sayso.errors import MissingExtraError, NotFoundError, RecordError
from sayso.text.cleaning import cleaner
from sayso.text.cleaning.characters import without_controls
from sayso.text.corpus import messages_of
from sayso.text.files import opening, streams
from sayso.text.files.streams import Reading, Record, Source

Kind = Literal["any", "text", "chat", "label"]
_LONG = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """Something odd: what, in how many records, where first."""

    what: str
    count: int
    where: str


@dataclass(kw_only=True, slots=True)
class Checked:
    """What a look at files came to."""

    records: int = 0
    bytes: int = 0
    """UTF-8 bytes of the texts."""
    faults: list[RecordError | NotFoundError] = field(default_factory=list)
    """The first ones."""
    num_faults: int = 0
    remarks: list[Remark] = field(default_factory=list)


def check(found: Sequence[Source], reading: Reading, *, kind: Kind = "any", fields: Sequence[str] = (streams.TEXT,),
    most: int = 100) -> Checked:  # fmt: skip
    """Look at every record of sources, and go on after what is wrong.

    `kind` says what the records are for: `text` to learn language from, `chat` conversations, `label` classification; `any`
    asks only that they can be read. At most `most` faults are kept; all are counted.
    """
    result, odd, first = Checked(), Counter[str](), dict[str, str]()

    def refuse(error: RecordError | NotFoundError) -> None:
        result.num_faults += 1
        if len(result.faults) < most:
            result.faults.append(error)

    for source in found:
        for record in _readable(source, reading, refuse):
            result.records += 1
            try:
                texts = _texts(record, kind, fields)
            except RecordError as error:
                refuse(error)
                continue
            result.bytes += sum(len(text.encode(errors="replace")) for text in texts)
            for what in {what for text in texts for what in _odd(text)}:
                odd[what] += 1
                first.setdefault(what, record.where)
    result.remarks = [Remark(what=what, count=count, where=first[what]) for what, count in odd.most_common()]
    return result


def _readable(source: Source, reading: Reading, refuse: Callable[[RecordError | NotFoundError], None]) -> Iterator[Record]:
    """Yield the records of one source; what makes the rest of it unreadable is a fault too."""
    try:
        yield from streams.records([source], reading, skipped=refuse)
    except (RecordError, NotFoundError) as error:
        refuse(error)


def _texts(record: Record, kind: Kind, fields: Sequence[str]) -> list[str]:
    if kind == "any":
        return [value for value in record.fields.values() if isinstance(value, str)]
    if kind == "chat":
        return _turns(record)
    texts = [text for _place, text in cleaner.texts_of(record, fields)]
    if kind == "label":
        _label(record.fields.get("label"), record)
    if not any(text.strip() for text in texts):
        raise RecordError("{where}: {name}: is empty; expected words", where=record.where, name=", ".join(fields))
    return texts


def _turns(record: Record) -> list[str]:
    where = record.where
    if "messages" not in record.fields:
        raise RecordError("{where}: found the fields {found}; expected messages, a list of turns with role and content",
            where=where, found=", ".join(map(str, record.fields)) or "none")  # fmt: skip
    turns = messages_of(record.fields["messages"], where)
    if not any(turn.role == "assistant" for turn in turns):
        raise RecordError("{where}: messages: no turn is the assistant's; there is nothing to learn", where=where)
    for number, turn in enumerate(turns):
        if turn.role == "assistant" and not turn.content.strip():
            raise RecordError(
                "{where}: messages[{number}]: the assistant says nothing; expected words", where=where, number=number
            )
        if turn.role == "system" and number:
            raise RecordError("{where}: messages[{number}]: found a system turn; expected it first or not at all",
                where=where, number=number)  # fmt: skip
    return [turn.content for turn in turns]


def _label(found: Any, record: Record) -> None:
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        raise RecordError(
            "{where}: label: found {found!r}; expected a name or a whole number", where=record.where, found=found
        )


def _odd(text: str) -> Iterator[str]:
    """Yield what is odd about a text."""
    if not text.strip():
        yield "an empty text"
    if "\ufffd" in text:
        yield "characters that were lost in decoding (\ufffd)"
    if not text.isascii():
        if _looks_wrong(text):
            yield "text that looks wrongly decoded"
        if not unicodedata.is_normalized("NFC", text):
            yield "characters that are not in normal form (NFC)"
    if without_controls(text) != text:
        yield "control characters, invisible ones, or other ends of lines"
    if len(text) > _LONG:
        yield "more than a million characters"
    if re.match(r"\s*<(?:!doctype|html|head|body)\b", text, re.IGNORECASE):
        yield "an HTML page"


def _looks_wrong(text: str) -> bool:
    try:
        library = opening.extra("ftfy.badness", "seeing wrong characters needs the package ftfy: pip install 'sayso[data]'")
    except MissingExtraError:  # without it this is not looked at
        return False
    return bool(library.is_bad(text))
