"""How probable the targets of a batch are: hidden states, the output head at the targets only, and a gather.

Letters: M targets, H hidden size, V vocabulary, N tokens of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sayso.batches import Batch, collate, row
from sayso.models.arithmetic import quick_products
from sayso.models.forms.apart import States
from sayso.models.forms.head import chunked, is_plain, pick
from sayso.models.forms.packing import packed_inputs, switch_off, switch_on
from sayso.models.forms.sharing import LEAST, shared

TOLERANCE = 1e-4
"""How far (nats) packed and padded log-probabilities may lie apart."""


def token_logprobs(model: Any, batch: Batch, *, head_alone: bool) -> Float[Tensor, " M"]:
    """Return the float32 log-probability of every target of a batch under a causal model, with gradient.

    `head_alone`: the output head applied to the hidden states is all there is between them and the logits
    (see `head_stands_alone`); otherwise the model makes the logits of every position itself.
    """
    with quick_products():
        if not head_alone:
            return pick(_logits(model, batch), batch.targets, spare=True)
        head = model.get_output_embeddings()
        return chunked(head, head.weight.shape[0], _hidden(model, batch), batch.targets)


def distributions(model: Any, batch: Batch, *, head_alone: bool) -> Float[Tensor, "M V"]:
    """Return the float32 log-probability of every word of the vocabulary at every target, with gradient."""
    with quick_products():
        logits = model.get_output_embeddings()(_hidden(model, batch)) if head_alone else _logits(model, batch)
    return torch.log_softmax(logits.float(), dim=1)


def states(model: Any, batch: Batch, *, head_alone: bool) -> States | None:
    """Return what the output head reads at every target, with gradient; None where the logits are more than its products."""
    head = model.get_output_embeddings()
    if not (head_alone and is_plain(head)):
        return None
    with quick_products():
        return States(hidden=_hidden(model, batch), head=head)


def _hidden(model: Any, batch: Batch) -> Float[Tensor, "M H"]:
    with _few_words(model):
        return model.base_model(**inputs(batch), use_cache=False)[0].flatten(0, 1)[batch.where]  # type: ignore[no-any-return]


@contextmanager
def _few_words(model: Any) -> Iterator[None]:
    """Let the embedding's gradient be of the words of the batch alone, where the output head adds that of all of them.

    The two are one matrix then, and their sum is an ordinary gradient; no table is filled with zeros for it.
    """
    words, head = model.get_input_embeddings(), model.get_output_embeddings()
    plain = type(words) is nn.Embedding and not words.sparse and not words.scale_grad_by_freq
    if not (plain and head.weight is words.weight and words.weight.device.type == "cpu" and torch.is_grad_enabled()):
        yield
        return
    words.sparse = True
    try:
        yield
    finally:
        words.sparse = False


def _logits(model: Any, batch: Batch) -> Float[Tensor, "M V"]:
    return model(**inputs(batch), use_cache=False).logits.flatten(0, 1)[batch.where]  # type: ignore[no-any-return]


def inputs(batch: Batch) -> dict[str, Any]:
    """Return the forward call's arguments for a batch."""
    if batch.mask is None:
        return packed_inputs(batch)
    return {"input_ids": batch.ids, "attention_mask": batch.mask.long(), "position_ids": batch.positions}


def head_stands_alone(model: Any) -> bool:
    """Whether the model's logits are its output head on its hidden states, with no scale or cap after it."""
    head = model.get_output_embeddings()
    if head is None or model.base_model is model:
        return False
    ids = probe_ids(model, 7)[None]
    with torch.no_grad():
        logits = model(input_ids=ids, use_cache=False).logits
        found = model.base_model(input_ids=ids, use_cache=False)[0]
        if found.shape[-1] != getattr(head, "in_features", found.shape[-1]):
            return False
        return bool(torch.allclose(head(found).float(), logits.float(), atol=TOLERANCE))


def supports_packing(model: Any, *, head_alone: bool) -> tuple[bool, str]:
    """Try packed against padded on two short rows; return whether they agree and, where not, why.

    On agreement the model is left attending through the packed function, which serves padded batches too.
    """
    return packs(model, lambda batch: token_logprobs(model, batch, head_alone=head_alone))


def packs(model: Any, score: Callable[[Batch], Float[Tensor, " M"]]) -> tuple[bool, str]:
    """Return what `supports_packing` does, by any way to score a batch."""
    reason = switch_on(model)
    if reason:
        return False, reason
    ids = probe_ids(model, 24).tolist()
    rows = [row(ids[:1], ids[1:9]), row(ids[9:10], ids[10:])]
    found = []
    try:
        with torch.no_grad():
            for packed in (True, False):
                batch = collate(rows, packed=packed, device=model.device)
                found.append(score(batch))
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError) as error:
        # whatever a foreign architecture makes of a packed line, it still works padded
        switch_off(model)
        return False, f"a packed line failed: {error}"
    apart = (found[0] - found[1]).abs().max().item()
    limit = _limit(model, found[0])
    if not apart <= limit:
        switch_off(model)
        return False, f"packed and padded log-probabilities differ by {apart:.1e}, more than {limit:.0e}"
    return True, "packed and padded log-probabilities agree"


def supports_sharing(model: Any, *, head_alone: bool) -> str:
    """Try two packed rows that begin alike with their beginning run twice and once; return how they differ, if they do."""
    ids = probe_ids(model, 2 * LEAST).tolist()
    batch = collate([row(ids[:LEAST], ids[LEAST:]), row(ids[:LEAST], ids[:LEAST:-1])], packed=True, device=model.device)
    with torch.no_grad():
        found = [token_logprobs(model, part, head_alone=head_alone) for part in (batch, shared(batch))]
    apart = (found[0] - found[1]).abs().max().item()
    return (
        "" if apart <= _limit(model, found[0]) else f"log-probabilities of rows that share a beginning differ by {apart:.1e}"
    )


def _limit(model: Any, found: Tensor) -> float:
    return TOLERANCE if found.dtype == model.dtype else 0.1  # below float32, rounding alone moves them


def probe_ids(model: Any, length: int) -> Int[Tensor, " T"]:
    """Return distinct ids to try a model on."""
    spread = torch.arange(length, device=model.device) * 7919  # a prime: distinct ids without a random source
    number: int = model.get_input_embeddings().num_embeddings
    return spread % number
