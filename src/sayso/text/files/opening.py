"""Which files are meant, what each holds by the ending of its name, and how its bytes are reached: plain, .gz or .zst."""

from __future__ import annotations

import gzip
import hashlib
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from sayso.errors import MissingExtraError, NotFoundError, RecordError

Format = Literal["jsonl", "txt", "csv", "tsv", "html", "parquet"]
_FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".txt": "txt", ".csv": "csv", ".tsv": "tsv", ".html": "html", ".htm": "html",
    ".parquet": "parquet",
}  # fmt: skip
_PACKED = (".gz", ".zst")
ENDINGS = (".jsonl", ".txt", ".csv", ".tsv", ".html", ".parquet")
LONGEST_LINE = 1 << 26
_EDGE = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """What the ending of a name says: the format, and how it is packed (`.gz`, `.zst` or not)."""

    format: Format
    packed: str

    def __str__(self) -> str:
        return f"{self.format}{self.packed}"


def ending_of(name: str) -> Ending | None:
    """Return what a file's name says about it, or None when it is no ending that is known."""
    packed = next((end for end in _PACKED if name.lower().endswith(end)), "")
    kind = _FORMATS.get(Path(name.lower().removesuffix(packed)).suffix)
    return None if kind is None or (kind == "parquet" and packed) else Ending(format=kind, packed=packed)


def known_ending(path: Path) -> Ending:
    """Return what a path's name says about it.

    Raises:
        RecordError: it has another ending than those that can be read.
    """
    found = ending_of(path.name)
    if found is None:
        raise RecordError("{path}: cannot be read; expected a file of {endings}", path=str(path), endings=expected())
    return found


def expected() -> str:
    """Return the endings that can be read, for a message."""
    return f"{', '.join(ENDINGS)} (but for .parquet also with {' or '.join(_PACKED)})"


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are meant, those of a folder in the order of their names.

    In a folder, what begins with a point or an underscore is left alone.

    Raises:
        NotFoundError: a path is not there, or a folder holds nothing that can be read.
        RecordError: a file has another ending than those that can be read, or none was named.
    """
    if not paths:
        raise RecordError("no file was named; expected files or folders of {endings}", endings=expected())
    return [file for path in paths for file in _files(path)]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if _meant(file.relative_to(path)) and file.is_file())
        if not inside:
            raise NotFoundError("the folder {path!r} holds no file of {endings}", path=str(path), endings=expected())
        return inside
    if not path.is_file():
        raise NotFoundError("there is no file {path!r}; check the path", path=str(path))
    known_ending(path)
    return [path]


def _meant(path: Path) -> bool:
    return ending_of(path.name) is not None and not any(part.startswith((".", "_")) for part in path.parts)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Say in one line why a file cannot be read."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise RecordError("{path}: is not UTF-8 text; save it as UTF-8", path=str(path)) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        kind = "zstd" if path.name.endswith(".zst") else "gzip"
        raise RecordError(
            "{path}: is no whole {kind} file ({reason})", path=str(path), kind=kind, reason=str(error)
        ) from error
    except OSError as error:
        raise RecordError(
            "{path}: cannot be read ({reason})", path=str(path), reason=error.strerror or str(error)
        ) from error


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading its bytes, unpacked."""
    with told(path):
        if path.name.endswith(".zst"):
            with _unpacking(path), zstd().open(path, "rb") as file:
                yield file
        elif path.name.endswith(".gz"):
            with gzip.open(path, "rb") as file:
                yield file  # type: ignore[misc]
        else:
            with path.open("rb") as file:
                yield file


@contextmanager
def _unpacking(path: Path) -> Iterator[None]:
    try:
        yield
    except zstd().ZstdError as error:
        raise RecordError(
            "{path}: is no whole {kind} file ({reason})", path=str(path), kind="zstd", reason=str(error)
        ) from error


def zstd() -> Any:
    """Return the module that reads and writes .zst: Python's own from 3.14, before it the same under another name.

    Raises:
        MissingExtraError: it is not installed.
    """
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return extra(name, "{what} needs the package backports.zstd: pip install 'sayso[data]'", what=".zst")


def arrow() -> Any:
    """Return pyarrow, with its part that reads and writes Parquet.

    Raises:
        MissingExtraError: it is not installed.
    """
    extra("pyarrow.parquet", "{what} needs the package pyarrow: pip install 'sayso[data]'", what="Parquet")
    return sys.modules["pyarrow"]


def extra(module: str, template: str, **fields: Any) -> Any:
    """Return an optional module.

    Raises:
        MissingExtraError: it is not installed; `template` says how to get it.
    """
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(template, **fields) from error


def bounded(path: Path, file: IO[bytes], *, first: int = 1) -> Iterator[bytes]:
    """Yield lines with their ends, none longer than can be held in memory."""
    number = first - 1
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise RecordError(
                "{path}:{line}: is longer than {limit} bytes; cut it into several documents",
                path=str(path), line=number, limit=LONGEST_LINE,
            )  # fmt: skip
        yield line


def digest(files: Iterable[Path]) -> str:
    """Return a hash of everything that the files hold, in their order."""
    found = hashlib.sha256()
    for path in files:
        with told(path), path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
        found.update(b"text" if known_ending(path).format == "txt" else b"lines")
    return found.hexdigest()


def print_of(path: Path) -> str:
    """Return a hash of a file's size and of its first and last megabyte: quick, whatever its size."""
    with told(path), path.open("rb") as file:
        size = path.stat().st_size
        found = hashlib.sha256(str(size).encode())
        found.update(file.read(_EDGE))
        file.seek(max(0, size - _EDGE))
        found.update(file.read(_EDGE))
    return found.hexdigest()
