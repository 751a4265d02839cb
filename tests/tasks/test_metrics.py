"""Every metric is a function of a sum over items, so one bootstrap gives every interval."""

from __future__ import annotations

import numpy as np
import pytest

from sayso.tasks.metrics import Counted, difference, mean, measure


def test_a_mean_has_the_interval_of_its_standard_error() -> None:
    values = np.random.default_rng(3).normal(size=400)
    found = measure(mean("score", values.tolist()))
    error = values.std() / np.sqrt(len(values))
    assert found.value == pytest.approx(values.mean())
    assert found.n == 400
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.3 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.3 * error)


def test_items_of_one_family_are_drawn_together() -> None:
    values, families = [1.0] * 20 + [0.0] * 20, ["a"] * 20 + ["b"] * 20
    found = measure(mean("hit", values, families=families))
    assert (found.low, found.high) == (0.0, 1.0)


def test_a_change_on_the_same_items_is_surer_than_two_numbers() -> None:
    before = (np.arange(200) % 2).astype(float)
    after = before.copy()
    after[:20] = 1.0
    change = difference(mean("hit", after.tolist()), mean("hit", before.tolist()))
    assert change.value == pytest.approx(0.05)
    assert change.low > 0
    assert change.high - change.low < 0.5 * (
        measure(mean("hit", after.tolist())).high - measure(mean("hit", after.tolist())).low
    )


def test_a_metric_of_the_corpus_is_asked_again_of_every_draw() -> None:
    table = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]])
    found = measure(Counted(name="ratio", table=table, of=lambda sums: sums[:, 0] / sums[:, 1]))
    assert found.value == pytest.approx(4 / 7)
    assert 0.0 <= found.low < found.value < found.high <= 0.75


def test_the_same_seed_gives_the_same_interval() -> None:
    counted = mean("hit", [0.0, 1.0, 1.0, 0.0, 1.0])
    assert measure(counted, seed=4) == measure(counted, seed=4)
    assert measure(counted, seed=4).value == measure(counted, seed=5).value


def test_draws_on_which_it_is_undefined_are_left_out() -> None:
    found = measure(Counted(name="precision", table=np.array([[1.0, 1.0], [0.0, 0.0]]), of=_precision))
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def _precision(sums: np.ndarray) -> np.ndarray:
    return np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] > 0)


def test_a_share_is_never_quite_sure() -> None:
    found = measure(mean("hit", [0.0] * 5))
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.4345, abs=1e-4)  # Wilson's for 0 of 5: z^2 / (n + z^2)


def test_a_share_of_many_has_about_the_interval_of_its_draws() -> None:
    values = (np.arange(400) % 4 == 0).astype(float)
    found = measure(mean("hit", values.tolist()))
    table = np.column_stack([values, np.ones(400)])
    drawn = measure(Counted(name="hit", table=table, of=lambda sums: sums[:, 0] / sums[:, 1]))
    assert (found.low, found.high) == pytest.approx((drawn.low, drawn.high), abs=0.01)
