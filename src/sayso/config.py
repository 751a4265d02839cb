"""sayso.yaml, round files and `--set a.b=c` become a room's settings; an unknown key is an error with a suggestion.

Settings are frozen dataclasses that live beside what they steer. They are validated here, at the border, by pydantic;
inside, they are trusted.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sayso.errors import NotFoundError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pydantic import TypeAdapter

T = TypeVar("T")


def read(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Raises:
        NotFoundError: there is no such file.
        SettingsError: the file is no YAML, or holds no mapping.
    """
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise NotFoundError("there is no file {path!r}; check the path", path=str(path)) from error
    except IsADirectoryError as error:
        raise SettingsError("{path!r} is a folder; expected a YAML file", path=str(path)) from error
    except UnicodeDecodeError as error:
        raise SettingsError("{path!r} is not UTF-8 text; save it as UTF-8", path=str(path)) from error
    except OSError as error:
        raise SettingsError("{path!r} cannot be read: {reason}", path=str(path), reason=error.strerror) from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise SettingsError("{path!r} is not valid YAML: {reason}", path=str(path), reason=reason) from error
    if not isinstance(found, dict):
        raise SettingsError(
            "{path!r} holds {kind}; expected keys and values such as `method: refine_sft`",
            path=str(path), kind="nothing" if found is None else type(found).__name__,
        )  # fmt: skip
    return found


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return mappings laid over one another, the later over the earlier, key by key at every depth."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            below = result.get(key)
            both = isinstance(below, dict) and isinstance(value, Mapping)
            result[key] = merged(below, value) if both else _copy(value) if isinstance(value, Mapping) else value  # type: ignore[arg-type]
    return result


def override(settings: Mapping[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Return `settings` with every `a.b=value` laid over it; values are read as YAML.

    Raises:
        SettingsError: an assignment has no `=` or no key.
    """
    import yaml

    result = _copy(settings)
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not all(key.split(".")):
            raise SettingsError("--set {given!r}: expected key=value, such as train.max_steps=100", given=assignment)
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise SettingsError("--set {given!r}: the value is not valid YAML", given=assignment) from error
        _assign(result, key.split("."), value, assignment)
    return result


def build(kind: type[T], settings: Mapping[str, Any], *, where: str) -> T:
    """Return the settings dataclass `kind` made of a mapping.

    Raises:
        SettingsError: an unknown key (the nearest one is named), or a value of the wrong type; `where` leads the message.
    """
    from pydantic import ValidationError

    _refuse_unknown(kind, settings, where, "")
    try:
        built: T = _adapter(cast("Hashable", kind)).validate_python(_copy(settings), strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        said = first.get("ctx", {}).get("error")
        if isinstance(said, SettingsError):  # settings that each are right and do not go together
            raise said from error
        key = ".".join(str(part) for part in first["loc"]) or "?"
        raise SettingsError(
            "{where}: {key}: found {found!r}; {expected}",
            where=where, key=key, found=first.get("input"), expected=_lower(first["msg"]),
        ) from error  # fmt: skip
    return built


@cache  # making one takes longer than a hundred checks by it
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def dump(settings: Any) -> str:
    """Return settings as YAML that `build` reads back."""
    import yaml

    return str(yaml.safe_dump(dataclasses.asdict(settings), allow_unicode=True, sort_keys=False))


def _refuse_unknown(kind: type[Any], settings: Mapping[str, Any], where: str, prefix: str) -> None:
    hints = typing.get_type_hints(kind)
    for key, value in settings.items():
        if key not in hints:
            raise _unknown(f"{prefix}{key}", str(key), hints, where)
        inner = _dataclass_in(hints[key])
        if inner is not None and isinstance(value, Mapping):
            _refuse_unknown(inner, value, where, f"{prefix}{key}.")
        elif inner is not None and isinstance(value, list | tuple):
            for number, item in enumerate(value):
                if isinstance(item, Mapping):
                    _refuse_unknown(inner, item, where, f"{prefix}{key}.{number}.")


def _unknown(path: str, key: str, hints: Mapping[str, Any], where: str) -> SettingsError:
    near = difflib.get_close_matches(key, hints, n=1)
    if near:
        return SettingsError("{where}: unknown key {key!r}; did you mean {near!r}?", where=where, key=path, near=near[0])
    known = ", ".join(sorted(hints))
    return SettingsError("{where}: unknown key {key!r}; expected one of {known}", where=where, key=path, known=known)


def _dataclass_in(hint: Any) -> type[Any] | None:
    several = typing.get_origin(hint) in (typing.Union, types.UnionType, tuple)
    options = typing.get_args(hint) if several else (hint,)
    return next((option for option in options if dataclasses.is_dataclass(option) and isinstance(option, type)), None)


def _assign(settings: dict[str, Any], keys: list[str], value: Any, given: str) -> None:
    for key in keys[:-1]:
        inner = settings.setdefault(key, {})
        if not isinstance(inner, dict):
            raise SettingsError("--set {given!r}: {key!r} holds a single value, not keys", given=given, key=key)
        settings = inner
    settings[keys[-1]] = value


def _copy(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, Mapping) else value for key, value in settings.items()}


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
