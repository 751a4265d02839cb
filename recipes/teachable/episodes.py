"""What the model reads: plain answers, answers under a standing comment, and responses that a comment made better."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from recipes.teachable.comments import SCOPE_KINDS, Demand, Scope, near, out, say, scope_at, value_of
from recipes.teachable.compose import compose
from recipes.teachable.effects import EFFECTS, holds, obey
from recipes.teachable.plan import render
from recipes.teachable.prompts import prompt
from recipes.teachable.world import Triple, training_triples

from sayso.records import Message

SHARES = {"plain": 0.5, "conditional": 0.25, "refine": 0.25}
"""How often which kind of episode is drawn."""
BESIDE = 0.1
"""How often a comment on a response does not apply to it, so that the response stays as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """One conversation; every turn of the assistant is learnt. `triples` are those that its prompts ask for."""

    kind: str
    messages: tuple[Message, ...]
    triples: tuple[Triple, ...]


def episodes(seed: int) -> Iterator[Episode]:
    """Yield episodes without end; the same seed gives the same episodes."""
    rng = Random(seed)
    kinds, weights = tuple(SHARES), tuple(SHARES.values())
    while True:
        kind = rng.choices(kinds, weights)[0]
        triple = rng.choice(training_triples())
        yield {"plain": plain, "conditional": conditional, "refine": refine}[kind](triple, rng)


def plain(triple: Triple, rng: Random) -> Episode:
    """A prompt and what somebody would write."""
    turns = (_user(prompt(triple, rng)), _model(render(compose(triple, rng))))
    return Episode(kind="plain", messages=turns, triples=(triple,))


def conditional(triple: Triple, rng: Random) -> Episode:
    """A standing comment in the system turn, a prompt in, near or out of its scope, and an answer that minds both."""
    demand = _demand(triple, rng)
    place = "in" if demand.scope.kind == "always" else rng.choices(("in", "near", "out"), (0.5, 0.35, 0.15))[0]
    if place != "in":
        triple = (near if place == "near" else out)(triple, demand.scope, rng)
    plan = compose(triple, rng)
    if demand.scope.holds(triple):
        plan = obey(demand.effect, demand.value, plan)
    turns = (Message(role="system", content=say(demand, rng)), _user(prompt(triple, rng)), _model(render(plan)))
    return Episode(kind="conditional", messages=turns, triples=(triple,))


def refine(triple: Triple, rng: Random) -> Episode:
    """A prompt, a response, a comment on it, and the refinement. The comment is drawn after the response, so that the
    response stays what somebody would write."""
    plan = compose(triple, rng)
    text = render(plan)
    demand = _violated(triple, text, rng)
    better = render(obey(demand.effect, demand.value, plan))
    if rng.random() < BESIDE and demand.scope.key:
        elsewhere = out(triple, demand.scope, rng)
        demand, better = Demand(effect=demand.effect, value=demand.value, scope=scope_at(elsewhere, demand.scope.kind)), text
    turns = (_user(prompt(triple, rng)), _model(text), _user(say(demand, rng)), _model(better))
    return Episode(kind="refine", messages=turns, triples=(triple,))


def _violated(triple: Triple, text: str, rng: Random) -> Demand:
    while True:
        kind = rng.choice(("this", "this", *SCOPE_KINDS))
        demand = _demand(triple, rng, scope=scope_at(triple, kind))
        if not holds(demand.effect, demand.value, text):
            return demand


def _demand(triple: Triple, rng: Random, *, scope: Scope | None = None) -> Demand:
    while True:
        effect = rng.choice([name for name, effect in EFFECTS.items() if triple.genre not in effect.not_for])
        here = scope or scope_at(triple, rng.choice(("always", "genre", "genre", "reader", "reader", "topic")))
        demand = Demand(effect=effect, value=value_of(effect, rng), scope=here)
        if not demand.held_out:
            return demand


def _user(text: str) -> Message:
    return Message(role="user", content=text)


def _model(text: str) -> Message:
    return Message(role="assistant", content=text)
