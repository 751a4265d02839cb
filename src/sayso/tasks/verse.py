"""The form of Chinese poems: how many lines of how many characters, and whether their ends rhyme.

Rhymes are those of today's Mandarin in the fourteen groups of the New Chinese Rhymes (中华新韵, 2005), tones aside. Poems of
the Tang follow the sounds of their own time, so that not all of them rhyme here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sayso.tasks.wording import CJK
from sayso.text.files import opening

FORMS = {(4, 5): "五言绝句", (4, 7): "七言绝句", (8, 5): "五言律诗", (8, 7): "七言律诗"}
"""Lines, and characters of each: what such a poem is called."""
_CUT = re.compile(r"[，。！？；、：,.!?;:\s]+")
_ONLY = re.compile(rf"[{CJK}]+")
_GROUPS = (
    "a ia ua", "o e uo", "ie ve", "ai uai", "ei uei", "ao iao", "ou iou", "an ian uan van", "en in uen vn",
    "ang iang uang", "eng ing ueng ong iong", "i v er", "-i", "u",
)  # fmt: skip
_GROUP = {final: number for number, finals in enumerate(_GROUPS) for final in finals.split()}


def lines(text: str) -> list[str]:
    """Return the lines of a poem: what stands between marks, spaces and line breaks."""
    return [piece for piece in _CUT.split(text.strip()) if piece]


def form_of(text: str) -> tuple[int, int] | None:
    """Return how many lines a poem has, of how many characters each; None where they differ or are not Chinese."""
    found = lines(text)
    sizes = {len(line) for line in found}
    if len(sizes) != 1 or not all(_ONLY.fullmatch(line) for line in found):
        return None
    return len(found), sizes.pop()


def rhyme_groups(character: str) -> frozenset[int]:
    """Return the rhyme groups of a character, one for each way it is read; nothing where it is not known.

    Raises:
        MissingExtraError: pypinyin is not installed.
    """
    library = _pypinyin()
    strict = {"strict": True, "heteronym": True, "errors": "ignore"}
    finals = library.pinyin(character, style=library.Style.FINALS, **strict)
    initials = library.pinyin(character, style=library.Style.INITIALS, **strict)
    hissed = bool(initials) and any(one in ("z", "c", "s", "zh", "ch", "sh", "r") for one in initials[0])
    found = (("-i" if final == "i" and hissed else final.replace("ü", "v")) for final in (finals[0] if finals else ()))
    return frozenset(_GROUP[final] for final in found if final in _GROUP)


def rhymes(text: str) -> bool:
    """Whether the ends of the even lines rhyme with each other, all in one group.

    Raises:
        MissingExtraError: pypinyin is not installed.
    """
    ends = [line[-1] for line in lines(text)[1::2]]
    if len(ends) < 2 or len(set(ends)) < len(ends):
        return False
    return bool(frozenset.intersection(*map(rhyme_groups, ends)))


def written(found: Sequence[str]) -> str:
    """Return the lines of a poem as they are printed: two to a row, a comma between them and a full stop behind."""
    pairs = [found[at : at + 2] for at in range(0, len(found), 2)]
    return "\n".join("，".join(pair) + "。" for pair in pairs)


@lru_cache(maxsize=1)
def _pypinyin() -> Any:
    return opening.extra("pypinyin", "rhymes of Chinese need the package pypinyin: pip install 'sayso[zh]'")
