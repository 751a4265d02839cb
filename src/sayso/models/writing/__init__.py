"""How a model writes, token after token: the settings, the draws, the beams.

    sampling      the settings of generation, and what was written
    generation    a causal network's loop, many prompts together; `beams`: a network's with an encoder
    stepwise      the same for a model that is no network
    room          whether an answer fits, said before anything is drawn

What is written depends on the prompt and the seed, not on what is written beside it.
"""

from __future__ import annotations

__all__: list[str] = []
