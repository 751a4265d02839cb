"""Tests, intervals and sample sizes against hand numbers, against scipy, and by simulation of their coverage."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from sayso.evaluation.statistics import (
    holm,
    mcnemar,
    minimum_detectable,
    needed,
    paired_bootstrap,
    tango,
    tango_score,
    wilson,
)


def test_mcnemar_by_hand() -> None:
    # 1 lost of 5 discordant: 2 * (C(5,0) + C(5,1)) / 32 = 12/32; mid-p takes away C(5,1)/32.
    found = mcnemar(4, 1)
    assert found.exact == pytest.approx(12 / 32)
    assert found.mid == pytest.approx(7 / 32)


def test_mcnemar_without_discordant_pairs_shows_nothing() -> None:
    assert mcnemar(0, 0).exact == mcnemar(0, 0).mid == 1.0


def test_mcnemar_with_as_many_gains_as_losses() -> None:
    assert mcnemar(3, 3).exact == 1.0
    assert mcnemar(3, 3).mid == pytest.approx(1 - math.comb(6, 3) / 64 / 2)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test_of_the_discordant_pairs(gained: int, lost: int) -> None:
    found = mcnemar(gained, lost)
    if gained + lost:
        assert found.exact == pytest.approx(stats.binomtest(gained, gained + lost, 0.5).pvalue)
    assert 0 < found.mid <= found.exact <= 1
    assert found == mcnemar(lost, gained)


@given(st.integers(1, 300), st.data())
def test_wilson_is_scipys(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    expected = stats.binomtest(k, n).proportion_ci(0.9, method="wilson")
    assert wilson(k, n, level=0.9) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_of_nothing_is_everything() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_tango_gives_the_published_interval() -> None:
    # 21 children before and after a transplant, 1 gained and 7 lost: an example of Fagerland, Lydersen and Laake 2014.
    assert tango(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=0.0006)


def test_tango_of_pairs_that_never_change_is_not_a_point() -> None:
    z = stats.norm.ppf(0.975)
    limit = z * z / (30 + z * z)
    assert tango(0, 0, 30) == pytest.approx((-limit, limit), abs=1e-8)


def test_tango_at_the_extremes() -> None:
    low, high = tango(30, 0, 30)
    assert high == 1.0
    assert 0.7 < low < 1
    assert tango(0, 30, 30) == pytest.approx((-high, -low))
    assert tango(0, 0, 0) == (-1.0, 1.0)


@given(st.integers(1, 80), st.data())
def test_tango_holds_the_estimate_and_turns_with_the_sign(n: int, data: st.DataObject) -> None:
    gained = data.draw(st.integers(0, n))
    lost = data.draw(st.integers(0, n - gained))
    low, high = tango(gained, lost, n)
    assert -1 <= low <= (gained - lost) / n <= high <= 1
    assert tango(lost, gained, n) == pytest.approx((-high, -low), abs=1e-7)


@pytest.mark.parametrize(("gained", "lost", "n", "difference"), [(5, 2, 20, 0.3), (0, 4, 25, 0.1), (9, 3, 40, -0.2)])
def test_tangos_variance_is_that_of_the_most_likely_rates(gained: int, lost: int, n: int, difference: float) -> None:
    """The restricted estimate, found again by maximising the likelihood."""

    def surprise(loss: float) -> float:
        gain = loss + difference
        rest = 1 - gain - loss
        return -sum(
            count * math.log(max(p, 1e-300)) for count, p in ((gained, gain), (lost, loss), (n - gained - lost, rest))
        )

    best = optimize.minimize_scalar(
        surprise, bounds=(max(0.0, -difference) + 1e-12, (1 - difference) / 2), method="bounded", options={"xatol": 1e-12}
    ).x
    expected = (gained - lost - n * difference) / math.sqrt(n * (2 * best + difference - difference**2))
    assert tango_score(gained, lost, n, difference) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("before", "after"), [(0.1, 0.1), (0.0, 0.02), (0.3, 0.6), (0.05, 0.95), (1.0, 0.98)])
def test_tango_covers_the_truth_at_thirty_pairs(before: float, after: float) -> None:
    generator = np.random.default_rng(7)
    p = [after * (1 - before), before * (1 - after)]
    draws = generator.multinomial(30, [*p, 1 - sum(p)], size=4000)
    kinds, counts = np.unique(draws, axis=0, return_counts=True)
    limits = [tango(int(gained), int(lost), 30) for gained, lost, _ in kinds]
    covered = sum(count for (low, high), count in zip(limits, counts, strict=True) if low <= after - before <= high)
    assert covered / 4000 >= 0.93


def test_the_bootstrap_of_single_pairs_is_near_the_normal_interval() -> None:
    changes = [1] * 60 + [-1] * 20 + [0] * 120
    half = 1.96 * np.std(changes) / np.sqrt(200)
    low, high = paired_bootstrap(changes, range(200), seed=0)
    assert (low, high) == pytest.approx((0.2 - half, 0.2 + half), abs=0.012)


def test_drawing_kinds_of_clusters_is_drawing_clusters_one_by_one() -> None:
    generator = np.random.default_rng(3)
    clusters = np.repeat(np.arange(25), [2, 3, 4, 5, 6] * 5)
    changes = generator.integers(-1, 2, size=len(clusters))
    sums, sizes = np.bincount(clusters, changes), np.bincount(clusters)
    picks = generator.integers(0, 25, size=(40_000, 25))
    means = sums[picks].sum(1) / sizes[picks].sum(1)
    tail = stats.norm.sf(np.sqrt(25 / 24) * stats.t.ppf(0.975, 24))
    expected = np.quantile(means, [tail, 1 - tail])
    assert paired_bootstrap(changes, clusters, seed=0, draws=40_000) == pytest.approx(expected, abs=0.01)


def test_clusters_that_agree_within_make_the_interval_wider() -> None:
    changes = np.repeat([1, -1, 0, 1, 0, 1, -1, 0, 1, 0], 20)
    alone = paired_bootstrap(changes, range(200), seed=0)
    together = paired_bootstrap(changes, np.repeat(range(10), 20), seed=0)
    assert together[1] - together[0] > 3 * (alone[1] - alone[0])


def test_strata_take_out_what_differs_between_them() -> None:
    changes, comments = [1] * 50 + [0] * 50, [0] * 50 + [1] * 50
    assert paired_bootstrap(changes, range(100), seed=0, strata=comments) == (0.5, 0.5)
    low, high = paired_bootstrap(changes, range(100), seed=0)
    assert low < 0.45 < 0.55 < high


def test_one_cluster_alone_tells_nothing() -> None:
    assert paired_bootstrap([1, 1, 1], ["a"] * 3, seed=0) == (-math.inf, math.inf)


def test_the_same_seed_gives_the_same_interval() -> None:
    changes = [1, 0, -1, 1, 0, 1, 1, 0]
    assert paired_bootstrap(changes, range(8), seed=5) == paired_bootstrap(changes, range(8), seed=5)
    assert paired_bootstrap(changes, range(8), seed=5) != paired_bootstrap(changes, range(8), seed=6)


def test_the_bootstrap_covers_the_truth_with_twelve_clusters() -> None:
    """The plain percentile interval covers about 90 % here; the wider one keeps its word."""
    generator = np.random.default_rng(11)
    clusters = np.repeat(np.arange(12), 8)
    covered = 0
    for number in range(500):
        rates = np.clip(generator.normal(0.4, 0.2, 12), 0, 1)
        changes = (generator.random(96) < np.repeat(rates, 8)).astype(int)
        low, high = paired_bootstrap(changes, clusters, seed=number, draws=1000)
        covered += low <= 0.4 <= high
    assert covered / 500 >= 0.925


@pytest.mark.parametrize(("difference", "discordance", "pairs"), [(0.10, 0.30, 233), (0.15, 0.30, 102), (0.20, 0.40, 76)])
def test_sample_sizes_by_hand(difference: float, discordance: float, pairs: int) -> None:
    assert needed(difference, discordance) == pytest.approx(pairs, abs=1)


def test_a_difference_cannot_exceed_its_discordance() -> None:
    assert needed(0.5, 0.1) == needed(0.5, 0.5)


@given(st.integers(8, 5000), st.floats(0.02, 1.0))
def test_what_is_detectable_needs_no_more_than_there_is(n: int, discordance: float) -> None:
    found = minimum_detectable(n, discordance)
    if found < 1:
        assert needed(found, discordance) <= n < needed(found - 1e-5, discordance) + 1


def test_what_is_detectable_is_near_the_rule_of_thumb() -> None:
    assert minimum_detectable(200, 0.3) == pytest.approx((1.96 + 0.8416) * math.sqrt(0.3 / 200), rel=0.02)
    assert minimum_detectable(0, 0.3) == minimum_detectable(2, 0.3) == 1.0


def test_the_promised_power_is_reached() -> None:
    n = needed(0.2, 0.4)
    draws = np.random.default_rng(2).multinomial(n, [0.3, 0.1, 0.6], size=3000)
    score = (draws[:, 0] - draws[:, 1]) / np.sqrt(draws[:, 0] + draws[:, 1])
    assert np.mean(score > 1.96) == pytest.approx(0.8, abs=0.03)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()
    assert holm([0.6, 0.7]) == pytest.approx((1.0, 1.0))


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_keeps_the_order_and_never_lowers_a_p_value(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(after >= before for before, after in zip(p_values, adjusted, strict=True))
    ranked = [adjusted[index] for index in sorted(range(len(p_values)), key=p_values.__getitem__)]
    assert ranked == sorted(ranked)


def test_only_heldout_loads_torch() -> None:
    modules = ", ".join(
        f"sayso.evaluation.{name}" for name in ("statistics", "takes", "gate", "guards", "findings", "report.report")
    )
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
