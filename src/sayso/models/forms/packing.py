"""Many rows in one line, without rewriting a model: an attention function registered with transformers.

A packed line is (1, N) ids with positions that restart and the rows' bounds as a keyword of the forward call. Attention then
runs row by row; without bounds the function is transformers' own, so padded batches and generation work as before. On a CPU
all rows of a line are one node of the gradient's graph, which runs PyTorch's flash kernel on each row. A row whose beginning
stands elsewhere in the line (`Batch.prefixes`, see `sharing`) attends to that too: on a CPU piece by piece, merged by the
pieces' shares of the normalising sum (arXiv 2205.14135, section 3.1), on other devices to all of it at once, under a mask.

Letters: B lines, T tokens asking, S tokens attended to, H heads, K key heads, D and E their sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
FLASH_DEVICE = "cpu"
ROW_KEYWORDS = ("row_bounds", "row_prefixes")
"""What a packed line adds to the forward call."""
_LAYERS = {"full_attention", "sliding_attention"}


@dataclass(slots=True)
class Opaque:
    """Something that a compiler shall not look into."""

    value: Any


def plainly(value: Any) -> Any:
    """Return a thing, also from inside an `Opaque`."""
    return value.value if isinstance(value, Opaque) else value


def packed_attention(
    module: nn.Module,
    query: Float[Tensor, "B H T D"],
    key: Float[Tensor, "B K S D"],
    value: Float[Tensor, "B K S E"],
    attention_mask: Tensor | None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attend inside each row of one packed line, causally where the layer does; without `row_bounds` as transformers do."""
    bounds, prefixes = (plainly(kwargs.pop(name, default)) for name, default in zip(ROW_KEYWORDS, (None, ()), strict=True))
    if bounds is None:
        with plain_products():
            out, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
        return out, None
    repeats = query.shape[1] // key.shape[1]
    key, value = repeat_kv(key, repeats), repeat_kv(value, repeats)
    window = kwargs.get("sliding_window")
    causal = bool(getattr(module, "is_causal", True))
    flash = query.device.type == FLASH_DEVICE and query.shape[-1] == value.shape[-1]
    if flash and window is None and not kwargs.get("dropout"):
        pieces = _pieces(bounds, prefixes)
        out = _FlashRows.apply(query, key, value, pieces, causal, kwargs.get("scaling"))  # type: ignore[no-untyped-call]
        return out.transpose(1, 2).contiguous(), None  # (1, N, H, E)
    lines = []
    for before, (start, end) in _pieces(bounds, prefixes):
        keys, values = (torch.cat([item[:, :, a:b] for a, b in (*before, (start, end))], dim=2) for item in (key, value))
        length = keys.shape[2]
        whole = not before and (window is None or length <= window)
        lines.append(scaled_dot_product_attention(
            query[:, :, start:end], keys, values,
            attn_mask=_band(length, window, query.device)[start - end :] if causal and not whole else None,
            dropout_p=kwargs.get("dropout", 0.0), is_causal=causal and whole, scale=kwargs.get("scaling"),
        ))  # fmt: skip
    return torch.cat(lines, dim=2).transpose(1, 2).contiguous(), None  # (1, N, H, E)


Range = tuple[int, int]


def _pieces(bounds: Sequence[int], prefixes: Sequence[Sequence[Range]]) -> list[tuple[Sequence[Range], Range]]:
    """Return for each row where its beginning stands, if not before its own tokens, and where those stand."""
    own = list(pairwise(bounds))
    return list(zip(prefixes or [()] * len(own), own, strict=True))


class _FlashRows(torch.autograd.Function):
    """Attention inside each row, by PyTorch's flash kernel for CPUs; computed in float32 where less is given."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        rows: Sequence[tuple[Sequence[Range], Range]],
        causal: bool,  # noqa: FBT001
        scale: float | None,
    ) -> Tensor:
        wide = [item if item.dtype == torch.float64 else item.float() for item in (query, key, value)]
        out, sums = torch.empty_like(wide[0]), []
        with plain_products():
            for before, (start, end) in rows:
                asking, *seen = (item[:, :, start:end] for item in wide)
                found, total = _FLASH(asking, *seen, 0.0, causal, scale=scale)
                for first, last in before:
                    seen = [item[:, :, first:last] for item in wide[1:]]
                    found, total = _merged(found, total, *_FLASH(asking, *seen, scale=scale))
                out[:, :, start:end] = found
                sums.append(total)
        ctx.save_for_backward(*wide, out, *sums)
        ctx.rows, ctx.causal, ctx.scale, ctx.given = rows, causal, scale, query.dtype
        return out.to(query.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        saved: tuple[Tensor, ...] = ctx.saved_tensors
        wide, out, sums = saved[:3], saved[3], saved[4:]
        gradient = gradient.to(out.dtype)
        found = [torch.empty_like(out) for _ in wide]
        with plain_products():
            for (before, own), total in zip(ctx.rows, sums, strict=True):
                for place in (own, *before):  # a beginning is an earlier row's own, and has been written there
                    pieces = _piece_backward(ctx, (gradient, *wide, out, total), own, place)
                    for whole, piece, (first, last) in zip(found, pieces, (own, place, place), strict=True):
                        if place is own:
                            whole[:, :, first:last] = piece
                        else:
                            whole[:, :, first:last] += piece
        return (*(item.to(ctx.given) for item in found), None, None, None)


def _piece_backward(ctx: Any, given: Sequence[Tensor], own: Range, place: Range) -> Sequence[Tensor]:
    """Return the gradients of a row's queries, and of the keys and values of a piece of what they attend to."""
    gradient, query, key, value, out, total = given
    (start, end), (first, last) = own, place
    asking = gradient[:, :, start:end], query[:, :, start:end]
    seen = key[:, :, first:last], value[:, :, first:last], out[:, :, start:end], total
    found: Sequence[Tensor] = _FLASH_BACKWARD(*asking, *seen, 0.0, ctx.causal and place == own, scale=ctx.scale)
    return found


def _merged(out: Tensor, total: Tensor, more: Tensor, more_total: Tensor) -> tuple[Tensor, Tensor]:
    """Return attention to two sets of keys from attention to each, with the logarithms of their normalising sums."""
    together = torch.logaddexp(total, more_total)
    shares = [(part - together).exp()[..., None].to(out.dtype) for part in (total, more_total)]
    return out * shares[0] + more * shares[1], together


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
        "row_prefixes": batch.prefixes,
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


def expect_compiler() -> None:
    """Let `torch.compile` go around the packed attention, which it cannot look into."""
    AttentionInterface.register(ATTENTION, torch.compiler.disable(packed_attention))  # type: ignore[no-untyped-call]


def _band(length: int, window: int | None, device: torch.device) -> Bool[Tensor, "T T"]:
    """Return the causal mask of a row, with a sliding window where there is one."""
    causal = torch.ones((length, length), dtype=torch.bool, device=device).tril()
    return causal if window is None else causal.triu(1 - window)


AttentionInterface.register(ATTENTION, packed_attention)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)
