"""Comments learnt at once, in the same weights: which may share them, what is learnt, and what became of each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING

from sayso.critics.checking import load_check, repair_of
from sayso.loop.bench import material, teaching
from sayso.loop.bench.answering import Kept
from sayso.loop.bench.suite import Item
from sayso.loop.bench.tiers import Tier
from sayso.loop.learning import holds
from sayso.methods import Method
from sayso.records import Check, Example, Prompt, Refinement, Response, plain

if TYPE_CHECKING:
    from sayso.models.local import LocalModel

TEXTS = (
    "The soup is ready and it is very good. We all go to the lake on Sunday morning.",
    "Dear friend! Can you come to the lake? We wait for you at home! Bring the small boat and a warm coat, for the wind is "
    "cold there in the evening, and tell me when you leave.",
)
"""What two comments' repairs are tried on, to see whether they get on."""
PARTS = {"genre": (0,), "reader": (1,), "tone": (1,), "topic": (2,), "group": (2,), "pair": (0, 1)}
"""Which parts of a prompt's family (genre/reader/topic) decide whether it is in a scope."""


def sets(items: Sequence[Item], size: int, most: int) -> list[tuple[Item, ...]]:
    """Return up to `most` disjoint sets of `size` comments that may share weights, each comment in the first that has room.

    A comment that clashes with one of every set is in none.
    """
    found: list[list[Item]] = []
    for item in items:
        room = next((one for one in found if len(one) < size and not any(clash(item, other) for other in one)), None)
        if room is not None:
            room.append(item)
        elif len(found) < most:
            found.append([item])
    return [tuple(one) for one in found if len(one) == size]


def clash(one: Item, other: Item) -> bool:
    """Return whether two comments' effects contradict, or one brings about the other: then what each gains or leaks alone
    cannot be told. Scopes are not looked at, since what spills would clash as well.
    """
    return _clash(*sorted(json.dumps(plain(item.check), sort_keys=True) for item in (one, other)))


@lru_cache(maxsize=4096)
def _clash(one: str, other: str) -> bool:
    checks = [Check(**json.loads(text)) for text in (one, other)]
    (first, mend_first), (second, mend_second) = ((load_check(check), repair_of(check)) for check in checks)
    assert mend_first is not None
    assert mend_second is not None
    for text in TEXTS:
        after_first, after_second = mend_first(text) or text, mend_second(text) or text
        if (not second(text).held and second(after_first).held) or (not first(text).held and first(after_second).held):
            return True
        both = (mend_second(after_first), mend_first(after_second))
        if not any(new is not None and first(new).held and second(new).held for new in both):
            return True
    return False


def applies(item: Item, prompt: Prompt) -> bool:
    """Return whether a prompt, of whatever comment, is in a comment's scope, as far as family and words say.

    A scope of manner is in neither: only the comment's own prompts in scope are known to be.
    """
    kind, _colon, key = item.scope_text.partition(": ")
    if kind == "word":
        return re.search(rf"\b{re.escape(key)}\b", prompt.text, re.IGNORECASE) is not None
    own = (*item.learn["in"], *item.test["in"])
    if kind in PARTS:
        return _features(prompt, kind) in {_features(each, kind) for each in own}
    return prompt.id in {each.id for each in own}


def _features(prompt: Prompt, kind: str) -> tuple[str, ...]:
    parts = (prompt.family or "").split("/")
    return tuple(parts[place] for place in PARTS[kind] if place < len(parts))


def learn(
    model: LocalModel, items: Sequence[Item], written: Sequence[Kept], before: Sequence[Kept], method: str, tier: Tier,
    seed: int,
) -> Kept:  # fmt: skip
    """Teach `items` at once and answer the test prompts of each; `written` are their drafts, `before` their answers.

    There are as many steps as if each were taught alone, so that each is read as often.
    """
    from sayso.evaluation import heldout
    from sayso.training.engine import optimizer

    started = perf_counter()
    part, settings = teaching.method_of(model, method, tier, seed, lessons=len(items))
    examples = list(examples_of(items, written, part, tier, seed))
    rows = [teaching.samples(model, item, kept, tier) for item, kept in zip(items, before, strict=True)]
    untaught = [heldout.loss(model, some).loss for some in rows]
    policy = optimizer.prepare(model, settings)
    beside = material.held(items, written, tier, lambda prompt: not any(applies(item, prompt) for item in items))
    anchors = None if holds(part) else teaching.anchors_of(policy, beside, tier)
    found = teaching.train(policy, part, [*examples, *(beside if holds(part) else [])], settings, anchors)
    found["seconds_training"] = round(perf_counter() - started, 3)
    parts = [
        {"answers": teaching.answer(policy, item, tier), "divergence": heldout.loss(policy, some).loss - was}
        for item, some, was in zip(items, rows, untaught, strict=True)
    ]
    return {**found, "items": [item.id for item in items], "parts": parts, "seconds": round(perf_counter() - started, 3)}


def examples_of(items: Sequence[Item], written: Sequence[Kept], method: Method, tier: Tier, seed: int) -> Iterator[Example]:
    """Yield the drafts of all comments that fail one that applies to them, repaired for all that apply.

    Drafts of which no order of the repairs makes an answer that meets all are left out.
    """
    for item, kept in zip(items, written, strict=True):
        for prompt, text in zip(item.learn["in"][: tier.drafts], kept["in"], strict=False):
            here = [other for other in items if other is item or applies(other, prompt)]
            failing = [other for other in here if not other.held()(text).held]
            if failing:
                yield from _repaired(prompt, text, here, here if "check" in method.wants else failing, seed)
            elif "praise" in method.wants:
                yield material.praised(prompt, text)


def _repaired(prompt: Prompt, text: str, here: Sequence[Item], said: Sequence[Item], seed: int) -> Iterator[Example]:
    better = text
    for item in (*here, *here):  # the second time what a later repair undid
        better = material.repair_by(item)(better) or better
    if not all(item.held()(better).held for item in here):
        return
    response = Response(prompt=prompt, text=text)
    comments = tuple(material.said_of(item, seed, response) for item in said)
    refinement = Refinement(
        response=response, text=better, addresses=tuple(item.id for item in said), refiner="bench", source="tool"
    )
    yield Example(prompt=prompt, response=response, comments=comments, refinement=refinement)
