"""Comments in words: an effect that is wanted, in a scope, and prompts that lie in, near and out of the scope."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from recipes.teachable.effects import EFFECTS, VALUES, WORDINGS
from recipes.teachable.words import capital
from recipes.teachable.world import GENRES, READERS, Triple, share, topics, training_triples

ScopeKind = Literal["this", "always", "genre", "reader", "topic"]
SCOPE_KINDS: tuple[ScopeKind, ...] = ("always", "genre", "reader", "topic")
SCOPES = {
    "always": ("always", "from now on", "in everything you write", "in every message"),
    "genre": ("in {many}", "in {one}", "for {many}", "when you write {one}", "whenever I ask for {one}"),
    "reader": ("when you write to {who}", "to {who}", "for {who}", "in anything for {who}", "if the reader is {who}"),
    "topic": ("when it is about {it}", "about {it}", "in messages about {it}", "whenever you write about {it}"),
}
HELD_OUT = 0.1
"""The share of (scope, effect) pairs that no episode carries."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Where a comment applies: a kind, and the key of that kind's table (empty for `this` and `always`)."""

    kind: ScopeKind
    key: str = ""

    def holds(self, triple: Triple) -> bool:
        """Whether the comment applies to a prompt."""
        return self.kind in ("this", "always") or getattr(triple, self.kind) == self.key


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """An effect with its value, in a scope."""

    effect: str
    value: str
    scope: Scope

    @property
    def held_out(self) -> bool:
        """Whether no episode may carry this effect in this scope."""
        return self.scope.key != "" and share("combination", self.effect, self.scope.kind, self.scope.key) < HELD_OUT


def value_of(effect: str, rng: Random) -> str:
    """Draw the value an effect asks for; empty where it takes none."""
    values = EFFECTS[effect].values
    return rng.choice(VALUES[values]) if values else ""


def scope_at(triple: Triple, kind: ScopeKind) -> Scope:
    """Return the scope of this kind in which a triple lies."""
    return Scope(kind=kind, key=getattr(triple, kind) if kind in triple._fields else "")


def say(demand: Demand, rng: Random) -> str:
    """Draw the words of a comment."""
    wish = rng.choice(WORDINGS[demand.effect]).format(value=demand.value)
    where = _where(demand.scope, rng)
    if not where:
        return capital(rng.choice((wish, f"please {wish}"))) + _stop(wish)
    if rng.random() < 0.35:
        return f"{capital(where)}, {wish}{_stop(wish)}"
    return capital(rng.choice((f"{wish} {where}", f"{wish} {where}", f"please {wish} {where}"))) + "."


def _where(scope: Scope, rng: Random) -> str:
    if scope.kind == "this":
        return ""
    words = {"genre": GENRES, "reader": READERS, "topic": topics()}.get(scope.kind, {})
    thing = words.get(scope.key)  # type: ignore[attr-defined]
    template = rng.choice(SCOPES[scope.kind])
    if scope.kind == "genre":
        return template.format(one=thing.one, many=thing.many)
    if scope.kind == "reader":
        return template.format(who=thing.who)
    return template.format(it=rng.choice(thing.phrases)) if scope.kind == "topic" else template


def _stop(wish: str) -> str:
    return "" if wish.endswith('."') else "."


def near(triple: Triple, scope: Scope, rng: Random) -> Triple:
    """Draw a training triple that differs in nothing but the scope's feature."""
    others = [other for other in training_triples() if not scope.holds(other) and _differences(triple, other) == 1]
    return rng.choice(others)


def out(triple: Triple, scope: Scope, rng: Random) -> Triple:
    """Draw a training triple outside the scope that shares no feature with this one."""
    while True:
        other = rng.choice(training_triples())
        if not scope.holds(other) and _differences(triple, other) == 3:
            return other


def _differences(one: Triple, other: Triple) -> int:
    return sum(left != right for left, right in zip(one, other, strict=True))
