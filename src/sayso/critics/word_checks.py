"""Checks on words: what a text contains, how it starts and ends, how it is written.

Words are compared without regard to upper and lower case unless `case` is true, as whole words, and with straight and
curly quotes or full-width and narrow punctuation alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sayso.critics.parts import Held, Place, find, pattern, span
from sayso.errors import SettingsError
from sayso.i18n import gettext as _
from sayso.records import Span

_CLOSING = ".!。！…\"'”’)）」』 \t\r\n"


def contains(response: str, /, *, text: str | list[str], case: bool = False) -> Held:
    """Hold when the text has the words; of a list, all of them."""
    missing = [phrase for phrase in phrases("contains", text) if not find(response, phrase, case=case)]
    if not missing:
        return Held(held=True)
    return Held(held=False, said=_("It does not contain {words}; it must.").format(words=quoted(missing)))


def excludes(response: str, /, *, text: str | list[str], case: bool = False) -> Held:
    """Hold when the text does not have the words; of a list, none of them."""
    found = {phrase: find(response, phrase, case=case) for phrase in phrases("excludes", text)}
    present = [phrase for phrase, places in found.items() if places]
    if not present:
        return Held(held=True)
    places = sorted({place for some in found.values() for place in some}, key=lambda place: (place.start, place.end))
    once, often = _("It contains {words}; it must not."), _("It contains {words} ({count} times); it must not.")
    said = often if len(places) > 1 else once
    return Held(
        held=False,
        spans=tuple(span(response, place) for place in places),
        said=said.format(words=quoted(present), count=len(places)),
    )


def regex(text: str, *, pattern: str, absent: bool = False, case: bool = True) -> Held:
    """Hold when the regular expression is found somewhere; with `absent`, when it is found nowhere."""
    try:
        expression = re.compile(pattern, re.MULTILINE | (0 if case else re.IGNORECASE))
    except re.error as error:
        raise SettingsError(
            "check 'regex': pattern {pattern!r} is not a regular expression ({reason}); expected Python's re syntax",
            pattern=pattern,
            reason=str(error),
        ) from error
    found = [Place(item.start(), item.end()) for item in expression.finditer(text)]
    if bool(found) != absent:
        return Held(held=True)
    if absent:
        spans = tuple(span(text, place) for place in found)
        said = _("It matches the pattern {pattern}; it must not.").format(pattern=pattern)
        return Held(held=False, spans=spans, said=said)
    return Held(held=False, said=_("It does not match the pattern {pattern}; it must.").format(pattern=pattern))


def starts_with(response: str, /, *, text: str | list[str], case: bool = False) -> Held:
    """Hold when the text starts with the words; of a list, with any of them."""
    wanted = phrases("starts_with", text)
    first = len(response) - len(response.lstrip())
    if any(pattern(phrase, case=case).match(response, first) for phrase in wanted):
        return Held(held=True)
    return Held(
        held=False,
        spans=_some(response, Place(first, min(len(response), first + _longest(wanted)))),
        said=_("It does not start with {words}; it must.").format(words=quoted(wanted, any_of=True)),
    )


def ends_with(response: str, /, *, text: str | list[str], case: bool = False) -> Held:
    """Hold when the text ends with the words, a closing full stop or quote aside; of a list, with any of them."""
    wanted = phrases("ends_with", text)
    if any(_ends(response, phrase, case=case) for phrase in wanted):
        return Held(held=True)
    last = len(response.rstrip())
    return Held(
        held=False,
        spans=_some(response, Place(max(0, last - _longest(wanted)), last)),
        said=_("It does not end with {words}; it must.").format(words=quoted(wanted, any_of=True)),
    )


def equals(response: str, /, *, text: str | list[str], case: bool = False) -> Held:
    """Hold when the text is the words and nothing else, the space around it aside; of a list, any of them."""
    wanted = phrases("equals", text)
    if any(pattern(phrase, case=case).fullmatch(response.strip()) for phrase in wanted):
        return Held(held=True)
    said = _("It is not {words}; it must be that and nothing else.").format(words=quoted(wanted, any_of=True))
    return Held(held=False, spans=_some(response, Place(0, len(response))), said=said)


def lowercase(text: str) -> Held:
    """Hold when the text has no capital letters."""
    places = _runs(text, lambda char: char != char.lower())
    spans = tuple(span(text, place) for place in places)
    return Held(held=not places, spans=spans, said=_("It has capital letters; it must have none.") if places else "")


def uppercase(text: str) -> Held:
    """Hold when the text has no small letters."""
    places = _runs(text, lambda char: char != char.upper())
    spans = tuple(span(text, place) for place in places)
    return Held(held=not places, spans=spans, said=_("It has small letters; it must be in capitals.") if places else "")


def phrases(name: str, words: str | list[str]) -> list[str]:
    """Return one phrase or a list of them as a list.

    Raises:
        SettingsError: there is none, or one of them is empty.
    """
    found = [words] if isinstance(words, str) else list(words)
    if not found or not all(phrase.strip() for phrase in found):
        raise SettingsError("check {check!r}: text={words!r}; expected words that are not empty", check=name, words=words)
    return found


def quoted(found: list[str], *, any_of: bool = False) -> str:
    """Return phrases in quotes, with commas or with `or` between them."""
    return (_(" or ") if any_of else ", ").join(f'"{phrase}"' for phrase in found)


def _ends(text: str, phrase: str, *, case: bool) -> bool:
    places = find(text, phrase, case=case)
    if not places:
        return False
    rest = text[places[-1].end :]
    return not rest.strip(_CLOSING if phrase.rstrip()[-1].isalnum() else None)


def _runs(text: str, wrong: Callable[[str], bool]) -> list[Place]:
    flags = [wrong(char) for char in text]
    starts = [at for at, flag in enumerate(flags) if flag and (at == 0 or not flags[at - 1])]
    ends = [at + 1 for at, flag in enumerate(flags) if flag and (at + 1 == len(flags) or not flags[at + 1])]
    return [Place(start, end) for start, end in zip(starts, ends, strict=True)]


def _some(text: str, place: Place) -> tuple[Span, ...]:
    return (span(text, place),) if place.end > place.start else ()


def _longest(wanted: list[str]) -> int:
    return max(len(phrase) for phrase in wanted)
