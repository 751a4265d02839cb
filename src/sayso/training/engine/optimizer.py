"""The weights that are trained, AdamW on them, and the learning rate as a function of the step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from sayso.errors import ModelError
from sayso.models import adapters
from sayso.training.settings import LOWEST_RATE, Train

if TYPE_CHECKING:
    from sayso.models.local import LocalModel


def prepare(policy: LocalModel, settings: Train) -> LocalModel:
    """Return the model as `settings` want to train it: with a fresh adapter, going on in the one it carries, or whole.

    Raises:
        ModelError: no adapter fits the model.
    """
    policy.dropout = settings.dropout
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


def optimizers(parameters: dict[str, torch.nn.Parameter], settings: Train) -> tuple[torch.optim.Optimizer, ...]:
    """Return what updates the parameters: AdamW, or Muon for the hidden matrices and AdamW for the rest.

    Vectors (norms, biases) are not decayed. Embeddings and the output head are not Muon's: their rows are words, not
    directions. Muon's updates are scaled to AdamW's size, so that one learning rate serves both.

    Source: Muon is Jordan et al. 2024; the scale is Liu et al. 2025 (arXiv 2502.16982, eq. 4).
    """
    hidden = _hidden(parameters) if settings.optim == "muon" else []
    taken = {id(parameter) for parameter in hidden}
    rest = [parameter for parameter in parameters.values() if id(parameter) not in taken]
    groups = [
        {"params": [parameter for parameter in rest if parameter.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [parameter for parameter in rest if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    found: list[torch.optim.Optimizer] = []
    if hidden:
        found.append(torch.optim.Muon(hidden, lr=0.0, weight_decay=settings.weight_decay, adjust_lr_fn="match_rms_adamw"))
    if rest:
        found.append(
            torch.optim.AdamW(
                [group for group in groups if group["params"]],
                lr=0.0,
                betas=(settings.adam_beta1, settings.adam_beta2),
                eps=settings.adam_epsilon,
                fused=True,
            )
        )
    return tuple(found)


def _hidden(parameters: dict[str, torch.nn.Parameter]) -> list[torch.nn.Parameter]:
    words = ("embed", "shared", "relative_attention_bias", "lm_head", "wte", "wpe", "score", "classifier")
    return [item for name, item in parameters.items() if item.ndim == 2 and not any(word in name for word in words)]


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
    if settings.lr_scheduler_type == "rising":
        return float(peak * LOWEST_RATE ** (1 - (step + 1 - warmup) / max(1, num_steps - warmup)))
    return peak
