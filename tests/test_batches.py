"""Rows become batches: every target once, predicted from the token before it, whether packed or padded."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sayso.batches import Batch, Row, collate, micro_batches, row, sharing

ONE, TWO = row([5, 6], [7, 8], weight=0.5, label="one"), row([9], [10])


@st.composite
def any_row(draw: st.DrawFn) -> Row:
    ids = draw(st.lists(st.integers(1, 99), min_size=1, max_size=7))
    weights = draw(st.lists(st.sampled_from([0.0, 1.0, -0.5]), min_size=len(ids), max_size=len(ids)))
    return Row(ids=tuple(ids), weights=tuple(weights))


ROWS = st.lists(any_row(), min_size=1, max_size=6)


def test_a_row_reads_its_context_and_learns_its_target() -> None:
    assert Row(ids=(5, 6, 7, 8), weights=(0.0, 0.0, 0.5, 0.5), label="one") == ONE


def test_a_padded_batch_has_a_line_a_row_and_a_mask() -> None:
    batch = collate([ONE, TWO], packed=False, pad_id=3)
    assert batch.ids.tolist() == [[5, 6, 7, 8], [9, 10, 3, 3]]
    assert batch.positions.tolist() == [[0, 1, 2, 3], [0, 1, 0, 0]]
    assert batch.mask is not None
    assert batch.mask.tolist() == [[True] * 4, [True, True, False, False]]
    assert batch.where.tolist() == [1, 2, 4]
    assert batch.bounds == ()


def test_a_packed_batch_is_one_line_whose_positions_restart() -> None:
    batch = collate([ONE, TWO], packed=True)
    assert batch.ids.tolist() == [[5, 6, 7, 8, 9, 10]]
    assert batch.positions.tolist() == [[0, 1, 2, 3, 0, 1]]
    assert batch.bounds == (0, 4, 6)
    assert batch.mask is None
    assert batch.where.tolist() == [1, 2, 4]


@pytest.mark.parametrize("packed", [True, False])
def test_a_label_is_foretold_at_its_own_token_and_may_stand_at_the_first(packed: bool) -> None:
    classes = Row(ids=(5, 6), weights=(1.0, 0.0), labels=(2, 0))
    batch = collate([ONE, classes, TWO], packed=packed)
    assert batch.targets.tolist() == [7, 8, 2, 10]
    assert batch.where.tolist() == ([1, 2, 4, 6] if packed else [1, 2, 4, 8])
    assert batch.row_of.tolist() == [0, 0, 1, 2]
    assert [item.num_targets for item in (ONE, classes, TWO)] == [2, 1, 1]


@given(rows=ROWS, packed=st.booleans())
def test_every_weighted_token_but_a_rows_first_is_a_target_once(rows: list[Row], packed: bool) -> None:
    batch = collate(rows, packed=packed, pad_id=0)
    expected = [
        (number, t, item.ids[t], item.weights[t])
        for number, item in enumerate(rows)
        for t in range(1, len(item.ids))
        if item.weights[t]
    ]
    starts = batch.bounds[:-1] if packed else [number * batch.ids.shape[1] for number in range(len(rows))]
    found = [
        (number, where - starts[number] + 1, target, weight)
        for number, where, target, weight in zip(
            batch.row_of.tolist(), batch.where.tolist(), batch.targets.tolist(), batch.weights.tolist(), strict=True
        )
    ]
    assert found == expected
    assert batch.ids.flatten()[batch.where].tolist() == [rows[number].ids[t - 1] for number, t, _, _ in expected]


@given(rows=ROWS)
def test_packed_and_padded_batches_have_the_same_targets_in_the_same_order(rows: list[Row]) -> None:
    packed, padded = (collate(rows, packed=p) for p in (True, False))
    for name in ("targets", "weights", "row_of"):
        assert torch.equal(getattr(packed, name), getattr(padded, name))
    assert [end - start for start, end in pairwise(packed.bounds)] == [len(item.ids) for item in rows]
    assert padded.mask is not None
    assert torch.equal(packed.ids[0], padded.ids[padded.mask])
    assert torch.equal(packed.positions[0], padded.positions[padded.mask])


@given(rows=ROWS, packed=st.booleans())
def test_row_sums_add_up_one_value_a_target_in_each_row(rows: list[Row], packed: bool) -> None:
    batch = collate(rows, packed=packed)
    sums = batch.row_sums(batch.targets.float())
    expected = [sum(i for i, w in zip(item.ids[1:], item.weights[1:], strict=True) if w) for item in rows]
    assert sums.tolist() == expected
    assert batch.num_rows == len(rows)


@pytest.mark.parametrize("packed", [True, False])
def test_a_member_is_the_batch_of_every_groups_row_of_that_number(packed: bool) -> None:
    pairs = [ONE, TWO, row([1], [2]), row([3], [4, 5])]
    batch = collate(pairs, group=2, packed=packed, pad_id=9)
    second = batch.member(1)
    assert second.rows == (pairs[1], pairs[3])
    alone = collate([pairs[1], pairs[3]], packed=packed, pad_id=9)
    assert_same(second, alone)
    assert batch.member(0, 1).rows == tuple(pairs)


def assert_same(one: Batch, other: Batch) -> None:
    for name in ("ids", "positions", "where", "targets", "weights", "row_of"):
        assert torch.equal(getattr(one, name), getattr(other, name))
    assert one.bounds == other.bounds
    assert (one.mask is None) == (other.mask is None)


def test_half_a_group_and_an_empty_batch_are_our_own_mistakes() -> None:
    with pytest.raises(AssertionError, match="whole groups"):
        collate([ONE, TWO, ONE], group=2, packed=True)
    with pytest.raises(AssertionError, match="empty"):
        collate([], packed=True)


@given(lengths=st.lists(st.integers(1, 9), max_size=12), group=st.integers(1, 3), max_tokens=st.integers(1, 30))
def test_micro_batches_keep_all_rows_in_order_in_whole_groups_within_the_budget(
    lengths: list[int], group: int, max_tokens: int
) -> None:
    rows = [row([], range(number, number + length)) for number, length in enumerate(lengths * group)]
    batches = list(micro_batches(rows, group=group, max_tokens=max_tokens))
    assert [item for batch in batches for item in batch] == rows
    for batch in batches:
        assert batch
        assert len(batch) % group == 0
        assert len(batch) == group or sum(len(item.ids) for item in batch) <= max_tokens
    for batch, after in pairwise(batches):  # no batch could have taken the next group too
        assert sum(len(item.ids) for item in [*batch, *after[:group]]) > max_tokens


@pytest.mark.parametrize("packed", [True, False])
def test_rows_of_some_kinds_make_a_batch_of_their_own(packed: bool) -> None:
    rows = [row([5, 6], [7], kind="good"), row([5], [8, 9], kind="bad"), row([4], [3], kind="good"), row([2], [1])]
    batch = collate(rows, group=2, packed=packed, pad_id=3)
    alone = batch.of_kind("good", "bad")
    assert alone.rows == tuple(rows[:3])
    assert (alone.group, alone.pad_id, alone.mask is None) == (1, 3, packed)
    assert batch.of_kind("good").targets.tolist() == [7, 3]


def test_rows_that_are_only_read_count_a_quarter_in_a_micro_batch() -> None:
    learnt, read = row([1] * 6, [2, 3]), replace(row([1] * 10, [2, 3]), read_only=True)
    parts = micro_batches([learnt, read] * 3, group=2, max_tokens=22)
    assert [len(part) for part in parts] == [4, 2]  # 8 + 12 / 4 a group


def test_rows_that_share_their_numbers_are_the_same_rows() -> None:
    rows = [row([int("1000"), 2], [int("3000")], label="a"), row([int("3000")], [int("1000"), int("1000")], weight=0.5)]
    found = list(sharing(rows))
    assert found == rows
    assert found[0].ids[0] is found[1].ids[1] is found[1].ids[2]
    assert found[0].ids[2] is found[1].ids[0]
