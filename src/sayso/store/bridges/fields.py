"""One object of another tool's file, asked field by field; what nobody asked for is what would be lost."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.store.rules import wrong

_EMPTY: tuple[Any, ...] = (None, "", [], {})


class Fields:
    """A JSON object that remembers what was asked of it, and names the field where something is wrong."""

    def __init__(self, value: Mapping[str, Any], path: str = "") -> None:
        self.value = value
        self.path = path
        self._asked: set[str] = set()
        self._inside: list[Fields] = []

    def __contains__(self, name: str) -> bool:
        return self.value.get(name) not in _EMPTY

    def name(self, name: str) -> str:
        """Return the field's name from the row down, as messages give it."""
        return f"{self.path}.{name}" if self.path else name

    def raw(self, name: str) -> Any:
        """Return whatever stands there; None when nothing does."""
        self._asked.add(name)
        return self.value.get(name)

    def words(self, name: str) -> str:
        """Return a text, or an empty one where there is none."""
        found = self.raw(name)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise wrong(self.name(name), found, _("text"))
        return found

    def text(self, name: str) -> str:
        """Return a text that has to be there; it may be empty."""
        if self.value.get(name) is None:
            raise missing(self.name(name), _("text"))
        return self.words(name)

    def label(self, name: str) -> str:
        """Return a name that may be written as a text or as a number; empty where there is none."""
        found = self.raw(name)
        if found is None:
            return ""
        if isinstance(found, bool) or not isinstance(found, str | int):
            raise wrong(self.name(name), found, _("text"))
        return str(found)

    def number(self, name: str) -> float | None:
        """Return a number, also one that is written as text; None where there is none."""
        found = self.raw(name)
        if found in (None, ""):
            return None
        try:
            value = float(found) if isinstance(found, str | int | float) else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise wrong(self.name(name), found, _("a number"))
        return value

    def whole(self, name: str) -> int | None:
        """Return a whole number; None where there is none."""
        found = self.raw(name)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int):
            raise wrong(self.name(name), found, _("a whole number"))
        return found

    def flag(self, name: str) -> bool | None:
        """Return true or false; None where neither stands there."""
        found = self.raw(name)
        if found is not None and not isinstance(found, bool):
            raise wrong(self.name(name), found, _("true or false"))
        return found

    def inner(self, name: str) -> Fields:
        """Return the object that stands there; an empty one where none does."""
        found = self.raw(name)
        if found is None:
            return Fields({}, self.name(name))
        if not isinstance(found, Mapping):
            raise wrong(self.name(name), found, _("an object"))
        return self._keep(Fields(found, self.name(name)))

    def many(self, name: str) -> list[Any]:
        """Return the list that stands there; an empty one where none does."""
        found = self.raw(name)
        if found is None:
            return []
        if not isinstance(found, list):
            raise wrong(self.name(name), found, _("a list"))
        return found

    def each(self, name: str) -> list[Fields]:
        """Return the objects of a list."""
        found = []
        for number, item in enumerate(self.many(name)):
            place = f"{self.name(name)}[{number}]"
            if not isinstance(item, Mapping):
                raise wrong(place, item, _("an object"))
            found.append(self._keep(Fields(item, place)))
        return found

    def texts(self, name: str) -> list[str]:
        """Return the texts of a list; a single text is a list of one."""
        if isinstance(self.value.get(name), str):
            return [self.words(name)]
        found = self.many(name)
        for number, item in enumerate(found):
            if not isinstance(item, str):
                raise wrong(f"{self.name(name)}[{number}]", item, _("text"))
        return found

    def one_of(self, *names: str) -> str:
        """Return the first of these names that holds something; RecordError where none does."""
        for name in names:
            if name in self:
                return name
        for name in names:
            if name in self.value and self.value[name] is not None:
                return name
        raise missing(self.name(names[0]), _("one of {names}").format(names=", ".join(names)))

    def replaced(self, value: Mapping[str, Any]) -> Fields:
        """Return another object in the place of this one; what is not asked of it is lost here."""
        return self._keep(Fields(value, self.path))

    def rest(self) -> Iterator[str]:
        """Give the fields with something in them that nobody asked for, places in lists left out."""
        for name, value in self.value.items():
            if name not in self._asked and value not in _EMPTY:
                yield _placeless(self.name(name))
        for part in self._inside:
            yield from part.rest()

    def _keep(self, part: Fields) -> Fields:
        self._inside.append(part)
        return part


def missing(field: str, expected: str) -> RecordError:
    """Return the error of a field that is not there."""
    return RecordError("{field}: missing; expected {expected}", field=field, expected=expected)


def _placeless(path: str) -> str:
    return re.sub(r"\[\d+\]", "[]", path)
