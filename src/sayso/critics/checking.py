"""From a check's name and arguments to something that can be asked of a text, and to its repair.

A wrong name or argument is said when a check is loaded, before anything runs. A check from outside is any
`module:function` that takes a text and named arguments and returns a `Held`, or plain true or false; a repair of its own
is the function's attribute `repair`, which takes the same arguments and returns a text or None.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

from sayso import registry
from sayso.critics import CHECKS
from sayso.critics.parts import Held, is_sound
from sayso.errors import SettingsError
from sayso.i18n import gettext as _
from sayso.records import Check

REPAIRS = {
    "contains": "sayso.critics.word_repairs:contains",
    "excludes": "sayso.critics.word_repairs:excludes",
    "equals": "sayso.critics.word_repairs:equals",
    "starts_with": "sayso.critics.word_repairs:starts_with",
    "ends_with": "sayso.critics.word_repairs:ends_with",
    "lowercase": "sayso.critics.word_repairs:lowercase",
    "uppercase": "sayso.critics.word_repairs:uppercase",
    "max_words": "sayso.critics.form_repairs:max_words",
    "max_sentences": "sayso.critics.form_repairs:max_sentences",
    "max_chars": "sayso.critics.form_repairs:max_chars",
    "no_emoji": "sayso.critics.form_repairs:no_emoji",
    "has_emoji": "sayso.critics.form_repairs:has_emoji",
    "ends_with_question": "sayso.critics.form_repairs:ends_with_question",
    "is_question": "sayso.critics.form_repairs:is_question",
    "not_question": "sayso.critics.form_repairs:not_question",
    "bullets": "sayso.critics.form_repairs:bullets",
    "no_bullets": "sayso.critics.form_repairs:no_bullets",
    "all_of": "sayso.critics.form_repairs:all_of",
    "any_of": "sayso.critics.form_repairs:any_of",
}
BoundCheck = Callable[[str], Held]
Repair = Callable[[str], str | None]


def load_check(check: Check) -> BoundCheck:
    """Return the check as a function of a text; what it needs is verified first.

    Raises:
        NotFoundError: no check has this name.
        SettingsError: an argument is unknown, missing or of the wrong kind.
    """
    bound = bind(check)
    if check.name in CHECKS:
        bound("")  # a wrong value (an empty word, a broken pattern) is found here and not in the middle of a run
    return bound


def bind(check: Check) -> BoundCheck:
    """Return the check as a function of a text, the kinds of its arguments verified and its values not yet."""
    function = registry.load(CHECKS, check.name, kind="check")
    _verify(check, function)
    if check.name in CHECKS:
        return functools.partial(function, **check.args)
    return functools.partial(_as_held, function, check)


def repair_of(check: Check) -> Repair | None:
    """Return what repairs a text that fails the check, or None when the check has no repair.

    The repair returns a text unchanged when the check holds, and None when it has no good answer: what it
    returns passes the check and has at least one letter.
    """
    bound = load_check(check)
    if check.name in CHECKS:
        function = registry.load(REPAIRS, check.name, kind="repair") if check.name in REPAIRS else None
    else:
        function = getattr(registry.load(CHECKS, check.name, kind="check"), "repair", None)
    if function is None:
        return None
    return functools.partial(_repaired, bound, functools.partial(function, **check.args))


def _repaired(bound: BoundCheck, repair: Repair, text: str) -> str | None:
    if bound(text).held:
        return text
    better = repair(text)
    return better if better is not None and is_sound(better) and bound(better).held else None


def _as_held(function: Callable[..., Held | bool], check: Check, text: str) -> Held:
    result = function(text, **check.args)
    if isinstance(result, Held):
        return result
    if not isinstance(result, bool):
        raise SettingsError(
            "check {check!r} returned {result!r}; expected true, false or a Held", check=check.name, result=result
        )
    return Held(held=result, said="" if result else _("It does not pass the check {name}.").format(name=check.name))


def _verify(check: Check, function: Callable[..., Any]) -> None:
    if not callable(function):
        raise SettingsError("check {check!r} is not a function; expected one that takes a text", check=check.name)
    known = dict(list(inspect.signature(function).parameters.items())[1:])
    if any(item.kind is inspect.Parameter.VAR_KEYWORD for item in known.values()):
        return
    for key, value in check.args.items():
        if key not in known:
            raise _unknown_key(check, key, list(known))
        hint = get_type_hints(function).get(key, Any)
        if not fits(value, hint):
            raise SettingsError(
                "check {check!r}: {key}={value!r}; expected {expected}",
                check=check.name, key=key, value=value, expected=in_words(hint),
            )  # fmt: skip
    missing = [key for key, item in known.items() if item.default is inspect.Parameter.empty and key not in check.args]
    if missing:
        raise SettingsError(
            "check {check!r} lacks {missing}; expected {expected}",
            check=check.name, missing=", ".join(missing), expected=_expected(known),
        )  # fmt: skip


def _unknown_key(check: Check, key: str, known: list[str]) -> SettingsError:
    near = difflib.get_close_matches(key, known, n=1)
    if near:
        return SettingsError(
            "check {check!r}: unknown argument {key!r}; did you mean {near!r}? Expected: {known}",
            check=check.name, key=key, near=near[0], known=", ".join(known),
        )  # fmt: skip
    if not known:
        return SettingsError("check {check!r}: unknown argument {key!r}; it takes none", check=check.name, key=key)
    return SettingsError(
        "check {check!r}: unknown argument {key!r}; expected one of {known}",
        check=check.name, key=key, known=", ".join(known),
    )  # fmt: skip


def _expected(known: Mapping[str, inspect.Parameter]) -> str:
    return ", ".join(key if item.default is inspect.Parameter.empty else f"{key} (optional)" for key, item in known.items())


def fits(value: Any, hint: Any) -> bool:
    """Say whether a plain JSON value is of the kind that an argument's annotation asks for."""
    origin = get_origin(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in get_args(hint))
    if origin is list:
        return isinstance(value, list | tuple) and all(fits(item, get_args(hint)[0]) for item in value)
    if origin is dict:
        return isinstance(value, Mapping)
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    return isinstance(value, hint) if isinstance(hint, type) else True


def in_words(hint: Any) -> str:
    """Return the kind of value an annotation asks for, in words."""
    if get_origin(hint) in (Union, types.UnionType):
        return _(" or ").join(in_words(one) for one in get_args(hint) if one is not type(None))
    if get_origin(hint) is list:
        return _("a list of {items}").format(items=in_words(get_args(hint)[0]))
    if get_origin(hint) is dict or hint is dict:
        return _("an object")
    return {str: _("text"), int: _("a whole number"), float: _("a number"), bool: _("true or false")}.get(hint, str(hint))
