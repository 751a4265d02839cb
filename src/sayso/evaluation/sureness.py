"""How sure a model was of what it wrote: the order in which people look at the least certain answers first goes by it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sayso.batches import Row, collate, micro_batches, row
from sayso.evaluation.parts import Each, alone
from sayso.models.local import LocalModel
from sayso.records import Response

MAX_TOKENS = 8192
"""Tokens that are read at once."""


def sureness(model: LocalModel, responses: Sequence[Response], *, each: Each = alone) -> dict[str, float]:
    """Return the mean log-probability (nats) of a token of each response by its id, the end of the answer included.

    A response that has no room behind its prompt is left out.
    """
    rows = []
    for response in responses:
        context, said = model.encode_prompt(response.prompt), model.encode_response(response.text)
        if len(context) + len(said) <= model.max_length:
            rows.append(row(context, said, label=response.id))
    parts = micro_batches(rows, group=1, max_tokens=max(MAX_TOKENS, model.max_length))
    found = each(lambda part: _means(model, part), parts)
    return {label: value for some in found for label, value in some.items()}


@torch.no_grad()
def _means(model: LocalModel, rows: Sequence[Row]) -> dict[str, float]:
    batch = collate(rows, packed=model.packed, pad_id=model.pad_id, device=model.device)
    sums = batch.row_sums(model.token_logprobs(batch).double().to(batch.weights.device)).tolist()
    return {one.label: total / one.num_targets for one, total in zip(rows, sums, strict=True)}
