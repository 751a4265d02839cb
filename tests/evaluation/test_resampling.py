"""A mean over comments and seeds, and how sure it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sayso.evaluation.resampling import Part, resample, resample_within


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    rounds, inside, shown = 400, 0, 0
    for number in range(rounds):
        comments, seeds = generator.normal(0, 0.3, (12, 1)), generator.normal(0, 0.05, (1, 3))
        found = resample(0.2 + comments + seeds + generator.normal(0, 0.1, (12, 3)), seed=number, draws=1000)
        low, high = found.interval()
        inside += low <= 0.2 <= high
        shown += found.p_below(0.2) < 0.05
    assert 0.92 <= inside / rounds <= 0.98
    assert 0.025 <= shown / rounds <= 0.08


def test_with_one_seed_it_is_close_to_students_t() -> None:
    values = 0.1 + 0.2 * stats.norm.ppf((np.arange(16) + 0.5) / 16)
    found = resample(values[:, None], seed=0)
    known = stats.ttest_1samp(values, 0, alternative="greater")
    assert found.p_above() == pytest.approx(known.pvalue, rel=0.25)
    assert found.interval() == pytest.approx(tuple(stats.ttest_1samp(values, 0).confidence_interval()), abs=0.02)


def test_a_limit_and_its_p_value_say_the_same() -> None:
    found = resample(np.random.default_rng(2).normal(0.05, 0.1, (20, 2)), seed=0)
    for share in (0.01, 0.05, 0.3):
        assert found.p_above(found.limit(share)) == pytest.approx(share, abs=0.01)
        assert found.p_below(found.limit(1 - share)) == pytest.approx(share, abs=0.01)


def test_comments_that_differ_make_the_mean_less_sure_than_seeds_that_do() -> None:
    by_comment = resample(np.repeat([[0.0], [1.0], [0.0], [1.0]], 5, axis=1), seed=0).interval()
    by_seed = resample(np.repeat([[0.4, 0.6, 0.4, 0.6, 0.5]], 4, axis=0), seed=0).interval()
    assert by_comment[1] - by_comment[0] > 0.9
    assert by_seed[1] - by_seed[0] < 0.3


def test_one_comment_shows_nothing() -> None:
    found = resample([[0.9, 0.8]], seed=0)
    assert found.interval() == (-np.inf, np.inf)
    assert found.p_above() == 1.0
    assert found.mean == pytest.approx(0.85)


def test_the_same_seed_draws_the_same() -> None:
    table = np.random.default_rng(3).random((6, 2))
    assert np.array_equal(resample(table, seed=4).means, resample(table, seed=4).means)
    assert not np.array_equal(resample(table, seed=4).means, resample(table, seed=5).means)


def test_families_are_drawn_inside_their_comment_and_seeds_for_all_alike() -> None:
    generator = np.random.default_rng(3)
    parts = [
        Part(sums=generator.integers(0, 3, (rows, 2)).astype(float), sizes=np.full(rows, 2.0), weight=weight)
        for rows, weight in ((9, 0.5), (5, 0.5), (7, -1.0))
    ]
    found = resample_within(parts, seed=1, draws=20_000)
    again = np.random.default_rng(4)
    slowly = np.zeros(4000)
    for number in range(len(slowly)):
        columns = again.integers(0, 2, 2)
        for part in parts:
            rows = again.integers(0, len(part.sizes), len(part.sizes))
            slowly[number] += part.weight * part.sums[np.ix_(rows, columns)].mean() / 2.0
    assert found.mean == pytest.approx(sum(part.weight * part.sums.mean() / 2 for part in parts))
    assert found.means.mean() == pytest.approx(slowly.mean(), abs=0.01)
    assert found.means.std() == pytest.approx(slowly.std(), rel=0.06)
    assert found.comments == 9 + 5 + 7 - 3 + 1


def test_a_family_counts_as_often_as_it_has_prompts() -> None:
    part = Part(sums=np.array([[3.0], [0.0]]), sizes=np.array([3.0, 1.0]), weight=1.0)
    assert part.mean == 0.75
    found = resample_within([part], seed=0, draws=4000)
    assert set(np.round(found.means, 6)) == {0.0, 0.75, 1.0}
    assert resample_within([Part(sums=np.ones((1, 2)), sizes=np.ones(1), weight=1.0)], seed=0).p_above() == 1.0
