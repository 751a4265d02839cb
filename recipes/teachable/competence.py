"""Measure how well a model follows comments it reads: `python recipes/teachable/competence.py --model DIR [--cases 150]`.

Two questions. Told a comment on a response that violates it, does the model write the refinement (greedy), on each axis that
is held out? Told a comment first, does it mind it where it applies and only there? Prints one JSON object, then tables.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from recipes.teachable import heldout  # noqa: E402
from recipes.teachable.comments import PARTS, Demand, Scope, near, out, say, scopes_at, single_scopes, value_of  # noqa: E402
from recipes.teachable.compose import compose  # noqa: E402
from recipes.teachable.demands import KINDS, standing  # noqa: E402
from recipes.teachable.effects import EFFECTS, TRAINED, VALUED, body_lines, holds, obey  # noqa: E402
from recipes.teachable.plan import render  # noqa: E402
from recipes.teachable.prompts import prompt  # noqa: E402
from recipes.teachable.world import MANNERS, Triple, held_out, test_triples  # noqa: E402

from sayso.models.writing.sampling import Sampling  # noqa: E402
from sayso.records import Message, Prompt  # noqa: E402

MODEL = ROOT / "src" / "sayso" / "models" / "teachable"
ALIKE = 0.85
"""A refinement is good if its effect shows and so much of its words is that of the smallest one's (difflib)."""
TRIES = 4000
"""Draws for one case; a set whose cases are rarer than that would be a fault of the grammar."""
MOST_TOKENS = 110
Rates = dict[str, float | int]


class Writer(Protocol):
    """What is measured."""

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """Return one response a prompt."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One set of cases: which effects, what of the demand is held out, and whether the comment's words are."""

    effects: tuple[str, ...]
    held: frozenset[str] = frozenset()
    words: bool = False
    this: float = 0.4
    """How often the comment says nothing of where it applies."""


NOT_VALUED = tuple(name for name in TRAINED if name not in VALUED)
TRAINED_VALUED = tuple(name for name in TRAINED if name in VALUED)
AXES = {
    "trained effects, new prompts": Axis(effects=TRAINED),
    "unseen wordings": Axis(effects=TRAINED, words=True),
    "held-out combinations": Axis(effects=TRAINED, held=frozenset({"combination"}), this=0.0),
    "held-out scopes": Axis(effects=TRAINED, held=frozenset({"scope"}), this=0.0),
    "trained values": Axis(effects=TRAINED_VALUED),
    "held-out values": Axis(effects=TRAINED_VALUED, held=frozenset({"value"})),
    "held-out effects": Axis(effects=heldout.EFFECTS, held=frozenset({"effect"})),
}
SHUFFLED = "shuffled comment (control)"
SCOPE_AXES = {
    "seen": frozenset[str](),
    "held-out combinations": frozenset({"combination"}),
    "held-out scopes": frozenset({"scope"}),
}
TOLD = ("with", "without")


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A response that violates a demand, the comment that says so, and the smallest refinement."""

    asked: str
    response: str
    comment: str
    gold: str
    demand: Demand

    def conversation(self) -> Prompt:
        """Return what the model reads."""
        turns = (("user", self.asked), ("assistant", self.response), ("user", self.comment))
        return Prompt(messages=tuple(Message(role=role, content=text) for role, text in turns))  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A comment told first, and a prompt at each place of its scope."""

    comment: str
    demand: Demand
    asked: dict[str, str]

    def conversation(self, place: str, *, told: bool) -> Prompt:
        """Return a prompt at a place, with the comment before it or without."""
        user = Message(role="user", content=self.asked[place])
        return Prompt(messages=(Message(role="system", content=self.comment), user) if told else (user,))


def refinements(axis: Axis, count: int, seed: int) -> list[Case]:
    """Draw cases of an axis, all on prompts that are held out, every effect as often as any other."""
    rng = Random(f"{seed} {sorted(axis.held)} {axis.words} {len(axis.effects)}")
    return [_case(axis, axis.effects[number % len(axis.effects)], rng) for number in range(count)]


def _case(axis: Axis, effect: str, rng: Random) -> Case:
    for _ in range(TRIES):
        scope, triple = _scope(axis, rng)
        if triple.genre in EFFECTS[effect].not_for or not scope.holds(triple):
            continue
        plan = compose(triple, rng)
        text = render(plan)
        words = "\n".join(body_lines(text)) if EFFECTS[effect].values in ("word", "swap") else ""
        demand = Demand(effect=effect, value=value_of(effect, rng, text=words, held="value" in axis.held), scope=scope)
        if _axes(demand, axis) != axis.held or (effect in VALUED and not demand.value) or shows(demand, text):
            continue
        gold = render(obey(effect, demand.value, plan))
        if shows(demand, gold):
            return Case(
                asked=prompt(triple, rng), response=text, comment=say(demand, rng, held=axis.words), gold=gold, demand=demand
            )
    raise SystemExit(f"no case of {effect!r} in {TRIES} draws: {axis}")


def _axes(demand: Demand, axis: Axis) -> frozenset[str]:
    """Return what of a demand is held out; a held-out effect is one in every combination."""
    return demand.held_axes - {"combination"} if "effect" in axis.held else demand.held_axes


def _scope(axis: Axis, rng: Random) -> tuple[Scope, Triple]:
    triple = _new_prompt(rng)
    if rng.random() < axis.this:
        return Scope(kind="this"), triple
    if "scope" in axis.held:
        scope = rng.choice([each for each in single_scopes() if each.held_out])
        return scope, rng.choice([each for each in test_triples() if scope.holds(each)])
    scopes = scopes_at(triple)
    return rng.choices(scopes, [KINDS[each.kind] for each in scopes])[0], triple


def _new_prompt(rng: Random) -> Triple:
    triple = rng.choice(test_triples())
    return triple._replace(manner=rng.choice(tuple(MANNERS))) if rng.random() < 0.12 else triple


def shows(demand: Demand, text: str) -> bool:
    """Whether a text does what a demand asks for; where a word takes another's place it has to be there."""
    if not holds(demand.effect, demand.value, text):
        return False
    new = demand.value.partition(">")[2] if demand.effect == "instead" else ""
    return not new or re.search(rf"\b{new}\b", text, re.IGNORECASE) is not None


def score(cases: Sequence[Case], texts: Sequence[str]) -> Rates:
    """Return the shares of refinements that pass the check, that are good, and that are the smallest one."""
    passed = [shows(case.demand, text) for case, text in zip(cases, texts, strict=True)]
    good = [held and likeness(case.gold, text) >= ALIKE for case, text, held in zip(cases, texts, passed, strict=True)]
    exact = [case.gold == text for case, text in zip(cases, texts, strict=True)]
    return {"n": len(cases)} | {
        name: round(sum(found) / len(cases), 3) for name, found in (("check", passed), ("good", good), ("exact", exact))
    }


def likeness(one: str, other: str) -> float:
    """Return how alike two texts are in words, 0 to 1."""
    return difflib.SequenceMatcher(None, one.split(), other.split(), autojunk=False).ratio()


def shuffled(cases: Sequence[Case], seed: int) -> list[Case]:
    """Return the cases, each with the comment of another case that asks for something else."""
    rng = Random(f"{seed} shuffled")
    others = [rng.choice([each for each in cases if each.demand.effect != case.demand.effect]) for case in cases]
    return [
        Case(asked=case.asked, response=case.response, comment=other.comment, gold=case.gold, demand=case.demand)
        for case, other in zip(cases, others, strict=True)
    ]


def standing_cases(held: frozenset[str], count: int, seed: int) -> list[Standing]:
    """Draw comments that are told first, on what is held out (nothing, combinations, scopes), with prompts of all places."""
    rng = Random(f"{seed} standing {sorted(held)}")
    found: list[Standing] = []
    while len(found) < count:
        demand, triple = _standing(held, rng)
        if demand.held_axes != held or demand.scope.kind not in PARTS or not _fits(demand, triple):
            continue
        triples = {"in": triple, "near": _new_near(triple, demand.scope, rng), "out": out(triple, demand.scope, rng)}
        asked = {place: prompt(each, rng) for place, each in triples.items()}
        found.append(Standing(comment=say(demand, rng), demand=demand, asked=asked))
    return found


def _standing(held: frozenset[str], rng: Random) -> tuple[Demand, Triple]:
    triple = _new_prompt(rng)
    demand = standing(triple, rng, always=False)
    if not held:
        return demand, triple
    scope, triple = _scope(Axis(effects=TRAINED, held=held, this=0.0), rng)
    return Demand(effect=demand.effect, value=demand.value, scope=scope), triple


def _fits(demand: Demand, triple: Triple) -> bool:
    return demand.scope.holds(triple) and triple.genre not in EFFECTS[demand.effect].not_for


def _new_near(triple: Triple, scope: Scope, rng: Random) -> Triple:
    """Draw a prompt near the scope, a held-out one if there is one."""
    for _ in range(0 if PARTS[scope.kind] == ("manner",) else 60):
        other = _flipped(triple, scope, rng)
        if not scope.holds(other) and held_out(other):
            return other
    return near(triple, scope, rng)


def _flipped(triple: Triple, scope: Scope, rng: Random) -> Triple:
    part = rng.choice(PARTS[scope.kind])
    return triple._replace(**{part: getattr(rng.choice(test_triples()), part)})


def obedience(model: Writer, cases: Sequence[Standing], sampling: Sampling) -> dict[str, Rates]:
    """Return how often the effect shows at each place, with the comment and without."""
    rates: dict[str, Rates] = {}
    for place in ("in", "near", "out"):
        rates[place] = {"n": len(cases)}
        for told in TOLD:
            texts = model.generate([case.conversation(place, told=told == "with") for case in cases], sampling)
            shown = [shows(case.demand, text) for case, text in zip(cases, texts, strict=True)]
            rates[place][told] = round(sum(shown) / len(cases), 3)
    return rates


def measure(model: Writer, *, cases: int, seed: int) -> dict[str, Any]:
    """Return all figures, with the bars and whether they are met."""
    greedy = Sampling(temperature=0.0, max_new_tokens=MOST_TOKENS)
    sampled = Sampling(temperature=0.8, max_new_tokens=MOST_TOKENS, seed=seed)
    found: dict[str, Any] = {"cases": cases, "seed": seed, "refinement": {}}
    by_effect: dict[str, list[bool]] = defaultdict(list)
    for name, axis in AXES.items():
        drawn = refinements(axis, cases, seed)
        texts = model.generate([case.conversation() for case in drawn], greedy)
        found["refinement"][name] = score(drawn, texts)
        if not axis.held or "effect" in axis.held:
            for case, text in zip(drawn, texts, strict=True):
                by_effect[case.demand.effect].append(shows(case.demand, text))
    control = shuffled(refinements(AXES["trained effects, new prompts"], cases, seed), seed)
    found["refinement"][SHUFFLED] = score(control, model.generate([case.conversation() for case in control], greedy))
    found["by_effect"] = {name: f"{sum(shown)}/{len(shown)}" for name, shown in sorted(by_effect.items())}
    told = {name: standing_cases(held, cases, seed) for name, held in SCOPE_AXES.items()}
    found["scope"] = {
        how: {name: obedience(model, drawn, sampling) for name, drawn in told.items()}
        for how, sampling in (("greedy", greedy), ("sampled at 0.8", sampled))
    }
    return found | {"bars": bars(found)}


def bars(found: dict[str, Any]) -> dict[str, dict[str, float | bool]]:
    """Return every bar with its figure: what a model has to reach before it may teach."""
    check = {name: rates["check"] for name, rates in found["refinement"].items()}
    trained = check["trained effects, new prompts"]
    rows: list[tuple[str, float, float, Callable[[float, float], bool]]] = [("trained effects", trained, 0.9, _least)]
    for name in ("unseen wordings", "held-out combinations", "held-out scopes"):
        rows.append((f"{name}, below trained by", trained - check[name], 0.05, _most))
    rows += [("held-out values", check["held-out values"], 0.7, _least), (SHUFFLED, check[SHUFFLED], 0.1, _most)]
    for how, axes in found["scope"].items():
        seen = axes["seen"]
        rows.append((f"in scope, {how}", seen["in"]["with"], 0.8, _least))
        for place in ("near", "out"):
            rows.append(
                (f"{place}, {how}, above no comment by", abs(seen[place]["with"] - seen[place]["without"]), 0.05, _most)
            )
    return {name: {"found": round(value, 3), "bar": bar, "met": met(value, bar)} for name, value, bar, met in rows}


def _least(value: float, bar: float) -> bool:
    return value >= bar


def _most(value: float, bar: float) -> bool:
    return round(value, 3) <= bar


def tables(found: dict[str, Any]) -> Iterator[str]:
    """Yield the figures as Markdown."""
    yield "| refinement, greedy | n | check | good | exact |\n|---|---|---|---|---|"
    for name, rates in found["refinement"].items():
        yield f"| {name} | {rates['n']} | {rates['check']:.3f} | {rates['good']:.3f} | {rates['exact']:.3f} |"
    yield "\n| comment first: effect with / without it | n | in | near | out |\n|---|---|---|---|---|"
    for how, axes in found["scope"].items():
        for name, rates in axes.items():
            cells = " | ".join(f"{rates[place]['with']:.3f} / {rates[place]['without']:.3f}" for place in rates)
            yield f"| {how}, {name} | {rates['in']['n']} | {cells} |"
    yield "\n| bar | found | wanted | met |\n|---|---|---|---|"
    for name, bar in found["bars"].items():
        yield f"| {name} | {bar['found']:.3f} | {bar['bar']:.2f} | {'yes' if bar['met'] else 'no'} |"
    yield "\nBy effect (check): " + ", ".join(f"{name} {shown}" for name, shown in found["by_effect"].items())


def main() -> None:
    """Print the figures of a model folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--cases", type=int, default=150, help="how many a set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    import torch

    from sayso.models import local

    torch.set_num_threads(given.threads)
    found = {"model": given.model.name} | measure(local.load(given.model), cases=given.cases, seed=given.seed)
    print(json.dumps(found))
    print("\n".join(tables(found)))


if __name__ == "__main__":
    main()
