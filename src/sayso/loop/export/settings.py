"""Which of our settings another trainer has, under its own names, and which of them it has not."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from sayso.i18n import gettext as _
from sayso.loop.export.reading import DataSet
from sayso.loop.learning import holds
from sayso.store.bridges.results import Lost

IN_ROWS: dict[str, frozenset[str]] = {
    "sft": frozenset({"last_turn_only"}),
    "conditional": frozenset(
        {"form", "template", "positive", "praise", "unconditioned", "chain_length"},
    ),
    "critique": frozenset({"answer_weight", "critique_weight"}),
    "cut": frozenset({"template"}),
    "polarity": frozenset({"refinements"}),
    "hindsight": frozenset({"template", "show_response", "answer", "on_policy"}),
}
"""Settings of methods that are spent when the rows are made; what of them is lost, the rows' own losses say."""
_OFF: dict[str, Any] = {
    "ld_alpha": 1.0, "near_weight": 0.0, "out_weight": 0.0, "kl_share": 0.0, "sft_weight": 0.0, "contrast": "none",
    "where": "all", "clip": None,
}  # fmt: skip
"""Values at which a setting says what a trainer does that has no such setting."""


def method_settings(found: DataSet) -> dict[str, Any]:
    """Return the method's settings that are not spent in its rows."""
    method: Any = found.method
    spent = IN_ROWS.get(found.name, frozenset()) | {"learning_rate"}
    return {item.name: getattr(method, item.name) for item in dataclasses.fields(method) if item.name not in spent}


def learning_rate(found: DataSet) -> float:
    """Return the rate of the settings, or the method's own."""
    given = found.settings.train.learning_rate
    return found.method.learning_rate if given is None else given


def class_weights(found: DataSet) -> tuple[float, float]:
    """Return what a praised and what a blamed answer weighs, balanced automatically where the settings do not say."""
    from sayso.methods.polarity import GOOD

    weights = {line.kind == GOOD: line.weight for line in found.lines}
    return weights.get(True, 1.0), weights.get(False, 1.0)


def training(found: DataSet, *, per_prompt: int = 1) -> dict[str, Any]:
    """Return the run's settings in the names of transformers' TrainingArguments, which all these trainers take.

    `per_prompt` says how many answers a trainer draws to a prompt and counts one by one.
    """
    train = found.settings.train
    groups = _groups(found)
    return {
        "learning_rate": learning_rate(found),
        **({"max_steps": train.max_steps} if train.max_steps else {"num_train_epochs": train.num_train_epochs}),
        "per_device_train_batch_size": groups * per_prompt,
        "gradient_accumulation_steps": train.gradient_accumulation_steps,
        "lr_scheduler_type": {"constant": "constant_with_warmup"}.get(train.lr_scheduler_type, train.lr_scheduler_type),
        "weight_decay": train.weight_decay,
        "adam_beta1": train.adam_beta1,
        "adam_beta2": train.adam_beta2,
        "adam_epsilon": train.adam_epsilon,
        "max_grad_norm": train.max_grad_norm,
        "seed": train.seed,
        **({"save_steps": train.save_steps} if train.save_steps else {"save_strategy": "epoch"}),
        **({"save_total_limit": train.save_total_limit} if train.save_total_limit else {}),
        "bf16": bool(train.bf16),
        "logging_steps": 1,
    }


def _groups(found: DataSet) -> int:
    """Return how many rows go through at once: trainers that draw answers learn nothing of fewer rows than that."""
    wanted = found.settings.train.per_device_train_batch_size
    return min(wanted, len(found.rows)) if found.form in ("hints", "tasks") else wanted


def losses(found: DataSet, carried: Iterable[str], *, ordered: bool = False) -> tuple[Lost, ...]:
    """Return everything that is not in the folder, or stands there and is not learnt.

    `carried` names the method's settings that the trainer has; `ordered` says that it takes rows in their order only.
    """
    unknown = _("the trainer has no such setting")
    lost = [*found.lost]
    for name, value in _unheard(method_settings(found), carried).items():
        lost.append(Lost(what=f"method.{name}: {value}", count=1, reason=unknown))
    lost += _otherwise(found)
    train = found.settings.train
    if train.optim != "adamw":
        lost.append(
            Lost(what=f"train.optim: {train.optim}", count=1, reason=_("the trainer's own optimizer takes its place"))
        )
    if ordered and train.train_sampling_strategy == "random":
        reason = _("its estimate of the reference point wants rows in their order")
        lost.append(Lost(what="train.train_sampling_strategy: random", count=1, reason=reason))
    if found.anchors:
        reason = _("the trainer has no second loss that holds the model; they stand in a file of their own")
        lost.append(Lost(what=_("anchors"), count=len(found.anchors), reason=reason))
        if not holds(found.method):
            lost.append(Lost(what="guard", count=1, reason=unknown))
    return tuple(lost)


def _otherwise(found: DataSet) -> list[Lost]:
    """Return what the trainer has and does in another way."""
    method: Any = found.method
    weight = getattr(method, "sft_weight", 0.0)
    lost = []
    if found.form == "pairs" and weight:
        reason = _("its mean may be over the tokens of a batch; ours is over each refinement first")
        lost.append(Lost(what=f"method.sft_weight: {weight}", count=1, reason=reason))
    rest = len(found.rows) % _groups(found) if found.rows else 0
    if found.form in ("hints", "tasks") and rest:
        lost.append(Lost(what=_("rows of each epoch"), count=rest, reason=_("a step that is not full is left out")))
    return lost


def _unheard(settings: Mapping[str, Any], carried: Iterable[str]) -> dict[str, Any]:
    """Return the settings that say something and are not heard."""
    silent = {name for name, value in settings.items() if name in _OFF and value == _OFF[name]}
    return {name: value for name, value in settings.items() if name not in {*carried, *silent}}
