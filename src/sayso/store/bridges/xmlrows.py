"""XML becomes rows with the lines they begin on; a document with a type or entities of its own is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.store.lines import Line


@dataclass(kw_only=True, slots=True)
class _Element:
    name: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    """What stands in it and in the elements within, in order."""
    children: list[_Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def rows(raw: bytes, *, row: str, shared: Sequence[str], names: Mapping[str, str]) -> list[Line]:
    """Return a row for every element called `row`: its attributes, the texts of its children and of the `shared` elements.

    Elements get their keys from `names`; those not in it keep their own.
    """
    try:
        root = _tree(raw)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        return [_fault(error.lineno, RecordError("{field}: not XML ({reason})", field=_("row"), reason=reason))]
    except RecordError as error:
        return [_fault(1, error)]
    found = list(_within(root))
    common = {names.get(item.name, item.name): item.text for item in found if item.name in shared}
    lines = []
    for item in found:
        if item.name == row:
            value = {**common, **item.attributes, **{names.get(part.name, part.name): part.text for part in item.children}}
            lines.append(Line(number=item.line, text=str(value), value=value))
    return lines


def _tree(raw: bytes) -> _Element:
    top = _Element(name="", line=1)
    above = [top]
    parser = expat.ParserCreate()

    def begin(name: str, attributes: dict[str, str]) -> None:
        element = _Element(name=name, line=parser.CurrentLineNumber, attributes=attributes)
        above[-1].children.append(element)
        above.append(element)

    def take(text: str) -> None:
        for element in above:
            element.texts.append(text)

    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda _name: above.pop()
    parser.CharacterDataHandler = take
    parser.Parse(raw, True)  # noqa: FBT003 - expat's signature: this is all of it
    return top


def _within(element: _Element) -> Iterator[_Element]:
    for child in element.children:
        yield child
        yield from _within(child)


def _fault(number: int, problem: RecordError) -> Line:
    return Line(number=number, text="", problem=problem)


def _refuse(*_found: object) -> None:
    raise RecordError("{field}: found one, expected plain XML; take it out", field=_("document type"))
