"""The values that some comments carry: names, phrases put together from two words, hours, pictures, and words to replace."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import yaml
from recipes.teachable import heldout
from recipes.teachable.words import DAYS, NAMES, capital

_LISTS: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "wordings.yaml").read_text(encoding="utf-8"))["values"]
OTHER_WORDS = {
    "big": "large", "small": "little", "children": "kids", "people": "folks", "shop": "store", "street": "road",
    "road": "street", "warm": "cosy", "cold": "chilly", "nobody": "no one", "everyone": "everybody", "someone": "somebody",
    "garden": "yard", "town": "city", "starts": "begins", "fix": "repair", "closed": "shut", "hall": "corridor",
    "cups": "mugs", "coat": "jacket", "box": "crate", "boxes": "crates", "lovely": "nice", "wonderful": "great",
    "tiny": "little", "loud": "noisy", "fast": "quick", "ill": "sick", "song": "tune", "songs": "tunes", "tickets": "passes",
    "ticket": "pass", "forest": "woods", "river": "stream", "sea": "ocean", "meeting": "session", "report": "paper",
    "lunch": "meal", "exam": "test", "concert": "show", "trip": "tour", "parcel": "package", "holiday": "vacation",
    "bicycle": "bike", "party": "feast", "match": "game", "market": "fair", "race": "run", "dog": "hound", "cat": "kitty",
    "dinner": "supper", "flight": "journey", "suitcase": "bag", "printer": "machine", "bill": "invoice", "sofa": "couch",
    "storm": "gale", "photos": "pictures", "pictures": "photos", "gift": "present", "phone": "mobile", "film": "movie",
    "room": "place", "buy": "get", "call": "ring", "house": "home", "boss": "chief", "glad": "happy",
    "beautiful": "pretty", "noise": "din", "bread": "loaf", "job": "post", "car": "van",
    "door": "gate", "gate": "door", "minutes": "moments", "enough": "plenty", "together": "as one",
}  # fmt: skip
"""What to write for a word that shall not be used."""
THINGS: list[str] = _LISTS["things"]
SINGLE: dict[str, Sequence[str]] = {
    "name": NAMES, "end": _LISTS["end"], "start": _LISTS["start"], "sign_off": _LISTS["sign_off"],
    "picture": tuple(_LISTS["pictures"]), "hour": [f"{day}{hour}" for day in DAYS for hour in sorted(set(_LISTS["hours"]))],
    "word": tuple(OTHER_WORDS),
}  # fmt: skip
PAIRS: dict[str, tuple[list[str], list[str]]] = {
    "wish": (_LISTS["moods"], _LISTS["wishes"]),
    "hello": (_LISTS["weathers"], _LISTS["hellos"]),
    "pet": (_LISTS["natures"], _LISTS["pets"]),
    "thing": (_LISTS["looks"], THINGS),
}
"""Phrases of two words."""
SHAPES = {
    "end_with": (
        "I wish you {}.",
        "{C} to you.",
        "{C} to you all!",
        "I think of {}.",
        "This was about {}.",
        "Until then, {}.",
    ),
    "start_with": ("{C}:", "{C}:", "About {}:", "Of {}:"),
    "sign_with": ("{C}", "{C}", "{C}", "With {}"),
    "greet_with": ("{C}",),
    "hashtag": ("#{J}",),
}
"""How a phrase becomes the value of an effect."""
SIMPLE = 0.2
"""How often a value comes from a list of usual ones where there is one."""
WORD = re.compile(r"[A-Za-z]+|\d+")


def draw(effect: str, kind: str, rng: Random, *, held: bool = False, text: str = "") -> str:
    """Draw a value of a kind for an effect, from those that are held out or from those that are trained on.

    `text` is the response that a word to replace is taken from; without it any word is.
    """
    if kind == "swap":
        return _swap(rng, text, held=held)
    if kind in ("end", "start", "sign_off"):
        kind = kind if rng.random() < SIMPLE else "wish"
    if kind == "pet" and rng.random() < 0.4:
        kind = "name"
    if kind == "word" and text:
        here = [word for word in _words(text) if word in OTHER_WORDS and heldout.value("word", word) == held]
        return rng.choice(here) if here else ""
    item = _item(kind, rng, held=held)
    shapes = SHAPES.get(effect)
    if not shapes or kind not in PAIRS:
        return item
    joined = "".join(map(capital, item.split()))
    return rng.choice(shapes).format(item, C=capital(item), J=joined)


def is_held(kind: str, said: str) -> bool:
    """Whether a value, as a comment says it, is one that is held out."""
    words = said.replace("#", " ").split()
    plain = [word.strip('.,:!?"').lower() for word in words]
    pairs = [f"{first} {second}" for first, second in pairwise(plain)]
    kinds = {"end": ("end", "wish"), "start": ("start", "wish"), "sign_off": ("sign_off", "wish"), "pet": ("pet", "name"),
             "swap": ()}.get(kind, (kind,))  # fmt: skip
    for each in kinds:
        if heldout.value(each, said):
            return True
        if each in PAIRS and any(_held_pair(each, pair) for pair in pairs):
            return True
    if kind == "swap":
        old, _, new = said.partition(">")
        return any(heldout.value(each, part) for each in ("name", "word") for part in (old, new)) or new in _held_things()
    return False


def _held_pair(kind: str, pair: str) -> bool:
    first, _, second = pair.partition(" ")
    return heldout.value(kind, pair) or heldout.value(kind, f"{first} {capital(second)}")


def _held_things() -> frozenset[str]:
    return frozenset(thing for number, thing in enumerate(THINGS) if number % 5 == 0)


def _item(kind: str, rng: Random, *, held: bool) -> str:
    while True:
        item = " ".join(map(rng.choice, PAIRS[kind])) if kind in PAIRS else rng.choice(SINGLE[kind])
        if heldout.value(kind, item) == held:
            return item


def _swap(rng: Random, text: str, *, held: bool) -> str:
    """Draw `old>new` for a word of the text: a name, a day, a number, or a word that has another."""
    found = [word for word in dict.fromkeys(WORD.findall(text)) if _others(word)]
    rng.shuffle(found)
    for old in found:
        new = rng.choice(_others(old))
        if new != old and not re.search(rf"\b{new}\b", text, re.IGNORECASE) and is_held("swap", f"{old}>{new}") == held:
            return f"{old}>{new}"
    return ""


def _others(word: str) -> Sequence[str]:
    if word.isdigit():
        return tuple(str(number) for number in range(2, 20) if int(word) < 20) or ("30", "40", "50", "60", "70", "80", "90")
    for same in (DAYS, NAMES, THINGS):
        if word in same:
            return same
    return (OTHER_WORDS[word],) if word in OTHER_WORDS else ()


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(word.lower() for word in WORD.findall(text)))
