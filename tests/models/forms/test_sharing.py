"""What rows have in common at their beginning runs once, and changes neither log-probabilities nor gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.forms.test_packing import (
    built,
    gpt2,
    gpt_neox,
    llama,
    mistral_with_a_window_shorter_than_a_row,
    qwen2,
)

from sayso.batches import Batch, Row, collate, row
from sayso.models.forms import packing, scoring
from sayso.models.forms.causal import Causal, form
from sayso.models.forms.sharing import LEAST, shared

SYSTEM = [3 + n % 50 for n in range(LEAST)]
ASKED = [40 - n for n in range(LEAST + 1)]
ROWS = [
    row([*SYSTEM, *ASKED], [8, 9, 10, 11]),
    row([*SYSTEM, *ASKED], [8, 9, 7], weight=0.5),  # the prompt, and two words of the answer
    row([*SYSTEM, 5, 6], [7, 8]),  # what the system says
    row([*SYSTEM, 5, 6], [7, 8]),  # the whole row
    row([1, 2], [3]),
    row([*SYSTEM, *ASKED], [12]),  # its like stands further up: run anew
]


def learnt(model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities, and the gradient of their weighted sum."""
    found = scoring.token_logprobs(model, batch, head_alone=True)
    model.zero_grad()
    (found * batch.weights).sum().backward()
    return found.detach(), torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


@pytest.mark.parametrize("make", [llama, qwen2, gpt2, gpt_neox, mistral_with_a_window_shorter_than_a_row])
@pytest.mark.parametrize("device", ["", "elsewhere"])
def test_a_beginning_run_once_gives_what_it_gives_run_for_each_row(
    make: Any, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if device:  # attention as on another device: no flash kernel for CPUs
        monkeypatch.setattr("sayso.models.forms.packing.FLASH_DEVICE", "none")
    model = built(make)
    assert scoring.supports_packing(model, head_alone=True)[0]
    assert scoring.supports_sharing(model, head_alone=True) == ""
    batch = collate(ROWS, packed=True)
    once = shared(batch)
    assert once.ids.numel() < batch.ids.numel()
    for found, expected in zip(learnt(model, once), learnt(model, batch), strict=True):
        assert torch.allclose(found, expected, atol=1e-5, rtol=1e-5)


def test_where_everything_stands() -> None:
    once = shared(collate(ROWS, packed=True))
    first = len(SYSTEM) + len(ASKED) + 4
    assert once.bounds == (0, first, first + 1, first + 5, first + 9, first + 12, 2 * first + 9)
    assert once.prefixes == (
        (), ((0, first - 2),), ((0, LEAST),), ((0, LEAST), ), (), (),
    )  # fmt: skip


any_row = st.builds(
    lambda head, tail: Row(ids=(*range(1, 30), *head, *tail), weights=(0.0,) * 29 + (1.0,) * (len(head) + len(tail))),
    st.lists(st.integers(1, 2), max_size=30),
    st.lists(st.integers(1, 4), min_size=1, max_size=20),
)


@settings(max_examples=40)
@given(rows=st.lists(any_row, min_size=1, max_size=6))
def test_every_row_can_be_read_back_from_the_line(rows: list[Row]) -> None:
    batch = collate(rows, packed=True)
    once = shared(batch)
    assert once.ids.numel() == once.positions.numel() == once.bounds[-1]
    line, positions = once.ids[0], once.positions[0]
    for number, item in enumerate(rows):
        prefix = once.prefixes[number] if once.prefixes else ()
        places = [place for start, end in (*prefix, once.bounds[number : number + 2]) for place in range(start, end)]
        assert line[places].tolist() == list(item.ids)
        assert positions[places].tolist() == list(range(len(item.ids)))
    assert torch.equal(line[once.where], batch.ids[0][batch.where])
    assert torch.equal(positions[once.where], batch.positions[0][batch.where])


def test_rows_that_do_not_begin_alike_and_padded_ones_stay_as_they_are() -> None:
    for batch in (collate([ROWS[0], ROWS[4]], packed=True), collate(ROWS, packed=False), collate(ROWS[:1], packed=True)):
        assert shared(batch) is batch


def test_a_model_in_whose_line_beginnings_cannot_be_shared_says_so(tiny: Any, monkeypatch: Any, caplog: Any) -> None:
    assert isinstance(tiny.form, Causal)
    assert tiny.form.shared
    monkeypatch.setattr(scoring, "shared", lambda batch: collate(batch.rows[::-1], packed=True))
    packing.switch_off(tiny.module)
    assert not form(tiny.module, tiny.tokenizer).shared
    assert "runs anew for each" in caplog.text
