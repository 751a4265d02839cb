"""What the model reads: plain answers, answers under standing comments, and responses that a comment made better."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
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
from recipes.teachable.demands import KINDS, liked, standing, valued, violated
from recipes.teachable.effects import EFFECTS, TRAINED, VALUED, holds, obey
from recipes.teachable.plan import Plan, render
from recipes.teachable.prompts import prompt
from recipes.teachable.world import MANNERS, Triple, training_triples

from sayso.records import Message


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A part of the stream: how often which kind of episode is drawn, and how comments say where they apply."""

    episodes: float
    """Its share of all episodes."""
    shares: Mapping[str, float]
    kinds: Mapping[str, float] = field(default_factory=lambda: KINDS)
    """How often a scope is of which kind."""
    places: int = 0
    """Scopes are said in the first so many wordings; 0: in all."""
    short: float = 0.0
    """How often a prompt asks for something short."""


_TOPICAL = {
    "genre": 0.05, "reader": 0.05, "topic": 0.5, "group": 0.34, "tone": 0.04, "pair": 0.05, "manner": 0.06, "word": 0.05,
}  # fmt: skip
_TELLING = {"plain": 0.02, "refine": 0.08, "mark": 0.74, "conditional": 0.02, "paired": 0.14}
STAGES: dict[str, Stage] = {
    "early": Stage(
        episodes=0.2, shares={"copy": 0.15, "plain": 0.15, "refine": 0.6, "conditional": 0.1}, short=0.26
    ),
    "simple": Stage(
        episodes=0.15, kinds={"genre": 0.4, "reader": 0.4, "manner": 0.2}, places=1, short=0.35,
        shares={"plain": 0.03, "refine": 0.17, "mark": 0.3, "conditional": 0.15, "paired": 0.35},
    ),
    "topics": Stage(episodes=0.1, kinds=_TOPICAL, places=1, shares=_TELLING),
    "wide": Stage(episodes=0.23, kinds=_TOPICAL, shares=_TELLING),
    "late": Stage(
        episodes=0.32,
        kinds={
            "genre": 0.2, "reader": 0.2, "topic": 0.24, "group": 0.22, "tone": 0.08, "pair": 0.1, "manner": 0.2,
            "word": 0.12,
        },
        shares={
            "plain": 0.05, "copy": 0.02, "refine": 0.34, "mark": 0.14, "conditional": 0.13, "paired": 0.22, "chain": 0.1,
        },
    ),
}  # fmt: skip
"""The stream in its order: copying first; then what a scope is, said in one way; then topics and their groups, of which
there are many, in one wording and in all; last everything."""
LATE = STAGES["late"]
PLACES = {"in": 0.37, "near": 0.41, "out": 0.22}
"""How often a prompt under a standing comment lies where; as one of two or three always lies inside: 47, 35, 18."""
TWO = 0.1
"""How often a comment asks for two effects at once."""
MANNERED = 0.12
"""How often a prompt says something beside genre, reader and topic."""
EVEN = 0.2
"""How often a prompt of which the mark alone is learnt is moved into the scope, so that half of the marks are yes."""
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
    applies: tuple[bool | None, ...] = ()
    """For each turn of the user, whether a comment applies to what is written next; None, or none at all: there is none."""
    otherwise: tuple[str, ...] = ()
    """For each answer, what it would be were that the other way round (of a refinement, what it was); may be empty."""
    demands: tuple[Demand, ...] = ()
    """What its comments ask for, in their order."""
    places: tuple[str, ...] = ()
    """Where each prompt lies to a standing comment: in, near, out; empty for a prompt before the comment."""
    form: str = ""
    """What is special: praise, beside, holds, none, two, several, later, twice, same."""


def episodes(seed: int, *, count: int = 0) -> Iterator[Episode]:
    """Yield episodes without end; the same seed and count give the same episodes.

    With `count` the stages follow each other over as many episodes; without, all is the last one.
    """
    rng = Random(seed)
    number = 0
    while True:
        stage = stage_of(number, count)
        kind = rng.choices(tuple(stage.shares), tuple(stage.shares.values()))[0]
        triple = rng.choice(training_triples())
        if rng.random() < MANNERED:
            triple = triple._replace(manner=rng.choice(tuple(MANNERS)))
        elif rng.random() < stage.short:
            triple = triple._replace(manner="short")
        episode = _MAKERS[kind](triple, rng, stage)
        if sum(len(turn.content.encode()) + 8 for turn in episode.messages) <= BYTES and not says_held_out(episode):
            yield episode
            number += 1


def stage_of(number: int, count: int) -> Stage:
    """Return the stage of an episode by its number, of a stream of `count` (0: without end)."""
    ends = accumulate(stage.episodes for stage in STAGES.values())
    return next((stage for stage, end in zip(STAGES.values(), ends, strict=True) if number < end * count), LATE)


def says_held_out(episode: Episode) -> bool:
    """Whether a held-out phrase of two words stands anywhere, be it by chance."""
    said = (re.findall(r"\w+", turn.content.lower()) for turn in episode.messages)
    return any(f"{first} {second}" in heldout.phrases() for words_said in said for first, second in pairwise(words_said))


def plain(triple: Triple, rng: Random, _stage: Stage = LATE) -> Episode:
    """A prompt and what somebody would write."""
    turns = (_user(prompt(triple, rng)), _model(render(compose(triple, rng))))
    return Episode(kind="plain", messages=turns, triples=(triple,))


def copy(triple: Triple, rng: Random, _stage: Stage = LATE) -> Episode:
    """A text that is asked for once more, the answer before or what the user wrote."""
    text = render(compose(triple, rng))
    again = words("lists", "same_again", rng)
    if rng.random() < 0.5:
        return Episode(kind="copy", messages=(_user(f"{again}\n{text}"), _model(text)), triples=(triple,))
    turns = (_user(prompt(triple, rng)), _model(text), _user(again), _model(text))
    return Episode(kind="copy", messages=turns, triples=(triple,), form="same")


def conditional(triple: Triple, rng: Random, stage: Stage = LATE) -> Episode:
    """A standing comment in the system turn, a prompt in, near or out of its scope, and an answer that minds both.

    Now and then there are several comments, one to a line, or a later one that takes the place of an earlier one.
    """
    demand = standing(triple, rng, kinds=stage.kinds)
    place = "in" if demand.scope.kind == "always" else _place(rng)
    asked = _placed(triple, demand.scope, place, rng)
    drawn = rng.random()
    if drawn < 0.16:
        return _several(asked, demand, place, rng, stage)
    if drawn < 0.24:
        return _later(asked, demand, place, rng, stage)
    demands, said = _said(triple, demand, compose(asked, Random(rng.random())), rng, stage)
    answer = _answered(asked, demands, compose(asked, rng), rng)
    return _under(said, [answer], kind="conditional", demands=demands, places=(place,))


def paired(triple: Triple, rng: Random, stage: Stage = LATE) -> Episode:
    """A standing comment, and two or three prompts in and near its scope, answered from one draw where they are alike."""
    demand = standing(triple, rng, always=False, kinds=stage.kinds)
    places = _places(rng)
    seed = rng.random()
    demands, said = _said(triple, demand, compose(triple, Random(seed)), rng, stage)
    answers: list[_Answer] = []
    for number, place in enumerate(places):
        if place == "in":
            each = triple if "in" not in places[:number] else within(triple, demand.scope, rng)
        else:
            each = _placed(triple, demand.scope, place, rng)
        draw = Random(seed) if rng.random() < SAME_PLAN else Random(rng.random())
        answers.append(_answered(each, demands, compose(each, draw), rng))
    return _under(said, answers, kind="paired", demands=demands, places=places)


def mark(triple: Triple, rng: Random, stage: Stage = LATE) -> Episode:
    """A standing comment, and one prompt after the other, of which nothing is learnt but whether it applies."""
    demand = standing(triple, rng, always=False, kinds=stage.kinds)
    turns: list[Message] = [_system(say(demand, rng, places=stage.places))]
    asked: list[Triple] = []
    places: list[str] = []
    for number in range(rng.choice((1, 2, 3, 4, 5, 6))):
        place = "in" if rng.random() < EVEN else _place(rng)
        inside = within(triple, demand.scope, rng) if number else triple
        asked.append(inside if place == "in" else _placed(triple, demand.scope, place, rng))
        turns.append(_user(prompt(asked[-1], rng)))
        places.append(place)
    return Episode(
        kind="mark", messages=tuple(turns), triples=tuple(asked), demands=(demand,), places=tuple(places),
        applies=tuple(demand.scope.holds(each) for each in asked),
    )  # fmt: skip


def refine(triple: Triple, rng: Random, stage: Stage = LATE) -> Episode:
    """A prompt, a response, a comment on it, and the refinement. The comment is drawn after the response, so that the
    response stays what somebody would write; now and then there is nothing to change."""
    plan = compose(triple, rng)
    text = render(plan)
    drawn = rng.random()
    first = (_user(prompt(triple, rng)), _model(text))
    if drawn < 0.14:
        demands, said, form = _nothing_to_do(triple, text, rng)
        return Episode(
            kind="refine", messages=(*first, _user(said), _model(text)), triples=(triple,), demands=demands, form=form,
            applies=(None, False) if form == "beside" else (),
        )  # fmt: skip
    demand = violated(triple, text, rng)
    demands, said = _said(triple, demand, plan, rng, stage)
    better = obey_all(demands, plan)
    turns = (*first, _user(said), _model(render(better)))
    found = Episode(
        kind="refine", messages=turns, triples=(triple,), demands=demands, form="two" if len(demands) > 1 else "",
        applies=(None, True), otherwise=("", text),
    )  # fmt: skip
    return _twice(found, better, rng) if drawn > 0.93 and len(demands) == 1 else found


def chain(triple: Triple, rng: Random, stage: Stage = LATE) -> Episode:
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
        middle = (_user(say(demand, rng, places=stage.places)), _model(render(obey_all((demand,), plan))))
    place = "in" if demand.scope.kind == "always" else _place(rng)
    asked = within(triple, demand.scope, rng) if place == "in" else _placed(triple, demand.scope, place, rng)
    answer = _answered(asked, (demand,), compose(asked, rng), rng)
    return Episode(
        kind="chain", messages=(*first, *middle, *answer.turns), triples=(triple, asked), demands=(demand,),
        places=("", place), form=form, applies=() if form else (None, True, answer.applies),
        otherwise=() if form else ("", text, answer.otherwise),
    )  # fmt: skip


_MAKERS = {
    "plain": plain,
    "copy": copy,
    "mark": mark,
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """A prompt under a comment and its answer, whether the comment applies, and what would be written otherwise."""

    triple: Triple
    turns: tuple[Message, Message]
    applies: bool
    otherwise: str


def _answered(triple: Triple, demands: Sequence[Demand], plan: Plan, rng: Random) -> _Answer:
    minded = [demand for demand in demands if demand.scope.holds(triple)]
    return _Answer(
        triple=triple, turns=(_user(prompt(triple, rng)), _model(render(obey_all(minded, plan)))), applies=bool(minded),
        otherwise=render(plan if minded else obey_all(demands, plan)),
    )  # fmt: skip


def _under(
    said: str, answers: Sequence[_Answer], *, kind: str, demands: tuple[Demand, ...], places: tuple[str, ...], form: str = ""
) -> Episode:
    """Return answers under a comment in the system turn as an episode."""
    return Episode(
        kind=kind, messages=(_system(said), *(turn for each in answers for turn in each.turns)),
        triples=tuple(each.triple for each in answers), applies=tuple(each.applies for each in answers),
        otherwise=tuple(each.otherwise for each in answers), demands=demands, places=places, form=form,
    )  # fmt: skip


def _said(triple: Triple, demand: Demand, plan: Plan, rng: Random, stage: Stage) -> tuple[tuple[Demand, ...], str]:
    """Say a demand, now and then together with a second one that goes with it."""
    if rng.random() < TWO:
        for _ in range(8):
            second = replace(standing(triple, rng), scope=demand.scope)
            if not second.held_out and go_together(demand, second, plan):
                return (demand, second), say_both(demand, second, rng, places=stage.places)
    return (demand,), say(demand, rng, places=stage.places)


def go_together(first: Demand, second: Demand, plan: Plan) -> bool:
    """Whether two demands can both be met by one text."""
    if first.effect == second.effect or second.effect in EFFECTS[first.effect].against:
        return False
    text = render(obey_all((first, second), plan))
    return all(holds(demand.effect, demand.value, text) for demand in (first, second))


def _several(asked: Triple, demand: Demand, place: str, rng: Random, stage: Stage) -> Episode:
    """Two or three comments, one of them on this prompt or near it, the others anywhere."""
    others: list[Demand] = []
    plan = compose(asked, rng)
    wanted = 1 if rng.random() < 0.7 else 2
    for _ in range(TRIES):
        other = standing(rng.choice(training_triples()) if rng.random() < 0.6 else asked, rng, kinds=stage.kinds)
        if _all_go(asked, (demand, *others, other), plan) and _apart((demand, *others), other):
            others.append(other)
        if len(others) == wanted:
            break
    demands = [demand, *others]
    rng.shuffle(demands)
    said = "\n".join(say(each, rng, places=stage.places) for each in demands)
    answer = _answered(asked, demands, plan, rng)
    return _under(said, [answer], kind="conditional", demands=tuple(demands), places=(place,), form="several")


def _apart(known: Sequence[Demand], other: Demand) -> bool:
    return all(other.effect != each.effect and other.effect not in EFFECTS[each.effect].against for each in known)


def _all_go(asked: Triple, demands: Sequence[Demand], plan: Plan) -> bool:
    """Whether those that apply can be met by one text, in either order."""
    minded = [demand for demand in demands if demand.scope.holds(asked)]
    texts = [render(obey_all(ordered, plan)) for ordered in (minded, minded[::-1])]
    return texts[0] == texts[1] and all(holds(demand.effect, demand.value, texts[0]) for demand in minded)


def _later(asked: Triple, demand: Demand, place: str, rng: Random, stage: Stage) -> Episode:
    """An earlier comment in the same scope, and a later one that asks for the contrary or for another value."""
    earlier = _contrary(demand, rng)
    if earlier is None:
        return conditional(asked, rng, stage)
    said = f"{say(earlier, rng, places=stage.places)}\n{say(demand, rng, places=stage.places)}"
    answer = _answered(asked, (demand,), compose(asked, rng), rng)
    return _under(said, [answer], kind="conditional", demands=(earlier, demand), places=(place,), form="later")


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
    return replace(
        found, messages=turns, demands=(demand, second), form="twice", applies=(*found.applies, True),
        otherwise=(*found.otherwise, render(better)),
    )  # fmt: skip


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
