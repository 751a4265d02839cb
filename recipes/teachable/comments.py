"""Comments in words: an effect that is wanted, in a scope, and prompts that lie in, near and out of the scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Literal

from recipes.teachable import heldout, values
from recipes.teachable.effects import EFFECTS, LIKED, SAID_OF, WORDINGS
from recipes.teachable.words import capital
from recipes.teachable.world import GENRES, GROUPS, MANNERS, READERS, Triple, topics, training_triples

ScopeKind = Literal["this", "always", "genre", "reader", "topic", "group", "tone", "manner", "word", "pair"]
SCOPE_KINDS: tuple[ScopeKind, ...] = ("always", "genre", "reader", "topic", "group", "tone", "manner", "word", "pair")
PARTS: dict[str, tuple[str, ...]] = {
    "genre": ("genre",), "reader": ("reader",), "topic": ("topic",), "group": ("topic",), "tone": ("reader",),
    "manner": ("manner",), "word": ("manner",), "pair": ("genre", "reader"),
}  # fmt: skip
"""Which parts of a triple decide whether a scope holds."""
TRIES = 200
QUESTIONS = ("could ", "would ", "can ", "will ")
"""How a frame begins that asks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Where a comment applies: a kind, and the key of that kind's table (empty for `this` and `always`)."""

    kind: ScopeKind
    key: str = ""

    def holds(self, triple: Triple) -> bool:
        """Whether the comment applies to a prompt."""
        return self.kind in ("this", "always") or getattr(triple, _FEATURE.get(self.kind, self.kind)) == self.key

    @property
    def held_out(self) -> bool:
        """Whether no comment in training applies here."""
        return heldout.scope(self.kind, self.key)


_FEATURE = {"word": "manner"}
"""The word is the manner's own name, which every prompt of that manner contains."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """An effect with its value, in a scope."""

    effect: str
    value: str
    scope: Scope

    @property
    def held_out(self) -> bool:
        """Whether no episode may carry this."""
        return bool(self.held_axes)

    @property
    def held_axes(self) -> frozenset[str]:
        """Which of it is held out: its effect, its scope, the combination of the two, its value."""
        name, scope = self.effect, self.scope
        held = {
            "effect": heldout.effect(name),
            "scope": scope.held_out,
            "combination": heldout.combination(name, scope.kind, scope.key),
            "value": self.value != "" and values.is_held(EFFECTS[name].values, self.value),
        }
        return frozenset(axis for axis, is_held in held.items() if is_held)


def single_scopes() -> Iterator[Scope]:
    """Yield all scopes that have a key, pairs left out."""
    tables: dict[ScopeKind, tuple[str, ...]] = {
        "genre": tuple(GENRES), "reader": tuple(READERS), "topic": tuple(topics()), "group": tuple(GROUPS),
        "tone": ("formal", "close"), "manner": tuple(MANNERS), "word": tuple(MANNERS),
    }  # fmt: skip
    for kind, keys in tables.items():
        yield from (Scope(kind=kind, key=key) for key in keys)


def value_of(effect: str, rng: Random, *, text: str = "", held: bool = False) -> str:
    """Draw the value an effect asks for, from those trained on or those held out; empty where it takes none.

    A word to replace is taken from `text` where one is given; empty too where the text has none.
    """
    kind = EFFECTS[effect].values
    return values.draw(effect, kind, rng, held=held, text=text) if kind else ""


def scope_at(triple: Triple, kind: ScopeKind) -> Scope:
    """Return the scope of this kind in which a triple lies; its key is empty where there is none."""
    return Scope(kind=kind, key="" if kind in ("this", "always") else getattr(triple, _FEATURE.get(kind, kind)))


def scopes_at(triple: Triple) -> tuple[Scope, ...]:
    """Return all scopes with a key in which a triple lies."""
    found = (scope_at(triple, kind) for kind in SCOPE_KINDS if kind != "always")
    return tuple(scope for scope in found if scope.key)


def say(demand: Demand, rng: Random, *, held: bool | None = False, places: int = 0) -> str:
    """Draw the words of a comment; `held` draws wordings that are held out (None: any).

    With `places` the first so many wordings of a scope alone are drawn from.
    """
    return _framed([_wish(demand, rng, held)], demand.scope, rng, held, places)


def say_both(first: Demand, second: Demand, rng: Random, *, held: bool | None = False, places: int = 0) -> str:
    """Draw the words of one comment that asks for two effects in the scope of the first."""
    return _framed([_wish(first, rng, held), _wish(second, rng, held)], first.scope, rng, held, places)


def praise(demand: Demand, rng: Random, *, held: bool | None = False) -> str:
    """Draw a comment that likes an effect which holds, in the demand's scope."""
    liked = LIKED[demand.effect].format(value=demand.value)
    text = words("lists", "praise", rng, held).format(liked=liked, Liked=capital(liked))
    where = _where(demand.scope, rng, held)
    return _stopped(capital(f"{text}, {where}" if where else text))


def words(part: str, key: str, rng: Random, held: bool | None = False, *, most: int = 0) -> str:
    """Draw one wording of a list of wordings.yaml, of its first `most` where that is not 0."""
    return rng.choice(heldout.wordings(part, key, SAID_OF[part][key], held=held)[: most or None])


def _wish(demand: Demand, rng: Random, held: bool | None) -> str:
    wish = rng.choice(heldout.wordings("wishes", demand.effect, WORDINGS[demand.effect], held=held))
    old, _, new = demand.value.partition(">")
    return wish.format(value=demand.value, old=old, new=new)


def _framed(wishes: list[str], scope: Scope, rng: Random, held: bool | None, places: int) -> str:
    where = _where(scope, rng, held, places)
    refused = any(wish.startswith(("don't", "never")) for wish in wishes)
    frame = words("frames", "dont" if refused else "do", rng, held)
    said = frame.format(wish=" and ".join(wishes))
    if where:
        said = f"{where}, {said}" if rng.random() < 0.4 else f"{said} {where}"
    return capital(said) + "?" if frame.startswith(QUESTIONS) else _stopped(capital(said))


def _stopped(text: str) -> str:
    return text if text.endswith(('."', '!"', '?"', "P.S.")) else f"{text}."


def _where(scope: Scope, rng: Random, held: bool | None, places: int = 0) -> str:
    if scope.kind == "this":
        return ""
    key = scope.key if scope.kind == "tone" else scope.kind
    return _NAMED[scope.kind](words("places", key, rng, held, most=places), scope.key, rng)


def _pair(template: str, key: str, rng: Random) -> str:
    genre, reader = key.split("+")
    return template.format(one=GENRES[genre].one, many=GENRES[genre].many, who=READERS[reader].who)


_NAMED: dict[str, Callable[[str, str, Random], str]] = {
    "always": lambda template, key, rng: template,
    "tone": lambda template, key, rng: template,
    "genre": lambda template, key, rng: template.format(one=GENRES[key].one, many=GENRES[key].many),
    "reader": lambda template, key, rng: template.format(who=READERS[key].who),
    "topic": lambda template, key, rng: template.format(it=rng.choice(topics()[key].phrases)),
    "group": lambda template, key, rng: template.format(it=rng.choice(GROUPS[key].words)),
    "manner": lambda template, key, rng: template.format(when=rng.choice(MANNERS[key].when)),
    "word": lambda template, key, rng: template.format(word=key),
    "pair": _pair,
}


@cache
def _trained() -> frozenset[Triple]:
    return frozenset(training_triples())


def near(triple: Triple, scope: Scope, rng: Random) -> Triple:
    """Draw a training triple that differs in nothing but the scope's feature; of a pair in one half, for a group or a
    tone in what decides it."""
    parts = PARTS[scope.kind]
    for _ in range(TRIES):
        part = rng.choice(parts)
        other = triple._replace(**{part: _another(part, getattr(triple, part), rng)})
        if not scope.holds(other) and (part == "manner" or other._replace(manner="") in _trained()):
            return other
    others = [each._replace(manner=triple.manner) for each in training_triples()]
    return rng.choice([each for each in others if not scope.holds(each) and _differences(triple, each) == 1])


def out(triple: Triple, scope: Scope, rng: Random) -> Triple:
    """Draw a training triple outside the scope that shares no feature with this one."""
    found = training_triples()
    while True:
        other = rng.choice(found)
        if scope.kind not in ("manner", "word"):
            other = other._replace(manner=triple.manner)
        if not scope.holds(other) and _differences(triple, other) == 3:
            return other


def within(triple: Triple, scope: Scope, rng: Random) -> Triple:
    """Draw another training triple inside the scope, as unlike this one as the scope allows."""
    kept = PARTS[scope.kind] if scope.kind in ("genre", "reader", "topic", "pair") else ()
    for _ in range(TRIES):
        other = rng.choice(training_triples())
        other = other._replace(**{part: getattr(triple, part) for part in kept}, manner=triple.manner)
        if scope.holds(other) and other != triple and other._replace(manner="") in _trained():
            return other
    return triple


def _another(part: str, key: str, rng: Random) -> str:
    if part == "manner":
        return "" if rng.random() < 0.6 else rng.choice([each for each in MANNERS if each != key])
    table = {"genre": GENRES, "reader": READERS, "topic": topics()}[part]
    return rng.choice([each for each in table if each != key])


def _differences(one: Triple, other: Triple) -> int:
    """Count in how many of genre, reader and topic two triples differ."""
    return sum(left != right for left, right in zip(one[:3], other[:3], strict=True))
