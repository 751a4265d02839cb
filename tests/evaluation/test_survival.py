"""How much it took, with those for whom it never happened."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sayso.evaluation.survival import logrank, median, survival


def test_the_curve_is_that_worked_out_by_hand() -> None:
    # Six comments; at 1 one of six has it (5/6 need more), at 4 two of five (5/6 · 3/5 = 1/2), at 8 one of three (1/3).
    found = survival([1, 4, 4, 8, None, None], last=32)
    assert found == [(1.0, pytest.approx(5 / 6)), (4.0, pytest.approx(1 / 2)), (8.0, pytest.approx(1 / 3))]
    assert median([1, 4, 4, 8, None, None], last=32) == 4


def test_where_fewer_than_half_had_it_there_is_no_median() -> None:
    assert median([2, None, None], last=32) is None
    assert median([None, None], last=32) is None
    assert survival([None], last=32) == []


def test_the_censored_are_not_left_out() -> None:
    assert median([2, 2, None, None, None], last=32) is None
    assert median([2, 2], last=32) == 2


def test_the_log_rank_test_is_scipys() -> None:
    generator = np.random.default_rng(0)
    one, other = generator.integers(1, 30, 15), generator.integers(10, 60, 15)
    last = 32
    censored = stats.CensoredData(uncensored=other[other < last], right=[last] * int((other >= last).sum()))
    known = stats.logrank(stats.CensoredData(uncensored=one), censored).pvalue
    assert logrank(one.tolist(), [n if n < last else None for n in other.tolist()], last=last) == pytest.approx(known)


def test_who_reached_nothing_does_not_differ() -> None:
    assert logrank([None, None], [None], last=32) == 1.0
    assert logrank([1, 1], [1, 1], last=32) == 1.0
    assert logrank([1] * 8, [None] * 8, last=32) < 0.001
