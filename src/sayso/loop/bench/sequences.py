"""Comments learnt one after another in the same weights: what is kept of the earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from sayso.evaluation.takes import SCOPES
from sayso.loop.bench import answering, material, teaching
from sayso.loop.bench.answering import Kept
from sayso.loop.bench.suite import Item
from sayso.loop.bench.tiers import Condition, Tier
from sayso.loop.learning import holds

if TYPE_CHECKING:
    from sayso.models.local import LocalModel


def learn(model: LocalModel, items: Sequence[Item], method: str, tier: Tier, seed: int) -> Kept:
    """Teach `items` in turn, each from drafts of the model as it then is, and test all that were taught after each.

    The record's `rates` holds a row a lesson: how often each comment so far is met in scope.
    """
    from sayso.training.engine import optimizer

    started = perf_counter()
    part, settings = teaching.method_of(model, method, tier, seed)
    policy = model
    rates: list[list[float]] = []
    tokens = 0
    for number, item in enumerate(items):
        written = _drafts(policy, item, tier, seed)
        policy = optimizer.prepare(model, settings) if not number else policy.carrying(policy.module, continued=True)
        condition = Condition(name=method, method=method)
        lesson = material.Lesson(item=item, other=item, condition=condition, seed=seed, drafts=tier.drafts)
        examples = material.examples_of(lesson, written, part, tier)
        if examples:
            beside = material.held([item], [written], tier)
            anchors = None if holds(part) else teaching.anchors_of(policy, beside, tier)
            found = teaching.train(policy, part, examples, settings, anchors)
            tokens += found["tokens_trained"] + found["tokens_anchors"]
        rates.append([_rate(policy, earlier, tier) for earlier in items[: number + 1]])
    return {
        "items": [item.id for item in items], "rates": rates, "tokens_trained": tokens,
        "seconds": round(perf_counter() - started, 3),
    }  # fmt: skip


def _drafts(policy: LocalModel, item: Item, tier: Tier, seed: int) -> Kept:
    """Return what `answering.drafts` does, without the refinements by the model."""
    usual, wide = tier.sampling(temperature=0.8, seed=seed), tier.sampling(temperature=1, seed=seed)
    beside = answering.learnt(item, tier)
    texts = policy.generate(item.learn["in"][: tier.drafts], usual)
    held = item.held()
    anchors = {scope: policy.generate(prompts, wide) for scope, prompts in beside.items() if prompts}
    return {"in": texts, "met": [held(text).held for text in texts], "near": [], "out": [], **anchors}


def _rate(policy: LocalModel, item: Item, tier: Tier) -> float:
    held = item.held()
    texts = policy.generate(answering.tested(item, tier)[SCOPES[0]], tier.sampling(temperature=0))
    return sum(held(text).held for text in texts) / len(texts)
