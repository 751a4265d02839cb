"""How a model that is no network writes: token after token, many texts together, each from its own stream of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch

from sayso.models.writing.generation import choose, seeds, streams
from sayso.models.writing.sampling import Sampling

State = TypeVar("State")


def write(
    prefixes: Sequence[Sequence[int]],
    sampling: Sampling,
    *,
    end_id: int,
    begin: Callable[[Sequence[int]], State],
    foretell: Callable[[Sequence[State]], np.ndarray[Any, Any]],
    read: Callable[[State, int], State],
) -> list[list[int]]:
    """Continue each prefix up to and with the end token, or for `max_new_tokens` tokens, and return what was added.

    `begin` makes the state after a prefix, `read` the state after one more token, `foretell` the log-probabilities (B, V)
    of what comes next in each of B states.
    """
    numbers = streams(seeds(prefixes, sampling.seed), sampling)
    answers: list[list[int]] = [[] for _ in prefixes]
    states = {number: begin(ids) for number, ids in enumerate(prefixes)}
    for step in range(sampling.max_new_tokens):
        if not states:
            break
        lines = list(states)
        chosen: list[int] = []
        for first in range(0, len(lines), sampling.batch_size):
            part = lines[first : first + sampling.batch_size]
            logits = torch.from_numpy(foretell([states[line] for line in part]))
            chosen += choose(logits, numbers[part, step], sampling).tolist()
        for line, token in zip(lines, chosen, strict=True):
            answers[line].append(token)
            if token == end_id:
                del states[line]
            else:
                states[line] = read(states[line], token)
    return answers
