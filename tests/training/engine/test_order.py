"""Which groups a step learns from, how many steps there are, and the learning rate: functions of the step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.errors import SettingsError
from sayso.training.engine.optimizer import rate
from sayso.training.engine.order import endless, groups_of_step, num_steps
from sayso.training.settings import Guard, Train


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 3), st.integers(0, 5))
def test_an_epoch_sees_every_group_once(num_groups, size, accumulation, seed):
    settings = Train(
        per_device_train_batch_size=size, gradient_accumulation_steps=accumulation, num_train_epochs=2, seed=seed
    )
    steps = num_steps(num_groups, settings)
    seen = [groups_of_step(step, num_groups, settings) for step in range(steps)]
    half = steps // 2
    for epoch in (seen[:half], seen[half:]):
        assert sorted(group for step in epoch for group in step) == list(range(num_groups))


def test_epochs_and_seeds_have_different_orders():
    def order(seed, first):
        settings = Train(per_device_train_batch_size=5, seed=seed)
        return [group for step in (first, first + 1, first + 2, first + 3) for group in groups_of_step(step, 20, settings)]

    assert len({tuple(order(0, 0)), tuple(order(0, 4)), tuple(order(1, 0)), tuple(order(1, 4))}) == 4


def test_max_steps_goes_before_epochs():
    assert num_steps(20, Train(max_steps=7)) == 7
    assert num_steps(20, Train(per_device_train_batch_size=8, num_train_epochs=3)) == 9
    assert num_steps(20, Train(per_device_train_batch_size=8, num_train_epochs=0.1)) == 1


def test_anchors_go_round():
    drawn = [item for step in range(5) for item in endless("abcde", step=step, size=2, seed=0)]
    assert sorted(drawn) == sorted("abcde" * 2)
    assert endless("ab", step=0, size=9, seed=0) in (["a", "b"], ["b", "a"])


def test_the_rate_rises_then_falls():
    settings = Train(warmup_ratio=0.2, lr_scheduler_type="linear")
    found = [rate(step, 10, 1.0, settings) for step in range(10)]
    assert found == pytest.approx([1 / 3, 2 / 3, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])
    cosine = Train(warmup_ratio=0, lr_scheduler_type="cosine")
    assert rate(5, 10, 2.0, cosine) == pytest.approx(1.0)
    constant = Train(warmup_ratio=0, lr_scheduler_type="constant")
    assert [rate(step, 3, 2.0, constant) for step in range(3)] == [2.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("kind", "key", "value"), [(Train, "max_tokens", 0), (Train, "warmup_ratio", -1), (Guard, "rows_per_step", 0)]
)
def test_a_setting_out_of_range_is_named(kind, key, value):
    with pytest.raises(SettingsError, match=f"{key}: found {value}"):
        kind(**{key: value})
