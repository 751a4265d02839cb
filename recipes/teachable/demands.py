"""What a comment asks for is drawn: an effect, its value, and a scope in which a prompt lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from random import Random

from recipes.teachable.comments import Demand, Scope, scopes_at, value_of
from recipes.teachable.compose import compose
from recipes.teachable.effects import EFFECTS, LIKED, TRAINED, VALUED, body_lines, holds
from recipes.teachable.plan import render
from recipes.teachable.world import Triple, training_triples

VALUES = 0.33
"""How often a comment carries a value."""
KINDS = {
    "genre": 0.24,
    "reader": 0.24,
    "topic": 0.13,
    "group": 0.12,
    "tone": 0.07,
    "pair": 0.1,
    "manner": 0.25,
    "word": 0.15,
}
"""How often a scope is of which kind, among those that a triple lies in."""
ALWAYS = 0.06
THIS = 0.4
"""How often a comment on a response says nothing of where it applies."""


def standing(triple: Triple, rng: Random, *, always: bool = True, kinds: Mapping[str, float] = KINDS) -> Demand:
    """Draw what a comment may ask for that applies to a triple, whatever will be written, in scopes of these kinds."""
    while True:
        scope = Scope(kind="always") if always and rng.random() < ALWAYS else _scope(triple, rng, kinds)
        names = [name for name in TRAINED if EFFECTS[name].standing and triple.genre not in EFFECTS[name].not_for]
        demand = valued(_by_share(names, rng, _rates()), scope, rng)
        if demand and not demand.held_out:
            return demand


def violated(triple: Triple, text: str, rng: Random, *, this: bool = True) -> Demand:
    """Draw a demand that a text does not meet; seldom violated ones as often as others."""
    names = [name for name in TRAINED if (this or EFFECTS[name].standing) and triple.genre not in EFFECTS[name].not_for]
    open_to = [name for name in names if name in VALUED or not holds(name, "", text)]
    weights = {name: 1 / max(rate, 0.06) for name, rate in _rates().items()}
    while True:
        name = _by_share(open_to, rng, weights)
        here = this and (rng.random() < THIS or not EFFECTS[name].standing)
        scope = Scope(kind="this") if here else Scope(kind="always") if rng.random() < ALWAYS else _scope(triple, rng)
        demand = valued(name, scope, rng, text)
        if demand and not demand.held_out and not holds(name, demand.value, text):
            return demand


@cache
def _rates() -> Mapping[str, float]:
    """Return how often each effect is violated by what somebody would write."""
    rng = Random(0)
    texts = [(triple, render(compose(triple, rng))) for triple in rng.sample(training_triples(), 500)]
    return {
        name: sum(triple.genre not in effect.not_for and not holds(name, "", text) for triple, text in texts) / len(texts)
        for name, effect in EFFECTS.items()
        if not effect.values
    }


def _by_share(names: Sequence[str], rng: Random, weights: Mapping[str, float]) -> str:
    if rng.random() < VALUES:
        return rng.choice([name for name in names if name in VALUED])
    plain_names = [name for name in names if name not in VALUED]
    return rng.choices(plain_names, [max(weights[name], 0.1) for name in plain_names])[0]


def valued(name: str, scope: Scope, rng: Random, text: str = "") -> Demand | None:
    """Return an effect in a scope with a value drawn for it; None where a text offers none."""
    value = value_of(name, rng, text="\n".join(body_lines(text)))
    return Demand(effect=name, value=value, scope=scope) if value or name not in VALUED else None


def _scope(triple: Triple, rng: Random, kinds: Mapping[str, float] = KINDS) -> Scope:
    scopes = [scope for scope in scopes_at(triple) if not scope.held_out]
    scopes = [scope for scope in scopes if scope.kind in kinds] or scopes
    return rng.choices(scopes, [kinds.get(scope.kind, 1) for scope in scopes])[0] if scopes else Scope(kind="always")


def liked(triple: Triple, text: str, rng: Random) -> Demand | None:
    """Draw an effect that a text shows and that one may like, seldom shown ones as often as others."""
    shown = [name for name in LIKED if name in TRAINED and name not in VALUED and holds(name, "", text)]
    if not shown:
        return None
    demand = Demand(
        effect=rng.choices(shown, [_rates()[name] + 0.05 for name in shown])[0], value="", scope=_scope(triple, rng)
    )
    return None if demand.held_out else demand
