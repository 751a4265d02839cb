"""From answers to figures: what became of one comment under one condition and seed, and which alarms ring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sayso.evaluation import guards
from sayso.evaluation.takes import SCOPES
from sayso.loop.bench import running
from sayso.loop.bench.answering import Kept, tested
from sayso.loop.bench.running import Job
from sayso.loop.bench.suite import Item, Suite
from sayso.loop.bench.tiers import UNTRAINED, Tier
from sayso.records import Outcome

DIVERGED = 0.5
"""Alarm `utility`: nats a token by which the model's own answers out of scope became less likely."""
SHORTEST, LONGEST = 0.5, 2.0
"""Alarm `length`: words near and out of scope, after over before; in scope twice as far, for a comment may ask for it."""
REPEATED = 0.05
"""Alarm `babble`: share of answers that are newly empty or go round in circles."""
DISTINCT = 0.5
"""Alarm `monotony`: distinct pairs of words, after over before."""
METRICS = ("gain", "leak", "drift", "selectivity", "divergence", "length", "copying", "distinct")


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """One unit in figures."""

    condition: str
    item: str
    seed: int
    drafts: int
    values: Mapping[str, float | None]
    """By the names of `METRICS`; None where it was not measured."""
    counts: tuple[int, int, int]
    """In scope: answers that met the comment before, those that do after, and all."""
    alarms: tuple[str, ...]
    refused: str
    """Why nothing was learnt; empty otherwise. The model is then what it was."""
    tokens_trained: int
    tokens_written: int
    """Tokens the model wrote so that it could be taught, but for answers drawn while training."""
    answers_drawn: int
    """Answers that the model wrote while it was trained."""
    seconds: float
    outcomes: tuple[Outcome, ...]


def scores(job: Job, known: Suite) -> Iterator[Score]:
    """Yield every finished unit's score, untrained conditions first."""
    tier = job.tier
    for item in known.items[: tier.comments]:
        before = running.read(running.place(job, "base", item.id))
        for seed in tier.all_seeds:
            told = running.read(running.place(job, "told", f"{item.id}.s{seed}"))
            for name in UNTRAINED:
                yield _score(item, before, {"answers": told[name]}, tier, (name, seed, 0))
            written = running.read(running.place(job, "drafts", f"{item.id}.s{seed}"))
            for condition, drafts in running.lessons(job):
                task = running.Task(stage="teach", items=(item.id,), seed=seed, condition=condition, drafts=drafts)
                record = running.read(running.place(job, "teach", task.files()[0]))
                record["tokens_written"] = (
                    _written(written, condition.refinements, guard=condition.guard) * drafts / tier.drafts
                )
                yield _score(item, before, record, tier, (condition.name, seed, drafts))


def together(job: Job, known: Suite) -> Iterator[tuple[int, str, Score]]:
    """Yield the score of every comment that was learnt with others, after how many they were and by which method."""
    for task in running.plan(job, known).tasks["together"]:
        assert task.condition is not None
        size, method = len(task.items), task.condition.method
        record = running.read(running.place(job, "together", task.files()[0]))
        shared = {key: record[key] for key in ("refused", "diverged")}
        for name, part in zip(task.items, record["parts"], strict=True):
            item, before = known.item(name), running.read(running.place(job, "base", name))
            named = (f"{method}, {size} at once", task.seed, job.tier.drafts)
            yield size, method, _score(item, before, {**part, **shared}, job.tier, named)


def _written(drafts: Kept, refinements: str, *, guard: bool) -> int:
    sizes: Mapping[str, int] = drafts["tokens"]
    anchors = sizes["near"] + sizes["out"] if guard else 0
    return sizes["in"] + anchors + sizes.get(refinements, 0)


def _score(item: Item, before: Kept, record: Kept, tier: Tier, named: tuple[str, int, int]) -> Score:
    name, seed, drafts = named
    found = outcomes(item, before, record["answers"], tier)
    inside = [one for one in found if one.scope == "in"]
    values = {**_rates(found), **_texts(item, found, seed), "divergence": record.get("divergence")}
    return Score(
        condition=name, item=item.id, seed=seed, drafts=drafts, values=values, outcomes=found,
        counts=(sum(one.held_before for one in inside), sum(one.held_after for one in inside), len(inside)),
        alarms=tuple(alarms(found, values["divergence"], diverged=bool(record.get("diverged")))),
        refused=record.get("refused", ""),
        tokens_trained=record.get("tokens_trained", 0) + record.get("tokens_anchors", 0),
        tokens_written=round(record.get("tokens_written", 0)), answers_drawn=record.get("answers_drawn", 0),
        seconds=record.get("seconds_training", 0.0),
    )  # fmt: skip


def outcomes(item: Item, before: Kept, after: Mapping[str, Sequence[str]], tier: Tier) -> tuple[Outcome, ...]:
    """Return one outcome a test prompt that was answered."""
    held, asked = item.held(), tested(item, tier)
    return tuple(
        Outcome(comment_id=item.id, scope=scope, prompt=prompt, before=old, after=new,
                held_before=held(old).held, held_after=held(new).held)
        for scope in SCOPES if scope in after
        for prompt, old, new in zip(asked[scope], before[scope], after[scope], strict=True)
    )  # fmt: skip


def _rates(found: Sequence[Outcome]) -> dict[str, float | None]:
    changes = {}
    for name, scope in zip(("gain", "leak", "drift"), SCOPES, strict=True):
        own = [one for one in found if one.scope == scope]
        changes[name] = sum(one.held_after - one.held_before for one in own) / len(own) if own else None
    gain, leak = changes["gain"], changes["leak"]
    return {**changes, "selectivity": None if gain is None or leak is None else gain - leak}


def _texts(item: Item, found: Sequence[Outcome], seed: int) -> dict[str, float | None]:
    beside = [one for one in found if one.scope != "in"]
    return {
        "length": guards.length_ratio(beside) if beside else None,
        "copying": guards.copying(found, {item.id: item.comment(seed)}),
        "distinct": _distinct_ratio(found),
    }


def alarms(found: Sequence[Outcome], divergence: float | None, *, diverged: bool = False) -> Iterator[str]:
    """Yield what a broken model shows, whatever it gained."""
    inside, beside = ([one for one in found if (one.scope == "in") == within] for within in (True, False))
    if diverged or (divergence is not None and not divergence <= DIVERGED):
        yield "utility"
    far = any(not SHORTEST <= guards.length_ratio(some) <= LONGEST for some in (beside,) if some)
    if far or not SHORTEST / 2 <= guards.length_ratio(inside) <= LONGEST * 2:
        yield "length"
    news = [guards.degenerate(one.after) and not guards.degenerate(one.before) for one in found]
    if sum(news) > REPEATED * len(news):
        yield "babble"
    if any(_distinct_ratio(some) < DISTINCT for some in (inside, beside) if some):
        yield "monotony"


def _distinct_ratio(found: Sequence[Outcome]) -> float:
    before, after = (distinct([getattr(one, side) for one in found]) for side in ("before", "after"))
    return after / before if before else 1.0


def distinct(texts: Sequence[str]) -> float:
    """Return the share of distinct pairs among all pairs of neighbouring words (distinct-2); 0 without any.

    Source: Li et al. 2016 (arXiv 1510.03055).
    """
    pairs: Counter[tuple[str, str]] = Counter()
    for text in texts:
        words = guards.words(text)
        pairs.update(pairwise(words))
    return len(pairs) / pairs.total() if pairs else 0.0


def form(score: Score) -> Iterator[dict[str, Any]]:
    """Yield one line a test answer, as answers.jsonl keeps them."""
    for one in score.outcomes:
        yield {
            "comment": score.item, "condition": score.condition, "seed": score.seed, "drafts": score.drafts,
            "scope": one.scope, "prompt": one.prompt.text, "before": one.before, "after": one.after,
            "held_before": one.held_before, "held_after": one.held_after,
        }  # fmt: skip
