"""A model whose answers several processes write together: each writes a share, and all are given all."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sayso.models import Writer
from sayso.models.local import LocalModel
from sayso.models.writing.sampling import Sampling, Written
from sayso.records import Prompt
from sayso.training.engine import distributed


def together(writer: Any) -> Any:
    """Return a writer that all processes must ask for the same, and that lets each write a share.

    One behind an address is asked by the first for all. Alone, or with weights in shards, it is the writer itself.
    """
    if distributed.here().size == 1 or distributed.in_shards(writer):
        return writer
    return _sharing(writer) if isinstance(writer, LocalModel) else _ByFirst(writer=writer)


def _sharing(model: LocalModel) -> LocalModel:
    def write(prompts: Sequence[Prompt], sampling: Sampling) -> list[Written]:
        keys = [tuple(model.encode_prompt(prompt)) for prompt in prompts]
        return distributed.in_parts(lambda mine: model.write(mine, sampling), prompts, keys)

    other = copy.copy(model)
    vars(other)["write"] = write
    return other


@dataclass(frozen=True, kw_only=True, slots=True)
class _ByFirst:
    """A writer that the first process alone asks."""

    writer: Writer

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """Write one response a prompt."""
        return distributed.by_first(lambda: self.writer.generate(prompts, sampling))
