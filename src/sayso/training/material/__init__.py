"""What there is to learn from: files become rows of ids, mixed, masked or corrupted as their objective wants.

`data` encodes texts and conversations once, `asked` when a step wants them; `mixture` weighs files; `lessons` are rows of a
task; `masking`, `denoising` and `corrupting` are the objectives of encoders; `hidden` is what a hidden Markov model learns
from; `samples` are written while training.
"""

from __future__ import annotations

__all__: list[str] = []
