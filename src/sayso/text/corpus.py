"""Texts and conversations from files, one after another: whatever the files' size, little of them is in memory at once.

Read is what `sayso.text.files.streams` reads: plain text (a file is one document), JSONL (`{"text": …}` or `{"messages":
[{"role": …, "content": …}, …]}`), CSV and TSV with a column `text`, Parquet with a column `text` or `messages`, HTML as it
is written, all but Parquet also with `.gz` or `.zst` behind, and folders of these. What is neither is an error that names
file and line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sayso.errors import RecordError
from sayso.records import Message
from sayso.text.files import opening, streams
from sayso.text.files.opening import ENDINGS, digest, files_of
from sayso.text.files.streams import Reading, Record, Source

ROLES = ("system", "user", "assistant")
Kind = Literal["text", "messages", "any"]
__all__ = ["ENDINGS", "ROLES", "Document", "Kind", "digest", "document", "documents", "files_of", "messages_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A text or a conversation, and where it stands. A large text file comes in pieces, cut at the ends of lines."""

    where: str
    text: str = ""
    messages: tuple[Message, ...] = ()
    starts: bool = True
    """False: it goes on where the document before it broke off."""
    ends: bool = True
    """False: the next document goes on with it."""

    def texts(self) -> Iterator[str]:
        """Yield its words: the text, or the content of every turn."""
        if self.messages:
            yield from (message.content for message in self.messages)
        else:
            yield self.text


def documents(files: Iterable[Path], *, kind: Kind = "any") -> Iterator[Document]:
    """Yield what the files hold, in their order; `kind` says what is expected.

    Raises:
        RecordError: a line is not what was expected; its file and line are named.
    """
    reading = Reading()
    for path in files:
        source = Source(name=str(path), path=path, format=opening.known_ending(path).format)
        if kind == "messages" and source.format in ("txt", "html"):
            raise RecordError("{path}: found plain text; expected conversations, JSONL lines with messages", path=str(path))
        for record in streams.records([source], reading):
            yield document(record, kind)


def document(record: Record, kind: Kind) -> Document:
    """Return what a record holds.

    Raises:
        RecordError: it is not what was expected.
    """
    found, where = record.fields, record.where
    wanted = ("text", "messages") if kind == "any" else (kind,)
    key = next((name for name in wanted if name in found), None)
    if key is None:
        raise RecordError(
            "{where}: found the keys {keys}; expected {wanted}",
            where=where, keys=", ".join(map(str, found)) or "none", wanted=" or ".join(wanted),
        )  # fmt: skip
    if key == "messages":
        return Document(where=where, messages=messages_of(found[key], where))
    if not isinstance(found[key], str):
        raise RecordError("{where}: text: found {found!r}, expected a string", where=where, found=found[key])
    return Document(where=where, text=found[key], starts=record.starts, ends=record.ends)


def messages_of(found: Any, where: str) -> tuple[Message, ...]:
    """Return the turns of a conversation.

    Raises:
        RecordError: it is no list of turns with role and content; `where` leads the message.
    """
    if not isinstance(found, list) or not found:
        raise RecordError("{where}: messages: found {found!r}, expected a list of turns", where=where, found=found)
    return tuple(_message(turn, f"{where}: messages[{number}]") for number, turn in enumerate(found))


def _message(turn: Any, where: str) -> Message:
    if not isinstance(turn, dict) or not isinstance(turn.get("content"), str):
        raise RecordError("{where}: found {found!r}, expected an object with role and content", where=where, found=turn)
    if turn.get("role") not in ROLES:
        raise RecordError(
            "{where}: role: found {found!r}; expected one of {known}",
            where=where, found=turn.get("role"), known=", ".join(ROLES),
        )  # fmt: skip
    return Message(role=turn["role"], content=turn["content"])
