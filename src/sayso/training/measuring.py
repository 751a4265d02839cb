"""What a model costs on rows that it does not learn from, measured while it is trained and written down."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sayso.batches import collate, micro_batches
from sayso.models.arithmetic import quick_products
from sayso.training import run
from sayso.training.engine.distributed import in_shards
from sayso.training.engine.place import each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sayso.batches import Row
    from sayso.models.local import LocalModel
    from sayso.training.material.mixture import Rows

VALIDATION = "validation.jsonl"


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What a model costs on rows: nats a token, bits a byte of the text, over how many tokens."""

    step: int
    loss: float
    bits_per_byte: float
    tokens: int


def measure(policy: LocalModel, rows: Rows, *, step: int, max_tokens: int) -> Measured:
    """Return the mean loss over rows, and what that is in bits for every byte of the text that was to be foretold.

    Of several processes (`training.place`), which all must ask, each scores a share.
    """

    def cost(part: Sequence[Row]) -> tuple[float, float]:
        batch = collate(part, packed=policy.packed, pad_id=policy.pad_id, device=policy.device)
        with torch.no_grad(), quick_products():
            return -float((policy.token_logprobs(batch) * batch.weights).sum()), float(batch.weights.sum())

    parts = micro_batches(rows, group=1, max_tokens=max_tokens)  # type: ignore[arg-type]  # a sequence, all the same
    found = [cost(part) for part in parts] if in_shards(policy) else each(cost, parts)
    total, count = sum(nats for nats, _counted in found), sum(counted for _nats, counted in found)
    bits = total / math.log(2) / rows.facts.num_bytes if rows.facts.num_bytes else math.nan
    return Measured(step=step, loss=total / count, bits_per_byte=bits, tokens=int(count))


def note(folder: Path, found: Measured) -> None:
    """Append a measurement; those of steps that are done again are dropped."""
    before = [line for line in _noted(folder) if line["step"] < found.step]
    run.write_whole(folder / VALIDATION, "".join(json.dumps(line) + "\n" for line in [*before, asdict(found)]))


def _noted(folder: Path) -> list[dict[str, Any]]:
    path = folder / VALIDATION
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def last(folder: Path, *, step: int | None = None) -> Measured | None:
    """Return the last measurement of a run, or the one after a step; None where there is none."""
    noted = [line for line in _noted(folder) if step is None or line["step"] == step]
    return Measured(**noted[-1]) if noted else None
