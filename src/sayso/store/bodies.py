"""A record becomes the JSON text that a row keeps, and comes back equal."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Hashable
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from sayso.errors import RecordError
from sayso.records import plain

Record = TypeVar("Record")


def encode(record: Any) -> str:
    """Return a record as JSON text with sorted keys.

    Raises:
        RecordError: it holds something JSON cannot say (a path, a set), or text that is not Unicode (half a surrogate pair).
    """
    kind = type(record).__name__.lower()
    try:
        text = json.dumps(plain(record), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        text.encode()
    except TypeError as error:
        raise RecordError(
            "{kind} cannot be kept ({reason}); expected strings, numbers, lists and mappings only",
            kind=kind,
            reason=str(error),
        ) from error
    except UnicodeEncodeError as error:
        raise RecordError(
            "{kind} cannot be kept: {found!r} is half of a surrogate pair; expected Unicode text, decode it again",
            kind=kind,
            found=error.object[error.start : error.end],
        ) from error
    return text


def decode(kind: type[Record], body: str) -> Record:
    """Return the record of class `kind` that `encode` made `body` from; lists in free-form values stay lists."""
    record: Record = _reader(cast("Hashable", kind))(json.loads(body))
    return record


def same(one: Any, other: Any) -> bool:
    """Say whether two records of one class are equal once kept (a tuple and a list of the same things are)."""
    return bool(one == other) or bool(decode(type(one), encode(one)) == decode(type(other), encode(other)))


@cache
def _reader(hint: Any) -> Callable[[Any], Any]:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _record_reader(hint)
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        (inside,) = (_reader(arg) for arg in args if arg is not NoneType)
        return lambda value: None if value is None else inside(value)
    if origin is tuple:
        item = _reader(args[0])
        return lambda value: tuple(item(part) for part in value)
    return lambda value: value


def _record_reader(kind: type[Any]) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    parts = {item.name: _reader(hints[item.name]) for item in dataclasses.fields(kind)}

    def read(value: dict[str, Any]) -> Any:
        return kind(**{name: part(value[name]) for name, part in parts.items() if name in value})

    return read
