"""The weights that are trained, AdamW on them, and the learning rate as a function of the step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from sayso.errors import ModelError
from sayso.models import adapters
from sayso.training.settings import Train

if TYPE_CHECKING:
    from sayso.models.local import LocalModel


def prepare(policy: LocalModel, settings: Train) -> LocalModel:
    """Return the model as `settings` want to train it: with a fresh adapter, going on in the one it carries, or whole.

    Raises:
        ModelError: no adapter fits the model.
    """
    if not settings.use_lora:
        return adapters.merge(policy)
    if carries_adapter(policy.module):
        return policy
    lora = adapters.Lora(
        lora_r=settings.lora_r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        lora_target_modules=settings.lora_target_modules,
    )
    return adapters.attach(policy, lora, settings.seed)


def carries_adapter(module: Any) -> bool:
    """Return whether a torch module carries a peft adapter."""
    return hasattr(module, "peft_config")


def trainable(module: Any) -> dict[str, torch.nn.Parameter]:
    """Return the parameters that are trained, by name.

    Raises:
        ModelError: none is.
    """
    found = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    if not found:
        raise ModelError("the model has no trainable weight; set train.use_lora to true, or load it without freezing")
    return found


def adamw(parameters: dict[str, torch.nn.Parameter], settings: Train) -> torch.optim.AdamW:
    """Return AdamW over the parameters; vectors (norms, biases) are not decayed."""
    matrices = [parameter for parameter in parameters.values() if parameter.ndim > 1]
    vectors = [parameter for parameter in parameters.values() if parameter.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=0.0,
        betas=(settings.adam_beta1, settings.adam_beta2),
        eps=settings.adam_epsilon,
    )


def rate(step: int, num_steps: int, peak: float, settings: Train) -> float:
    """Return the learning rate of one step (from 0): a line up during warm-up, then the schedule."""
    warmup = math.ceil(num_steps * settings.warmup_ratio)
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    done = (step - warmup) / max(1, num_steps - warmup)
    if settings.lr_scheduler_type == "linear":
        return peak * (1 - done)
    if settings.lr_scheduler_type == "cosine":
        return peak * 0.5 * (1 + math.cos(math.pi * done))
    return peak
