"""Checks on the form of Chinese poems: lines, characters, rhyme.

What counts as a line and what rhymes: `sayso.tasks.verse`.
"""

from __future__ import annotations

from sayso.critics.parts import Held
from sayso.errors import SettingsError
from sayso.i18n import gettext as _
from sayso.tasks import verse as poems


def verse(text: str, *, lines: int, characters: int) -> Held:
    """Hold when the text is a poem of `lines` lines of `characters` Chinese characters each."""
    for key, value in (("lines", lines), ("characters", characters)):
        if value < 1:
            raise SettingsError("check {check!r}: {key}={value!r}; expected 1 or more", check="verse", key=key, value=value)
    found = poems.lines(text)
    if poems.form_of(text) == (lines, characters):
        return Held(held=True)
    if len(found) != lines:
        said = _("It has {count} lines; {n} are wanted.").format(count=len(found), n=lines)
        return Held(held=False, said=said)
    wrong = next(line for line in found if poems.form_of(line) != (1, characters))
    said = _("The line “{line}” is not of {n} Chinese characters.").format(line=wrong, n=characters)
    return Held(held=False, said=said)


def rhymes(text: str) -> Held:
    """Hold when the ends of the even lines of a Chinese poem rhyme in today's Mandarin, tones aside."""
    if poems.rhymes(text):
        return Held(held=True)
    ends = "、".join(line[-1] for line in poems.lines(text)[1::2])
    if not ends:
        return Held(held=False, said=_("It has no two lines that could rhyme."))
    return Held(held=False, said=_("The ends of the even lines do not rhyme: {ends}.").format(ends=ends))
