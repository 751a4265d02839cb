"""What a message may be, to whom, and about what: genres, readers and topics, with how each is named."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

Mood = Literal["glad", "plain", "grave"]
HELD_OUT = 0.08
"""The share of (genre, reader, topic) triples that are never trained on."""


class Triple(NamedTuple):
    """What a prompt asks for, as keys of the three tables."""

    genre: str
    reader: str
    topic: str

    @property
    def family(self) -> str:
        """The name of the prompts that ask for this, in all wordings."""
        return "/".join(self)


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


def _tables() -> tuple[dict[str, Genre], dict[str, Reader]]:
    found = yaml.safe_load((Path(__file__).parent / "world.yaml").read_text(encoding="utf-8"))
    genres = {key: Genre(**_frozen(fields)) for key, fields in found["genres"].items()}
    return genres, {key: Reader(**_frozen(fields)) for key, fields in found["readers"].items()}


def _frozen(fields: dict[str, Any]) -> dict[str, Any]:
    """YAML gives lists; records hold tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


GENRES, READERS = _tables()


@cache
def topics() -> dict[str, Topic]:
    """Return the topics, read from the three files beside this one."""
    found: dict[str, Topic] = {}
    for name in ("home", "work", "town"):
        text = (Path(__file__).parent / "topics" / f"{name}.yaml").read_text(encoding="utf-8")
        found |= {key: Topic(**_frozen(fields)) for key, fields in yaml.safe_load(text).items()}
    return found


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
