"""Many rows in one line, without rewriting a model: an attention function registered with transformers.

A packed line is (1, N) ids with positions that restart and the rows' bounds as a keyword of the forward call. Attention then
runs row by row; without bounds the function is transformers' own, so padded batches and generation work as before. On a CPU
all rows of a line are one node of the gradient's graph, which runs PyTorch's flash kernel on each row.

Letters: B lines, T tokens asking, S tokens attended to, H heads, K key heads, D and E their sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from sayso.batches import Batch
from sayso.models.arithmetic import plain_products

ATTENTION = "sayso_packed"
_FLASH = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_FLASH_BACKWARD = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
_LAYERS = {"full_attention", "sliding_attention"}


def packed_attention(
    module: nn.Module,
    query: Float[Tensor, "B H T D"],
    key: Float[Tensor, "B K S D"],
    value: Float[Tensor, "B K S E"],
    attention_mask: Tensor | None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attend inside each row of one packed line, causally where the layer does; without `row_bounds` as transformers do."""
    bounds = kwargs.pop("row_bounds", None)
    if bounds is None:
        with plain_products():
            out, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
        return out, None
    repeats = query.shape[1] // key.shape[1]
    key, value = repeat_kv(key, repeats), repeat_kv(value, repeats)
    window = kwargs.get("sliding_window")
    causal = bool(getattr(module, "is_causal", True))
    if query.device.type == "cpu" and window is None and not kwargs.get("dropout") and query.shape[-1] == value.shape[-1]:
        out = _FlashRows.apply(query, key, value, bounds, causal, kwargs.get("scaling"))  # type: ignore[no-untyped-call]
        return out.transpose(1, 2).contiguous(), None  # (1, N, H, E)
    lines = [
        scaled_dot_product_attention(
            query[:, :, start:end], key[:, :, start:end], value[:, :, start:end],
            attn_mask=_band(end - start, window, query.device) if causal else None,
            dropout_p=kwargs.get("dropout", 0.0),
            is_causal=causal and (window is None or end - start <= window),
            scale=kwargs.get("scaling"),
        )
        for start, end in pairwise(bounds)
    ]  # fmt: skip
    return torch.cat(lines, dim=2).transpose(1, 2).contiguous(), None  # (1, N, H, E)


class _FlashRows(torch.autograd.Function):
    """Attention inside each row, by PyTorch's flash kernel for CPUs; computed in float32 where less is given."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        bounds: Sequence[int],
        causal: bool,  # noqa: FBT001
        scale: float | None,
    ) -> Tensor:
        wide = [item if item.dtype == torch.float64 else item.float() for item in (query, key, value)]
        out, sums = torch.empty_like(wide[0]), []
        with plain_products():
            for start, end in pairwise(bounds):
                parts = [item[:, :, start:end] for item in wide]
                out[:, :, start:end], total = _FLASH(*parts, 0.0, causal, scale=scale)
                sums.append(total)
        ctx.save_for_backward(*wide, out, *sums)
        ctx.bounds, ctx.causal, ctx.scale, ctx.given = bounds, causal, scale, query.dtype
        return out.to(query.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        saved: tuple[Tensor, ...] = ctx.saved_tensors
        wide, out, sums = saved[:3], saved[3], saved[4:]
        gradient = gradient.to(out.dtype)
        found = [torch.empty_like(out) for _ in wide]
        with plain_products():
            for (start, end), total in zip(pairwise(ctx.bounds), sums, strict=True):
                parts = [item[:, :, start:end] for item in (gradient, *wide, out)]
                pieces = _FLASH_BACKWARD(*parts, total, 0.0, ctx.causal, scale=ctx.scale)
                for whole, piece in zip(found, pieces, strict=True):
                    whole[:, :, start:end] = piece
        return (*(item.to(ctx.given) for item in found), None, None, None)


def packed_inputs(batch: Batch) -> dict[str, Any]:
    """Return the forward call's arguments for a packed batch.

    The four-dimensional mask is never read: transformers hands such a mask on as it is instead of making one of N x N.
    """
    unread = torch.zeros((1, 1, 1, 1), device=batch.ids.device)
    return {
        "input_ids": batch.ids,
        "position_ids": batch.positions,
        "attention_mask": unread,
        "row_bounds": batch.bounds,
    }


def switch_on(module: Any) -> str:
    """Make a causal model attend through `packed_attention`; return why it cannot, or an empty string.

    `module` is as it was when the answer is not empty. Whether the results agree is for the caller to compare.
    """
    others = set(getattr(module.config.get_text_config(), "layer_types", None) or ()) - _LAYERS
    if others:
        return f"its layers attend in ways a packed line does not know: {', '.join(sorted(others))}"
    if not module._can_set_attn_implementation():
        return f"{type(module).__name__} does not go through transformers' attention interface"
    before = module.config._attn_implementation
    if before != "sdpa":
        return f"it attends by {before!r}, not by 'sdpa'"
    module.set_attn_implementation(ATTENTION)
    return ""


def switch_off(module: Any) -> None:
    """Make a causal model attend as transformers loads it."""
    module.set_attn_implementation("sdpa")


def _band(length: int, window: int | None, device: torch.device) -> Bool[Tensor, "T T"] | None:
    """Return the mask of a sliding window, or None where the row is no longer than it."""
    if window is None or length <= window:
        return None
    ones = torch.ones((length, length), dtype=torch.bool, device=device)
    return ones.tril() & ones.triu(1 - window)


AttentionInterface.register(ATTENTION, packed_attention)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)
