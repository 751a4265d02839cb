"""Texts and conversations from files, one after another: whatever the files' size, little of them is in memory at once.

Read are `.txt` (a file is one document), `.jsonl` (a line is one document: `{"text": …}` or `{"messages": [{"role": …,
"content": …}, …]}`), both also with `.gz` behind, and folders of these. A line that is neither is an error that names its
file and number.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from sayso.errors import NotFoundError, RecordError
from sayso.records import Message

ENDINGS = (".txt", ".jsonl", ".txt.gz", ".jsonl.gz")
ROLES = ("system", "user", "assistant")
Kind = Literal["text", "messages", "any"]
_PIECE_CHARACTERS = 1 << 20
_LONGEST_LINE = 1 << 26


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


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are meant, those of a folder in the order of their names.

    Raises:
        NotFoundError: a path is not there, or a folder holds nothing that can be read.
        RecordError: a file has another ending than those that can be read, or none was named.
    """
    if not paths:
        raise RecordError("no file was named; expected files or folders of {endings}", endings=", ".join(ENDINGS))
    return [file for path in paths for file in _files(path)]


def documents(files: Iterable[Path], *, kind: Kind = "any") -> Iterator[Document]:
    """Yield what the files hold, in their order; `kind` says what is expected.

    Raises:
        RecordError: a line is not what was expected; its file and line are named.
    """
    for path in files:
        if _plain_text(path):
            if kind == "messages":
                raise RecordError(
                    "{path}: found plain text; expected conversations, JSONL lines with messages", path=str(path)
                )
            yield from _text_file(path)
        else:
            yield from _lines(path, kind)


def digest(files: Iterable[Path]) -> str:
    """Return a hash of everything that the files hold, in their order."""
    found = hashlib.sha256()
    for path in files:
        with _told(path), path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
        found.update(b"text" if _plain_text(path) else b"lines")
    return found.hexdigest()


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.is_file() and file.name.endswith(ENDINGS))
        if not inside:
            raise NotFoundError("the folder {path!r} holds no file of {endings}", path=str(path), endings=", ".join(ENDINGS))
        return inside
    if not path.is_file():
        raise NotFoundError("there is no file {path!r}; check the path", path=str(path))
    if not path.name.endswith(ENDINGS):
        raise RecordError("{path}: cannot be read; expected a file of {endings}", path=str(path), endings=", ".join(ENDINGS))
    return [path]


def _plain_text(path: Path) -> bool:
    return path.name.endswith((".txt", ".txt.gz"))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say in one line why a file cannot be read."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise RecordError("{path}: is not UTF-8 text; save it as UTF-8", path=str(path)) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RecordError("{path}: is no whole gzip file ({reason})", path=str(path), reason=str(error)) from error
    except OSError as error:
        raise RecordError("{path}: cannot be read ({reason})", path=str(path), reason=error.strerror) from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with _told(path), gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as file:
        yield file  # type: ignore[misc]


def _text_file(path: Path) -> Iterator[Document]:
    """Yield a text file in pieces; the last one is known when nothing follows it."""
    waiting, starts = "", True
    with _opened(path) as file:
        for line in _decoded(path, file):
            if len(waiting) >= _PIECE_CHARACTERS:
                yield Document(where=str(path), text=waiting, starts=starts, ends=False)
                waiting, starts = "", False
            waiting += line
    if waiting.strip() or not starts:
        yield Document(where=str(path), text=waiting, starts=starts)


def _decoded(path: Path, file: IO[bytes]) -> Iterator[str]:
    for number, line in enumerate(_bounded(path, file), start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise RecordError("{path}:{line}: is not UTF-8 text; save it as UTF-8", path=str(path), line=number) from error


def _bounded(path: Path, file: IO[bytes]) -> Iterator[bytes]:
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            raise RecordError(
                "{path}:{line}: is longer than {limit} bytes; cut it into several documents",
                path=str(path), line=number, limit=_LONGEST_LINE,
            )  # fmt: skip
        yield line


def _lines(path: Path, kind: Kind) -> Iterator[Document]:
    with _opened(path) as file:
        for number, line in enumerate(_decoded(path, file), start=1):
            if line.strip():
                yield _document(line, f"{path}:{number}", kind)


def _document(line: str, where: str, kind: Kind) -> Document:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise RecordError("{where}: is not valid JSON ({reason})", where=where, reason=str(error)) from error
    except RecursionError as error:
        raise RecordError("{where}: is nested too deeply", where=where) from error
    if not isinstance(found, dict):
        raise RecordError("{where}: found {kind}, expected a JSON object", where=where, kind=type(found).__name__)
    wanted = ("text", "messages") if kind == "any" else (kind,)
    key = next((name for name in wanted if name in found), None)
    if key is None:
        raise RecordError(
            "{where}: found the keys {keys}; expected {wanted}",
            where=where, keys=", ".join(map(str, found)) or "none", wanted=" or ".join(wanted),
        )  # fmt: skip
    if key == "messages":
        return Document(where=where, messages=_messages(found[key], where))
    if not isinstance(found[key], str):
        raise RecordError("{where}: text: found {found!r}, expected a string", where=where, found=found[key])
    return Document(where=where, text=_speakable(found[key], where))


def _messages(found: Any, where: str) -> tuple[Message, ...]:
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
    return Message(role=turn["role"], content=_speakable(turn["content"], where))


def _speakable(text: str, where: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RecordError("{where}: holds half of a surrogate pair; write the whole character", where=where) from error
    return text
