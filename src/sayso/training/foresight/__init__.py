"""What a training would take, before it is done: steps, tokens, seconds and memory, each with its band.

`lesson` is what is to be learnt, `trial` does a few steps of it, `peaks` reads memory, `forecast` foresees from both, and
`choosing` says what would make it fit; `outlook` is the same for fine-tuning and pretraining.
"""

from __future__ import annotations

__all__: list[str] = []
