"""In which precision matrix products are computed: bfloat16 where it is quicker and nothing small is compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from sayso.errors import SettingsError
from sayso.training.engine.guard import device_of
from sayso.training.settings import Train

if TYPE_CHECKING:
    from sayso.models import Policy

LEAST_WEIGHTS = 10_000_000
"""From so many on, bfloat16 is chosen unasked: so it was quicker with 15 and 135 million; fewer were not tried."""


def decided(settings: Train, policy: Policy, *, compares: bool) -> Train:
    """Return the settings with `bf16` as true or false; unset, it is what suits the method, the model and the device.

    `compares`: something is learnt from differences to the model before training, or as it drew answers.

    Raises:
        SettingsError: it is asked for, and differences are compared.
    """
    if settings.bf16 and compares:
        raise SettingsError(
            "train.bf16 is for methods that compare nothing with the model before training or with what it drew, since "
            "bfloat16 would round the differences away; set it to false, or use sft without a guard"
        )
    return replace(settings, bf16=_suits(policy) and not compares) if settings.bf16 is None else settings


def products(settings: Train, device: str | torch.device) -> torch.autocast:
    """Return a context in which matrix products are computed as the settings say."""
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bool(settings.bf16))


def _suits(policy: Policy) -> bool:
    """Whether a transformer in float32 is large enough, and its device multiplies bfloat16 quicker.

    Decided by what the device says it can do and never by timing: two runs on one machine take the same way.
    """
    weights = list(policy.module.parameters())
    large = sum(item.numel() for item in weights) >= LEAST_WEIGHTS
    return policy.packed and large and weights[0].dtype == torch.float32 and has_units(torch.device(device_of(policy)))


def has_units(device: torch.device) -> bool:
    """Whether a device has matrix or vector units for bfloat16: AMX, AVX-512 BF16, or a GPU since Ampere."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
