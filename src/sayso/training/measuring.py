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

if TYPE_CHECKING:
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


@torch.no_grad()
def measure(policy: LocalModel, rows: Rows, *, step: int, max_tokens: int) -> Measured:
    """Return the mean loss over rows, and what that is in bits for every byte of the text that was to be foretold."""
    total, count = 0.0, 0.0
    for part in micro_batches(rows, group=1, max_tokens=max_tokens):  # type: ignore[arg-type]  # a sequence, all the same
        batch = collate(part, packed=policy.packed, pad_id=policy.pad_id, device=policy.device)
        with quick_products():
            total -= float((policy.token_logprobs(batch) * batch.weights).sum())
        count += float(batch.weights.sum())
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
