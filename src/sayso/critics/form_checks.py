"""Checks on form: how long a text is, whether it asks, shows emoji, is a list or is JSON; and checks made of checks.

What counts as a word, a sentence, a question or an emoji: `sayso.critics.parts`.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from sayso.critics.checking import BoundCheck, bind
from sayso.critics.parts import Held, Place, emoji, list_marks, questions, sentences, span, words
from sayso.errors import SettingsError
from sayso.i18n import gettext as _
from sayso.records import Check


def max_words(text: str, *, n: int) -> Held:
    """Hold when the text has at most `n` words; a Chinese character is one word."""
    return _at_most(text, words(text), _count("max_words", n), _("It has {count} words; at most {n} are wanted."))


def min_words(text: str, *, n: int) -> Held:
    """Hold when the text has at least `n` words; a Chinese character is one word."""
    return _at_least(len(words(text)), _count("min_words", n), _("It has {count} words; at least {n} are wanted."))


def max_sentences(text: str, *, n: int) -> Held:
    """Hold when the text has at most `n` sentences; a line by itself is one."""
    said = _("It has {count} sentences; at most {n} are wanted.")
    return _at_most(text, sentences(text), _count("max_sentences", n), said)


def min_sentences(text: str, *, n: int) -> Held:
    """Hold when the text has at least `n` sentences; a line by itself is one."""
    said = _("It has {count} sentences; at least {n} are wanted.")
    return _at_least(len(sentences(text)), _count("min_sentences", n), said)


def max_chars(text: str, *, n: int) -> Held:
    """Hold when the text has at most `n` characters, spaces counted, those around it not."""
    size, start = len(text.strip()), len(text) - len(text.lstrip())
    if size <= _count("max_chars", n):
        return Held(held=True)
    said = _("It has {count} characters; at most {n} are wanted.").format(count=size, n=n)
    return Held(held=False, spans=(span(text, Place(start + n, start + size)),), said=said)


def no_emoji(text: str) -> Held:
    """Hold when the text has no emoji."""
    return _none_of(text, emoji(text), _("It has emoji; it must have none."))


def has_emoji(text: str) -> Held:
    """Hold when the text has an emoji."""
    return Held(held=True) if emoji(text) else Held(held=False, said=_("It has no emoji; it must have one."))


def is_question(text: str) -> Held:
    """Hold when the text asks something: a question mark stands somewhere in it."""
    return Held(held=True) if questions(text) else Held(held=False, said=_("It asks no question; it must ask one."))


def ends_with_question(text: str) -> Held:
    """Hold when the last sentence of the text is a question."""
    asked, told = questions(text), sentences(text)
    if asked and told and asked[-1].start >= told[-1].start:
        return Held(held=True)
    spans = (span(text, told[-1]),) if told else ()
    return Held(held=False, spans=spans, said=_("It does not end with a question; it must."))


def not_question(text: str) -> Held:
    """Hold when the text asks nothing: no question mark outside an address on the web."""
    marks = questions(text)
    starts = [mark.start for mark in marks]
    asking = [place for place in sentences(text) if bisect_left(starts, place.start) < bisect_left(starts, place.end)]
    return _none_of(text, asking if asking else marks, _("It asks a question; it must not."))


def bullets(text: str, *, n: int = 2) -> Held:
    """Hold when the text has at least `n` list lines: `- `, `* `, `• ` or `1. ` and words."""
    said = _("It has {count} list lines; at least {n} are wanted.")
    return _at_least(len(list_marks(text)), _count("bullets", n), said)


def no_bullets(text: str) -> Held:
    """Hold when no line of the text is a list line."""
    return _none_of(text, list_marks(text), _("It has list lines; it must be written in sentences."))


def json_valid(text: str, *, keys: list[str] | None = None) -> Held:
    """Hold when the text, and nothing around it, is JSON; with `keys`, an object that has them."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        return Held(held=False, said=_("It is JSON nested too deeply to be read."))
    except ValueError as error:
        return Held(held=False, said=_("It is not JSON ({reason}); it must be JSON and nothing else.").format(reason=error))
    missing = [key for key in keys or [] if not isinstance(value, dict) or key not in value]
    if not missing:
        return Held(held=True)
    listed = ", ".join(repr(key) for key in missing)
    return Held(held=False, said=_("Its JSON has no {keys}; it must be an object that has them.").format(keys=listed))


def all_of(text: str, *, checks: list[dict[str, Any]]) -> Held:
    """Hold when every one of the checks holds; each is `{"name": ..., "args": {...}}`."""
    failed = [held for held in (each(text) for each in _bound("all_of", checks)) if not held.held]
    spans = tuple(dict.fromkeys(one for held in failed for one in held.spans))
    return Held(held=not failed, spans=spans, said=" ".join(held.said for held in failed))


def any_of(text: str, *, checks: list[dict[str, Any]]) -> Held:
    """Hold when at least one of the checks holds; each is `{"name": ..., "args": {...}}`."""
    results = [each(text) for each in _bound("any_of", checks)]
    if any(held.held for held in results):
        return Held(held=True)
    spans = tuple(dict.fromkeys(one for held in results for one in held.spans))
    said = _("One of these must be put right: {said}").format(said=" / ".join(held.said for held in results))
    return Held(held=False, spans=spans, said=said)


def members(name: str, checks: list[dict[str, Any]]) -> list[Check]:
    """Return the checks that a check is made of.

    Raises:
        SettingsError: there is none, or one is not `{"name": ..., "args": {...}}`.
    """
    if not checks:
        raise SettingsError(
            "check {check!r}: checks is empty; expected one {{'name': ..., 'args': ...}} or more", check=name
        )
    for item in checks:
        is_named = isinstance(item.get("name"), str) and isinstance(item.get("args", {}), Mapping)
        if not is_named or set(item) - {"name", "args"}:
            raise SettingsError(
                "check {check!r}: found {found!r} among its checks; expected {{'name': ..., 'args': {{...}}}}",
                check=name,
                found=item,
            )
    return [Check(name=item["name"], args=item.get("args", {})) for item in checks]


def _bound(name: str, checks: list[dict[str, Any]]) -> list[BoundCheck]:
    return [bind(check) for check in members(name, checks)]


def _at_most(text: str, places: list[Place], n: int, said: str) -> Held:
    if len(places) <= n:
        return Held(held=True)
    over = Place(places[n].start, places[-1].end)
    return Held(held=False, spans=(span(text, over),), said=said.format(count=len(places), n=n))


def _at_least(count: int, n: int, said: str) -> Held:
    return Held(held=True) if count >= n else Held(held=False, said=said.format(count=count, n=n))


def _none_of(text: str, places: list[Place], said: str) -> Held:
    return Held(held=not places, spans=tuple(span(text, place) for place in places), said=said if places else "")


def _count(name: str, n: int) -> int:
    if n < 1:
        raise SettingsError("check {check!r}: n={n!r}; expected a whole number from 1", check=name, n=n)
    return n


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
