"""What a message may be, to whom, and about what: genres, readers and topics, with how each is named."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

Mood = Literal["glad", "plain", "grave"]
FORMAL, CLOSE = 0.25, 0.85
"""Up to which nearness a reader is formal, and from which on close."""
HELD_OUT = 0.08
"""The share of (genre, reader, topic) triples that are never trained on."""


class Triple(NamedTuple):
    """What a prompt asks for, as keys of the tables; a manner is what it says beside (that it is urgent), or nothing."""

    genre: str
    reader: str
    topic: str
    manner: str = ""

    @property
    def family(self) -> str:
        """The name of the prompts that ask for this, in all wordings and manners."""
        return f"{self.genre}/{self.reader}/{self.topic}"

    @property
    def group(self) -> str:
        """The group its topic belongs to; empty where it belongs to none."""
        return group_of().get(self.topic, "")

    @property
    def tone(self) -> str:
        """How one writes to its reader: formal, close, or empty for neither."""
        near = READERS[self.reader].near
        return "formal" if near <= FORMAL else "close" if near >= CLOSE else ""

    @property
    def pair(self) -> str:
        """Its genre and its reader at once."""
        return f"{self.genre}+{self.reader}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Genre:
    """A kind of message: its names, and how often it has which feature (shares from 0 to 1)."""

    one: str
    many: str
    to: str
    greeting: float
    sign_off: float
    subject: float = 0.0
    emoji: float
    cheer: float
    """Exclamation marks."""
    bullets: float = 0.0
    sorry: float = 0.1
    thanks: float = 0.15
    please: float = 0.2
    question: float = 0.45
    facts: tuple[int, int]
    """The least and the greatest number of facts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Somebody one writes to. `near` is 0 for the most formal and 1 for the dearest."""

    who: str
    names: tuple[str, ...]
    near: float
    asides: tuple[str, ...]
    """Sentences one would say to this reader only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Topics that belong together, and how they are called together."""

    words: tuple[str, ...]
    topics: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """Something a prompt may say beside genre, reader and topic: how it says it, and how one speaks of such prompts."""

    when: tuple[str, ...]
    asks: tuple[str, ...]
    brief: bool = False
    """Whether it makes the response short."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """What a message is about: how it is called, and what may be said of it."""

    phrases: tuple[str, ...]
    subject: str
    mood: Mood
    emoji: str
    facts: tuple[str, ...]
    questions: tuple[str, ...]
    asks: tuple[str, ...]
    thanks: tuple[str, ...]
    sorry: str
    story: tuple[str, ...]


def _read(name: str) -> Any:
    return yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))


def _frozen(fields: dict[str, Any]) -> dict[str, Any]:
    """YAML gives lists; records hold tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


_WORLD = _read("world.yaml")
GENRES = {key: Genre(**_frozen(fields)) for key, fields in _WORLD["genres"].items()}
READERS = {key: Reader(**_frozen(fields)) for key, fields in _WORLD["readers"].items()}
GROUPS = {key: Group(**_frozen(fields)) for key, fields in _WORLD["groups"].items()}
MANNERS = {key: Manner(**_frozen(fields)) for key, fields in _WORLD["manners"].items()}


@cache
def topics() -> dict[str, Topic]:
    """Return the topics, read from the files beside this one."""
    found: dict[str, Topic] = {}
    for name in ("home", "work", "town", "people"):
        found |= {key: Topic(**_frozen(fields)) for key, fields in _read(f"topics/{name}.yaml").items()}
    return found


@cache
def group_of() -> dict[str, str]:
    """Return the group of every topic that has one."""
    return {topic: key for key, group in GROUPS.items() for topic in group.topics}


@cache
def triples() -> tuple[Triple, ...]:
    """Return all triples, in the order of the tables."""
    return tuple(Triple(genre, reader, topic) for genre in GENRES for reader in READERS for topic in topics())


def held_out(triple: Triple) -> bool:
    """Whether a triple is kept for testing; decided by its name alone, so that it never changes."""
    return share("triple", triple.family) < HELD_OUT


@cache
def training_triples() -> tuple[Triple, ...]:
    """Return the triples that may be trained on."""
    return tuple(triple for triple in triples() if not held_out(triple))


@cache
def test_triples() -> tuple[Triple, ...]:
    """Return the triples that are kept for testing."""
    return tuple(triple for triple in triples() if held_out(triple))


def share(*names: str) -> float:
    """Return a number from 0 to 1 that depends on the names only."""
    return int(hashlib.sha256("|".join(names).encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
