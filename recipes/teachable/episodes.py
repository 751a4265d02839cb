"""What the model reads: plain answers, answers under standing comments, and responses that a comment made better."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

from recipes.teachable import heldout
from recipes.teachable.comments import (
    Demand,
    Scope,
    near,
    out,
    praise,
    say,
    say_both,
    scope_at,
    within,
    words,
)
from recipes.teachable.compose import compose
from recipes.teachable.demands import liked, standing, valued, violated
from recipes.teachable.effects import EFFECTS, TRAINED, VALUED, holds, obey
from recipes.teachable.plan import Plan, render
from recipes.teachable.prompts import prompt
from recipes.teachable.world import MANNERS, Triple, training_triples

from sayso.records import Message

SHARES: dict[str, dict[str, float]] = {
    "early": {"copy": 0.15, "plain": 0.15, "refine": 0.6, "conditional": 0.1},
    "late": {"plain": 0.08, "refine": 0.45, "applies": 0.05, "conditional": 0.14, "paired": 0.16, "chain": 0.12},
}
"""How often which kind of episode is drawn, in the early part of the stream and after it."""
EARLY_EPISODES = 0.26
"""The share of episodes in the early part, where copying is learnt; as they are short, a fifth of the tokens."""
PLACES = {"in": 0.37, "near": 0.41, "out": 0.22}
"""How often a prompt under a standing comment lies where; as one of two or three always lies inside: 47, 35, 18."""
TWO = 0.1
"""How often a comment asks for two effects at once."""
MANNERED = 0.12
"""How often a prompt says something beside genre, reader and topic."""
EVEN = 0.2
"""How often a question whether a comment applies is moved into its scope, so that half the answers are yes."""
SAME_PLAN = 0.7
"""How often prompts under one comment are answered from the same draw, so that they differ by the scope alone."""
TRIES = 40
BYTES = 780
"""Longer episodes are drawn again: they have to fit a context of 256 tokens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """One conversation; every turn of the assistant is learnt. `triples` are those that its prompts ask for."""

    kind: str
    messages: tuple[Message, ...]
    triples: tuple[Triple, ...]
    demands: tuple[Demand, ...] = ()
    """What its comments ask for, in their order."""
    places: tuple[str, ...] = ()
    """Where each prompt lies to a standing comment: in, near, out; empty for a prompt before the comment."""
    form: str = ""
    """What is special: praise, beside, holds, none, two, several, later, twice, same."""


def episodes(seed: int, *, count: int = 0) -> Iterator[Episode]:
    """Yield episodes without end; the same seed and count give the same episodes.

    With `count` the first fifth of as many episodes is the early part of the curriculum; without, all is the late part.
    """
    rng = Random(seed)
    number = 0
    while True:
        shares = SHARES["early" if number < EARLY_EPISODES * count else "late"]
        kind = rng.choices(tuple(shares), tuple(shares.values()))[0]
        triple = rng.choice(training_triples())
        if rng.random() < MANNERED:
            triple = triple._replace(manner=rng.choice(tuple(MANNERS)))
        elif shares is SHARES["early"] and rng.random() < 0.3:
            triple = triple._replace(manner="short")
        episode = _MAKERS[kind](triple, rng)
        if sum(len(turn.content.encode()) + 8 for turn in episode.messages) <= BYTES and not says_held_out(episode):
            yield episode
            number += 1


def says_held_out(episode: Episode) -> bool:
    """Whether a held-out phrase of two words stands anywhere, be it by chance."""
    said = (re.findall(r"\w+", turn.content.lower()) for turn in episode.messages)
    return any(f"{first} {second}" in heldout.phrases() for words_said in said for first, second in pairwise(words_said))


def plain(triple: Triple, rng: Random) -> Episode:
    """A prompt and what somebody would write."""
    turns = (_user(prompt(triple, rng)), _model(render(compose(triple, rng))))
    return Episode(kind="plain", messages=turns, triples=(triple,))


def copy(triple: Triple, rng: Random) -> Episode:
    """A text that is asked for once more, the answer before or what the user wrote."""
    text = render(compose(triple, rng))
    again = words("lists", "same_again", rng)
    if rng.random() < 0.5:
        return Episode(kind="copy", messages=(_user(f"{again}\n{text}"), _model(text)), triples=(triple,))
    turns = (_user(prompt(triple, rng)), _model(text), _user(again), _model(text))
    return Episode(kind="copy", messages=turns, triples=(triple,), form="same")


def conditional(triple: Triple, rng: Random) -> Episode:
    """A standing comment in the system turn, a prompt in, near or out of its scope, and an answer that minds both.

    Now and then there are several comments, one to a line, or a later one that takes the place of an earlier one.
    """
    demand = standing(triple, rng)
    place = "in" if demand.scope.kind == "always" else _place(rng)
    asked = _placed(triple, demand.scope, place, rng)
    drawn = rng.random()
    if drawn < 0.16:
        return _several(asked, demand, place, rng)
    if drawn < 0.24:
        return _later(asked, demand, place, rng)
    demands, said = _said(triple, demand, compose(asked, Random(rng.random())), rng)
    turns = (_system(said), *_answered(asked, demands, compose(asked, rng), rng))
    return Episode(kind="conditional", messages=turns, triples=(asked,), demands=demands, places=(place,))


def paired(triple: Triple, rng: Random) -> Episode:
    """A standing comment, and two or three prompts in and near its scope, answered from one draw where they are alike."""
    demand = standing(triple, rng, always=False)
    places = _places(rng)
    seed = rng.random()
    demands, said = _said(triple, demand, compose(triple, Random(seed)), rng)
    turns: list[Message] = [_system(said)]
    asked: list[Triple] = []
    for number, place in enumerate(places):
        if place == "in":
            each = triple if "in" not in places[:number] else within(triple, demand.scope, rng)
        else:
            each = _placed(triple, demand.scope, place, rng)
        draw = Random(seed) if rng.random() < SAME_PLAN else Random(rng.random())
        turns += _answered(each, demands, compose(each, draw), rng)
        asked.append(each)
    return Episode(kind="paired", messages=tuple(turns), triples=tuple(asked), demands=demands, places=places)


def applies(triple: Triple, rng: Random) -> Episode:
    """A standing comment, and for one prompt after the other the bare question whether it applies: what scopes mean."""
    demand = standing(triple, rng, always=False)
    turns: list[Message] = [_system(say(demand, rng))]
    asked: list[Triple] = []
    places: list[str] = []
    for _ in range(rng.choice((2, 3, 4, 5, 6))):
        place = "in" if rng.random() < EVEN else _place(rng)
        each = within(triple, demand.scope, rng) if place == "in" else _placed(triple, demand.scope, place, rng)
        turns += [_user(f"{prompt(each, rng)} {words('lists', 'does_it_apply', rng)}")]
        turns += [_model("Yes." if demand.scope.holds(each) else "No.")]
        asked.append(each)
        places.append(place)
    return Episode(kind="applies", messages=tuple(turns), triples=tuple(asked), demands=(demand,), places=tuple(places))


def refine(triple: Triple, rng: Random) -> Episode:
    """A prompt, a response, a comment on it, and the refinement. The comment is drawn after the response, so that the
    response stays what somebody would write; now and then there is nothing to change."""
    plan = compose(triple, rng)
    text = render(plan)
    drawn = rng.random()
    first = (_user(prompt(triple, rng)), _model(text))
    if drawn < 0.14:
        demands, said, form = _nothing_to_do(triple, text, rng)
        return Episode(
            kind="refine", messages=(*first, _user(said), _model(text)), triples=(triple,), demands=demands, form=form
        )
    demand = violated(triple, text, rng)
    demands, said = _said(triple, demand, plan, rng)
    better = obey_all(demands, plan)
    turns = (*first, _user(said), _model(render(better)))
    found = Episode(
        kind="refine", messages=turns, triples=(triple,), demands=demands, form="two" if len(demands) > 1 else ""
    )
    return _twice(found, better, rng) if drawn > 0.93 and len(demands) == 1 else found


def chain(triple: Triple, rng: Random) -> Episode:
    """A prompt, a response, a comment, its refinement, and a next prompt whose answer minds the comment where it applies."""
    plan = compose(triple, rng)
    text = render(plan)
    first = (_user(prompt(triple, rng)), _model(text))
    demand = liked(triple, text, rng) if rng.random() < 0.15 else None
    form = "praise" if demand else ""
    if demand:
        middle: tuple[Message, ...] = (_user(praise(demand, rng)), _model(text))
    else:
        demand = violated(triple, text, rng, this=False)
        middle = (_user(say(demand, rng)), _model(render(obey_all((demand,), plan))))
    place = "in" if demand.scope.kind == "always" else _place(rng)
    asked = within(triple, demand.scope, rng) if place == "in" else _placed(triple, demand.scope, place, rng)
    turns = (*first, *middle, *_answered(asked, (demand,), compose(asked, rng), rng))
    return Episode(kind="chain", messages=turns, triples=(triple, asked), demands=(demand,), places=("", place), form=form)


_MAKERS = {
    "plain": plain,
    "copy": copy,
    "applies": applies,
    "conditional": conditional,
    "paired": paired,
    "refine": refine,
    "chain": chain,
}


def obey_all(demands: Sequence[Demand], plan: Plan) -> Plan:
    """Return the plan with all demands obeyed, in their order."""
    for demand in demands:
        plan = obey(demand.effect, demand.value, plan)
    return plan


def _place(rng: Random) -> str:
    return rng.choices(tuple(PLACES), tuple(PLACES.values()))[0]


def _places(rng: Random) -> tuple[str, ...]:
    """Draw two or three places, one of them in the scope and, four times in five, one not."""
    while True:
        found = tuple(_place(rng) for _ in range(2 if rng.random() < 0.65 else 3))
        if "in" in found and (set(found) != {"in"} or rng.random() < 0.2):
            return found


def _placed(triple: Triple, scope: Scope, place: str, rng: Random) -> Triple:
    return triple if place == "in" else (near if place == "near" else out)(triple, scope, rng)


def _answered(triple: Triple, demands: Sequence[Demand], plan: Plan, rng: Random) -> tuple[Message, Message]:
    minded = [demand for demand in demands if demand.scope.holds(triple)]
    return _user(prompt(triple, rng)), _model(render(obey_all(minded, plan)))


def _said(triple: Triple, demand: Demand, plan: Plan, rng: Random) -> tuple[tuple[Demand, ...], str]:
    """Say a demand, now and then together with a second one that goes with it."""
    if rng.random() < TWO:
        for _ in range(8):
            second = replace(standing(triple, rng), scope=demand.scope)
            if not second.held_out and go_together(demand, second, plan):
                return (demand, second), say_both(demand, second, rng)
    return (demand,), say(demand, rng)


def go_together(first: Demand, second: Demand, plan: Plan) -> bool:
    """Whether two demands can both be met by one text."""
    if first.effect == second.effect or second.effect in EFFECTS[first.effect].against:
        return False
    text = render(obey_all((first, second), plan))
    return all(holds(demand.effect, demand.value, text) for demand in (first, second))


def _several(asked: Triple, demand: Demand, place: str, rng: Random) -> Episode:
    """Two or three comments, one of them on this prompt or near it, the others anywhere."""
    others: list[Demand] = []
    plan = compose(asked, rng)
    wanted = 1 if rng.random() < 0.7 else 2
    for _ in range(TRIES):
        other = standing(rng.choice(training_triples()) if rng.random() < 0.6 else asked, rng)
        if _all_go(asked, (demand, *others, other), plan) and _apart((demand, *others), other):
            others.append(other)
        if len(others) == wanted:
            break
    demands = [demand, *others]
    rng.shuffle(demands)
    said = "\n".join(say(each, rng) for each in demands)
    turns = (_system(said), *_answered(asked, demands, plan, rng))
    return Episode(
        kind="conditional", messages=turns, triples=(asked,), demands=tuple(demands), places=(place,), form="several"
    )


def _apart(known: Sequence[Demand], other: Demand) -> bool:
    return all(other.effect != each.effect and other.effect not in EFFECTS[each.effect].against for each in known)


def _all_go(asked: Triple, demands: Sequence[Demand], plan: Plan) -> bool:
    """Whether those that apply can be met by one text, in either order."""
    minded = [demand for demand in demands if demand.scope.holds(asked)]
    texts = [render(obey_all(ordered, plan)) for ordered in (minded, minded[::-1])]
    return texts[0] == texts[1] and all(holds(demand.effect, demand.value, texts[0]) for demand in minded)


def _later(asked: Triple, demand: Demand, place: str, rng: Random) -> Episode:
    """An earlier comment in the same scope, and a later one that asks for the contrary or for another value."""
    earlier = _contrary(demand, rng)
    if earlier is None:
        return conditional(asked, rng)
    said = f"{say(earlier, rng)}\n{say(demand, rng)}"
    turns = (_system(said), *_answered(asked, (demand,), compose(asked, rng), rng))
    return Episode(
        kind="conditional", messages=turns, triples=(asked,), demands=(earlier, demand), places=(place,), form="later"
    )


def _contrary(demand: Demand, rng: Random) -> Demand | None:
    """Draw what a later comment takes the place of: another value, or the effect turned round."""
    if demand.effect in ("avoid", "instead", "mention"):
        return None
    names = [demand.effect] if demand.effect in VALUED else [f"no_{demand.effect}", demand.effect.removeprefix("no_")]
    names += [back for pair in TURNED for one, back in (pair, pair[::-1]) if one == demand.effect]
    names = [name for name in names if name in TRAINED and (name != demand.effect or name in VALUED)]
    found = valued(rng.choice(names), demand.scope, rng) if names else None
    return found if found and not found.held_out and found != demand else None


TURNED = (("cheer", "calm"), ("short", "longer"), ("digits", "number_words"))
"""Effects and their contraries, beside those that are called no_."""


def _twice(found: Episode, better: Plan, rng: Random) -> Episode:
    """A second comment on the refinement, that takes the first one back or asks for something else."""
    (demand,) = found.demands
    triple = found.triples[0]
    second = _contrary(demand, rng) if rng.random() < 0.6 else None
    second = second or violated(triple, render(better), rng)
    last = obey_all((second,), better)
    if (
        second.held_out
        or not holds(second.effect, second.value, render(last))
        or triple.genre in EFFECTS[second.effect].not_for
    ):
        return found
    turns = (*found.messages, _user(say(second, rng)), _model(render(last)))
    return replace(found, messages=turns, demands=(demand, second), form="twice")


def _nothing_to_do(triple: Triple, text: str, rng: Random) -> tuple[tuple[Demand, ...], str, str]:
    """Draw a comment that changes nothing: it applies elsewhere, praises, asks for what is there, or says nothing of it."""
    drawn = rng.random()
    if drawn < 0.5:
        demand = violated(triple, text, rng, this=False)
        if demand.scope.key and (elsewhere := _elsewhere(triple, demand, rng)):
            return (elsewhere,), say(elsewhere, rng), "beside"
    if drawn < 0.7 and (found := liked(triple, text, rng)):
        return (found,), praise(found, rng), "praise"
    if drawn < 0.9:
        met = [name for name in TRAINED if name not in VALUED and holds(name, "", text)]
        demand = Demand(effect=rng.choice(met), value="", scope=Scope(kind="this"))
        return (demand,), say(demand, rng), "holds"
    return (), words("lists", rng.choice(("praise_nothing", "praise_nothing", "beside_the_point")), rng), "none"


def _elsewhere(triple: Triple, demand: Demand, rng: Random) -> Demand | None:
    """Return the demand in a scope of the same kind that the triple lies outside of; None where that is held out."""
    for _ in range(TRIES):
        if demand.scope.kind in ("manner", "word"):
            key = rng.choice(tuple(MANNERS))
        else:
            key = scope_at(out(triple, demand.scope, rng), demand.scope.kind).key
        other = replace(demand, scope=replace(demand.scope, key=key))
        if key and not other.scope.holds(triple) and not other.held_out:
            return other
    return None


def _user(text: str) -> Message:
    return Message(role="user", content=text)


def _model(text: str) -> Message:
    return Message(role="assistant", content=text)


def _system(text: str) -> Message:
    return Message(role="system", content=text)
