"""What is taken out of a text is put back by the target, and sources and targets are as T5 and BART have them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.models.encoders import SHAPES

from sayso.batches import Row
from sayso.models.fresh import fresh
from sayso.text.corpus import Document
from sayso.training.material.corrupting import Correcting
from sayso.training.material.denoising import Denoising, Whole
from sayso.training.settings import Train
from sayso.training.steps import steps

END, FIRST = 1, 1000
SENTINELS = tuple(range(FIRST, FIRST + 100))
SPANS = Denoising(sentinels=SENTINELS, end=END)
INFILLING = Denoising(kind="infilling", sentinels=(FIRST,), end=END, share=0.3)


def drawn(method, length, seed):
    ids = tuple(range(10, 10 + length))
    found = method.corrupted(Row(ids=ids, weights=(1.0,) * length, label="r"), np.random.default_rng(seed))
    first = next(place for place, weight in enumerate(found.weights) if weight)
    return ids, list(found.ids[:first]), list(found.ids[first:])


def put_back(source, target):
    """Put each span behind its sentinel in the place of that sentinel."""
    spans = {}
    for token in target[:-1]:
        if token >= FIRST:
            spans[token] = []
        else:
            spans[list(spans)[-1]].append(token)
    return [word for token in source[:-1] for word in spans.get(token, [token])]


@given(length=st.integers(1, 300), seed=st.integers(0, 10**6))
def test_the_target_holds_what_the_source_lacks(length, seed):
    ids, source, target = drawn(SPANS, length, seed)
    assert source[-1] == target[-1] == END
    assert put_back(source, target) == list(ids)
    order = [token for token in source if token >= FIRST]
    assert order == [token for token in target if token >= FIRST] == list(SENTINELS[: len(order)])


def test_a_long_text_loses_its_share_in_spans_of_three():
    _ids, source, target = drawn(SPANS, 200, 0)
    count = sum(token >= FIRST for token in source)
    assert count == 10
    assert len(target) - count - 1 == 30


@given(length=st.integers(1, 300), seed=st.integers(0, 10**6))
def test_infilling_shows_one_mask_a_span_and_wants_the_whole_text(length, seed):
    ids, source, target = drawn(INFILLING, length, seed)
    assert target == [*ids, END]
    kept = [token for token in source[:-1] if token != FIRST]
    assert kept == [token for token in ids if token in kept]
    assert len(kept) == length - min(max(1, round(length * 0.3)), max(1, length - 1))


def test_the_same_random_numbers_give_the_same_row_and_others_another():
    assert drawn(SPANS, 60, 1) == drawn(SPANS, 60, 1) != drawn(SPANS, 60, 2)


def test_rows_leave_room_for_a_sentinel_and_an_end(tiny):
    encoder = Whole(tiny.tokenizer, longest=12, packing=False)
    rows = [*encoder(Document(where="t", text="x" * 25)), *encoder(Document(where="t", text="y"))]
    assert [len(row.ids) for row in rows] == [10, 10, 5]
    assert [row.num_bytes for row in rows] == [25, 0, 0]


@pytest.mark.parametrize(("architecture", "kind"), [("t5", "spans"), ("bart", "infilling")])
def test_a_model_with_an_encoder_learns_to_put_back(tiny_folder, architecture, kind):
    model = fresh(architecture, SHAPES[architecture], tiny_folder, seed=0, device="cpu", sentinels=4)
    first = model.tokenizer.convert_tokens_to_ids("<extra_id_0>")
    method = Correcting(objective=Denoising(kind=kind, sentinels=(first, first + 1, first + 2), end=1))
    rows = [
        Row(ids=tuple(40 + (n + place) % 30 for place in range(16)), weights=(1.0,) * 16, label=str(n)) for n in range(6)
    ]
    settings = Train(use_lora=False, max_steps=30, per_device_train_batch_size=6, learning_rate=1e-2)
    losses = [record.loss for record in steps(method, model, rows, settings)]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
