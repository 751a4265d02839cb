"""One comment is taught under one condition, and the model answers the test prompts again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sayso import registry
from sayso.critics.checking import repair_of
from sayso.errors import ModelError, PreflightError
from sayso.evaluation.takes import SCOPES
from sayso.i18n import say
from sayso.loop.bench.answering import EMPTY, PRAISE, Kept, learnt, tested
from sayso.loop.bench.suite import Item
from sayso.loop.bench.tiers import SMALL, SMALL_RATES, Condition, Tier
from sayso.loop.learning import holds
from sayso.methods import METHODS, Method
from sayso.records import Comment, Example, Prompt, Refinement, Response

if TYPE_CHECKING:
    from sayso.batches import Row
    from sayso.models.local import LocalModel
    from sayso.training.drawing import Drawing
    from sayso.training.guard import Anchors
    from sayso.training.settings import Train


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """What is taught: a comment, the one that stands in for it in the shuffled control, the condition, and how much."""

    item: Item
    other: Item
    condition: Condition
    seed: int
    drafts: int
    """The first so many of the drafts."""


def teach(model: LocalModel, lesson: Lesson, written: Kept, before: Kept, tier: Tier) -> Kept:
    """Train a freshly loaded model on the lesson and return its answers; `written` are its drafts, `before` its answers."""
    from sayso.evaluation import heldout
    from sayso.training import optimizer
    from sayso.training.drawing import source

    started = perf_counter()
    item = lesson.item
    method, settings = method_of(model, lesson.condition.method, tier, lesson.seed)
    examples = examples_of(lesson, written)
    kept: Kept = {"examples": len(examples), "tokens_trained": 0, "tokens_anchors": 0, "refused": "", "diverged": ""}
    rows_out = _samples(model, item, before, tier)
    policy = model
    if examples:
        untaught = heldout.loss(model, rows_out).loss
        policy = optimizer.prepare(model, settings)
        anchors = anchors_of(policy, item, written, tier) if lesson.condition.guard and not holds(method) else None
        given = [*examples, *held_by(method, item, written, tier)]
        kept |= train(policy, method, source(method, given, policy), settings, anchors)
        kept["divergence"] = heldout.loss(policy, rows_out).loss - untaught
    else:
        kept |= {"refused": "nothing to learn from", "divergence": 0.0}
    kept["seconds_training"] = round(perf_counter() - started, 3)
    answers = answer(policy, item, tier) if examples else {scope: before[scope] for scope in SCOPES}
    written_tokens = sum(len(policy.encode_response(text)) for texts in answers.values() for text in texts)
    return {**kept, "answers": answers, "tokens_tested": written_tokens, "seconds": round(perf_counter() - started, 3)}


def method_of(model: LocalModel, name: str, tier: Tier, seed: int) -> tuple[Method, Train]:
    """Return a method and how it is trained: as many rows a step as every other, at a rate that suits the model's size."""
    method: Method = registry.load(METHODS, name, kind="method")()
    rate = tier.train.learning_rate
    if rate is None and model.num_parameters() < SMALL:
        rate = SMALL_RATES.get(name)
    groups = max(1, tier.rows_per_step // method.group)
    return method, replace(tier.train, learning_rate=rate, per_device_train_batch_size=groups, seed=seed)


def examples_of(lesson: Lesson, written: Kept) -> list[Example]:
    """Return what a condition learns from: the drafts that fail, what is said of them, and what is better."""
    comment = _comment(lesson)
    texts = _refinements(lesson, written)
    found = []
    prompts = lesson.item.learn["in"][: lesson.drafts]
    for prompt, text, met, better in zip(prompts, written["in"], written["met"], texts, strict=False):
        if met or better is None:
            continue
        response = Response(prompt=prompt, text=text)
        refinement = Refinement(response=response, text=better, addresses=(comment.id,), refiner="bench", source="tool")
        found.append(Example(prompt=prompt, response=response, comments=(comment,), refinement=refinement))
    return found


def _comment(lesson: Lesson) -> Comment:
    texts = {"empty": EMPTY, "praise": PRAISE, "other": lesson.other.comment(lesson.seed).text}
    return lesson.item.comment(lesson.seed, text=texts.get(lesson.condition.refinements))


def _refinements(lesson: Lesson, written: Kept) -> Sequence[str | None]:
    source = lesson.condition.refinements
    if source not in ("rule", "other"):
        return written[source]  # type: ignore[no-any-return]
    repair = repair_of((lesson.item if source == "rule" else lesson.other).check)
    assert repair is not None, "every check of the suite has a repair"
    return [repair(text) for text in written["in"]]


def anchors_of(policy: LocalModel, item: Item, written: Kept, tier: Tier) -> Anchors:
    """Return the model's own drafts near and out of scope, as the scope guard's rows."""
    from sayso.training import guard

    scopes = learnt(item, tier)
    near, out = (
        guard.anchor_rows(policy, _filled(zip(scopes[scope], written[scope], strict=True))) for scope in ("near", "out")
    )
    return guard.Anchors(settings=tier.guard, near=near, out=out)


def held_by(method: Method, item: Item, written: Kept, tier: Tier) -> list[Example]:
    """Return the model's own drafts near and out of scope for a method that holds the model itself; else nothing."""
    scopes = learnt(item, tier) if holds(method) else {}
    return [
        Example(prompt=prompt, response=Response(prompt=prompt, text=text), scope=scope)
        for scope in SCOPES
        if scope in scopes
        for prompt, text in _filled(zip(scopes[scope], written[scope], strict=True))
    ]


def _filled(pairs: Iterator[tuple[Prompt, str]]) -> Iterator[tuple[Prompt, str]]:
    return (pair for pair in pairs if pair[1].strip())


def train(
    policy: LocalModel, method: Method, rows: Sequence[Row] | Drawing, settings: Train, anchors: Anchors | None
) -> dict[str, Any]:
    """Run the one training loop; say how many tokens it read, and why it broke off where it did."""
    from sayso.training import steps
    from sayso.training.drawing import Drawing

    found: dict[str, Any] = {"tokens_trained": 0, "tokens_anchors": 0, "loss": [], "refused": "", "diverged": ""}
    if not isinstance(rows, Drawing):
        rows = filled(rows, group=method.group, groups=settings.groups_per_step)
    try:
        for step in steps.steps(method, policy, rows, settings, guard=anchors):
            found["tokens_trained"] += step.tokens
            found["tokens_anchors"] += _anchor_tokens(anchors, step.step - 1, settings.seed)
            found["loss"].append(round(step.loss, 4))
    except PreflightError as error:
        found["refused"] = say(error)
    except ModelError as error:  # the loss is not finite: what is left is measured, and flagged
        found["diverged"] = say(error)
    return found


def filled(rows: Sequence[Row], *, group: int, groups: int) -> list[Row]:
    """Return the rows with their first groups again, so that every step has as many: the budget does not hang on how many
    drafts failed.
    """
    missing = -(len(rows) // group) % groups * group
    again = list(rows) * (1 + missing // max(1, len(rows)))
    return [*rows, *again[:missing]]


def _anchor_tokens(anchors: Anchors | None, step: int, seed: int) -> int:
    from sayso.training.order import endless

    if anchors is None:
        return 0
    size = anchors.settings.rows_per_step
    return sum(
        len(row.ids) for _name, rows, _weight in anchors.kinds() for row in endless(rows, step=step, size=size, seed=seed)
    )


def answer(policy: LocalModel, item: Item, tier: Tier) -> dict[str, list[str]]:
    """Answer a comment's test prompts greedily."""
    asked = tested(item, tier)
    texts = iter(policy.generate([prompt for scope in SCOPES for prompt in asked[scope]], tier.sampling(temperature=0)))
    return {scope: [next(texts) for _prompt in asked[scope]] for scope in SCOPES}


def _samples(model: LocalModel, item: Item, before: Kept, tier: Tier) -> list[Row]:
    """Return the untaught model's own answers out of scope: how much less likely they become is the divergence from it."""
    from sayso.batches import row

    pairs = zip(tested(item, tier)["out"], before["samples"], strict=True)
    return [row(model.encode_prompt(prompt), model.encode_response(text)) for prompt, text in pairs]
