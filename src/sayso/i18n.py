"""The user's language: English in the code, other languages from the catalogues in `locale/`."""

from __future__ import annotations

import gettext as _stdlib
import os
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from sayso.errors import SaysoError

LANGUAGES = ("en", "zh")
LOCALE = Path(__file__).parent / "locale"
_chosen: ContextVar[str | None] = ContextVar("language", default=None)


def use(language: str | None) -> None:
    """Speak `language` (`en` or `zh`) from here on; None asks the environment again."""
    _chosen.set(language)


def language() -> str:
    """Return the language in use: the chosen one, else SAYSO_LANG, LC_ALL, LC_MESSAGES or LANG, else English."""
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    named = (os.environ.get(name, "") for name in ("SAYSO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"))
    first = next((value for value in named if value), "en")
    return "zh" if first.lower().startswith("zh") else "en"


def gettext(message: str) -> str:
    """Return `message` in the user's language; the English text is the key."""
    return _catalogue(language()).gettext(message)


def say(error: SaysoError) -> str:
    """Return an error's sentence in the user's language."""
    sentence = gettext(error.template)
    return sentence.format(**error.fields) if error.fields else sentence


@cache
def _catalogue(name: str) -> _stdlib.NullTranslations:
    return _stdlib.translation("sayso", LOCALE, languages=[name], fallback=True)
