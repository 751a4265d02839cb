"""One comment is taught under one condition, and the model answers the test prompts again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from sayso import registry
from sayso.errors import ModelError, PreflightError
from sayso.evaluation.takes import SCOPES
from sayso.i18n import say
from sayso.loop.bench.answering import Kept, tested
from sayso.loop.bench.material import HELD, Lesson, examples_of, held
from sayso.loop.bench.suite import Item
from sayso.loop.bench.tiers import SMALL, SMALL_RATES, Tier
from sayso.loop.learning import holds
from sayso.methods import METHODS, Method

if TYPE_CHECKING:
    from sayso.batches import Row
    from sayso.models.local import LocalModel
    from sayso.records import Example
    from sayso.training.engine.drawing import Drawing
    from sayso.training.engine.guard import Anchors
    from sayso.training.settings import Train

T = TypeVar("T")


def teach(model: LocalModel, lesson: Lesson, written: Kept, before: Kept, tier: Tier) -> Kept:
    """Train a freshly loaded model on the lesson and return its answers; `written` are its drafts, `before` its answers."""
    from sayso.evaluation import heldout
    from sayso.training.engine import optimizer

    started = perf_counter()
    item = lesson.item
    method, settings = method_of(model, lesson.condition.method, tier, lesson.seed)
    examples = examples_of(lesson, written, method, tier)
    kept: Kept = {"examples": len(examples), "tokens_trained": 0, "tokens_anchors": 0, "refused": "", "diverged": ""}
    rows_out = samples(model, item, before, tier)
    policy = model
    if examples:
        untaught = heldout.loss(model, rows_out).loss
        policy = optimizer.prepare(model, settings)
        guarded = lesson.condition.guard and not holds(method)
        anchors = anchors_of(policy, held([item], [written], tier), tier) if guarded else None
        kept |= train(policy, method, examples, settings, anchors)
        kept["divergence"] = heldout.loss(policy, rows_out).loss - untaught
    else:
        kept |= {"refused": "nothing to learn from", "divergence": 0.0}
    kept["seconds_training"] = round(perf_counter() - started, 3)
    answers = answer(policy, item, tier) if examples else {scope: before[scope] for scope in SCOPES}
    written_tokens = sum(len(policy.encode_response(text)) for texts in answers.values() for text in texts)
    return {**kept, "answers": answers, "tokens_tested": written_tokens, "seconds": round(perf_counter() - started, 3)}


def method_of(model: LocalModel, name: str, tier: Tier, seed: int, *, lessons: int = 1) -> tuple[Method, Train]:
    """Return a method and how it is trained: as many rows a step as every other, at a rate that suits the model's size.

    One that draws answers while training draws as many first ones a step as others read rows, where it can, and of the
    length of the test answers. `lessons` at once have so many times the steps.
    """
    method: Any = registry.load(METHODS, name, kind="method")()
    drawn = 1
    if getattr(method, "on_policy", False):
        method = replace(method, max_new_tokens=tier.max_new_tokens) if hasattr(method, "max_new_tokens") else method
        drawn = getattr(method, "num_generations", 1)
    rate = tier.train.learning_rate
    if rate is None and model.num_parameters() < SMALL:
        rate = SMALL_RATES.get(name)
    groups = max(1, tier.rows_per_step // (method.group * drawn))
    most = tier.train.max_steps * lessons
    return method, replace(tier.train, learning_rate=rate, per_device_train_batch_size=groups, max_steps=most, seed=seed)


def anchors_of(policy: LocalModel, examples: Sequence[Example], tier: Tier) -> Anchors:
    """Return answers near and out of scope as the scope guard's rows."""
    from sayso.training.engine import guard

    near, out = (
        guard.anchor_rows(
            policy, ((each.prompt, each.response.text) for each in examples if each.response and each.scope == scope)
        )
        for scope in HELD
    )
    return guard.Anchors(settings=tier.guard, near=near, out=out)


def train(policy: LocalModel, method: Method, examples: Sequence[Example], settings: Train, anchors: Anchors | None) -> Kept:
    """Run the one training loop; say how many tokens it read, and why it broke off where it did."""
    from sayso.training import steps

    found: Kept = {
        "tokens_trained": 0, "tokens_anchors": 0, "answers_drawn": 0, "loss": [], "refused": "", "diverged": "",
    }  # fmt: skip
    try:
        rows = source_of(method, examples, policy, settings)
        for step in steps.steps(method, policy, rows, settings, guard=anchors):
            found["tokens_trained"] += step.tokens
            found["tokens_anchors"] += _anchor_tokens(anchors, step.step - 1, settings.seed)
            found["answers_drawn"] += step.answers
            found["loss"].append(round(step.loss, 4))
    except PreflightError as error:
        found["refused"] = say(error)
    except ModelError as error:  # the loss is not finite: what is left is measured, and flagged
        found["diverged"] = say(error)
    return found


def source_of(method: Method, examples: Sequence[Example], policy: LocalModel, settings: Train) -> Sequence[Row] | Drawing:
    """Return what a method learns from, so much of it that every step is full."""
    from sayso.training.engine.drawing import Drawing, source

    found, groups = source(method, examples, policy), settings.groups_per_step
    if isinstance(found, Drawing):
        return replace(found, tasks=tuple(filled(found.tasks, group=1, groups=groups)))
    return filled(found, group=method.group, groups=groups)


def filled(rows: Sequence[T], *, group: int, groups: int) -> list[T]:
    """Return the rows with their first groups again, so that every step has as many: the budget does not hang on how many
    drafts failed.
    """
    missing = -(len(rows) // group) % groups * group
    again = list(rows) * (1 + missing // max(1, len(rows)))
    return [*rows, *again[:missing]]


def _anchor_tokens(anchors: Anchors | None, step: int, seed: int) -> int:
    from sayso.training.engine.order import endless

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


def samples(model: LocalModel, item: Item, before: Kept, tier: Tier) -> list[Row]:
    """Return the untaught model's own answers out of scope: how much less likely they become is the divergence from it."""
    from sayso.batches import row

    pairs = zip(tested(item, tier)["out"], before["samples"], strict=True)
    return [row(model.encode_prompt(prompt), model.encode_response(text)) for prompt, text in pairs]
