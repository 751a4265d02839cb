"""What every loss returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Loss:
    """A sum, what to divide it by, and further sums to report (each divided by the same count)."""

    total: Float[Tensor, ""]
    count: float
    sums: Mapping[str, float] = field(default_factory=dict)
