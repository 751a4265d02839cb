"""Agreement beyond chance: against published figures, numbers worked out by hand, and a slow obvious implementation."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Hashable, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso import i18n
from sayso.evaluation import agreement
from sayso.evaluation.agreement import Rating, agree, alpha

# Krippendorff 2011, section D: four observers, twelve units, five categories, with gaps.
PUBLISHED = {
    "A": "1 2 3 3 2 1 4 1 2 . . .",
    "B": "1 2 3 3 2 2 4 1 2 5 . 3",
    "C": ". 3 3 3 2 3 4 2 2 5 1 .",
    "D": "1 2 3 3 2 4 4 1 2 5 1 .",
}


def read(rows: dict[str, str]) -> list[Rating]:
    """One rating a word; a dot is a gap."""
    return [
        Rating(unit=str(number), rater=rater, value=word)
        for rater, row in rows.items()
        for number, word in enumerate(row.split())
        if word != "."
    ]


def slow_alpha(ratings: Sequence[Rating], apart: Callable[[Any, Any, Sequence[Any]], float]) -> float:
    """1 - the mean difference within units over the mean difference of any two ratings, pair by pair."""
    by_unit: dict[str, list[Any]] = {}
    for rating in ratings:
        by_unit.setdefault(rating.unit, []).append(rating.value)
    kept = [values for values in by_unit.values() if len(values) > 1]
    everything = [value for values in kept for value in values]
    n = len(everything)
    within = sum(apart(a, b, everything) / (len(values) - 1) for values in kept for a, b in permutations(values, 2)) / n
    anyhow = sum(apart(a, b, everything) for a, b in permutations(everything, 2)) / (n * (n - 1))
    return 1 - within / anyhow


def unequal(a: Hashable, b: Hashable, _everything: Sequence[Any]) -> float:
    return float(a != b)


def by_rank(a: str, b: str, everything: Sequence[str]) -> float:
    low, high = sorted((a, b))
    between = sum(low <= value <= high for value in everything)
    return (between - (everything.count(a) + everything.count(b)) / 2) ** 2 if a != b else 0.0


def test_the_published_example_has_the_published_figures() -> None:
    assert alpha(read(PUBLISHED)) == pytest.approx(0.743, abs=5e-4)
    assert alpha(read(PUBLISHED), metric="ordinal", order="12345") == pytest.approx(0.815, abs=5e-4)


def test_a_small_example_worked_out_by_hand() -> None:
    # Coincidences: good-good 2, bad-bad 2, good-bad 1 + 1; n = 6, three of each.
    # Observed 2/6; expected 2 * 3 * 3 / (6 * 5) = 18/30; alpha = 1 - (1/3) / (3/5) = 4/9.
    found = agree(read({"Ada": "good bad good", "Bo": "good bad bad"}), seed=0).overall
    assert found.value == pytest.approx(4 / 9)
    assert found.observed == pytest.approx(2 / 3)
    assert (found.raters, found.units) == (("Ada", "Bo"), 3)


def test_on_ranks_a_near_miss_costs_less_than_a_far_one() -> None:
    near = read({"Ada": "bad needs_work good good", "Bo": "bad needs_work good needs_work"})
    far = read({"Ada": "bad needs_work good good", "Bo": "bad needs_work good bad"})
    near_value, far_value = (agreement.on_verdicts(found, seed=0).overall.value for found in (near, far))
    assert near_value is not None
    assert far_value is not None
    assert near_value > far_value


def test_the_order_of_the_values_matters_on_ranks_only() -> None:
    ratings = read(PUBLISHED)
    assert alpha(ratings, order="54321") == pytest.approx(alpha(ratings))
    assert alpha(ratings, metric="ordinal", order="54321") == pytest.approx(alpha(ratings, metric="ordinal", order="12345"))
    assert alpha(ratings, metric="ordinal", order="13524") != pytest.approx(alpha(ratings, metric="ordinal", order="12345"))


RATINGS = st.dictionaries(
    st.tuples(st.sampled_from("uvwxyz"), st.sampled_from("ABC")), st.sampled_from("123"), min_size=2, max_size=18
).map(lambda found: [Rating(unit, rater, value) for (unit, rater), value in found.items()])


@given(RATINGS)
@settings(max_examples=200, deadline=None)
def test_the_slow_obvious_way_finds_the_same(ratings: list[Rating]) -> None:
    for metric, apart in (("nominal", unequal), ("ordinal", by_rank)):
        found = alpha(ratings, metric=metric, order="123")  # type: ignore[arg-type]
        try:
            expected = slow_alpha(ratings, apart)
        except ZeroDivisionError:  # no unit with two ratings, or one value only
            assert found is None
        else:
            assert found == pytest.approx(expected)


@given(RATINGS)
@settings(max_examples=100, deadline=None)
def test_nothing_is_ever_nan_and_everything_can_be_said(ratings: list[Rating]) -> None:
    found = agree(ratings, metric="ordinal", order="123", seed=1, draws=50)
    for item in (found.overall, *found.pairs):
        assert "nan" not in agreement.say(item)
        if item.value is not None and item.interval is not None:
            low, high = item.interval
            assert -1 <= low <= item.value <= high + 1e-9 <= 1 + 1e-9


def test_sets_of_kinds_are_apart_by_what_they_do_not_share() -> None:
    # {fix, keep} and {fix}: 1/2 apart; {keep} and {keep}, {} and {}: 0. Observed (1/2 + 1/2) / 6.
    ratings = [
        Rating("1", "Ada", ("fix", "keep")), Rating("1", "Bo", ("fix",)),
        Rating("2", "Ada", ("keep",)), Rating("2", "Bo", ("keep",)),
        Rating("3", "Ada", ()), Rating("3", "Bo", ()),
    ]  # fmt: skip
    # Of the 15 pairs of {fk}, {f}, {k}, {k}, {}, {}: fk-f ½, fk-k ½ twice, f-k 1 twice, anything with {} 1 eight times,
    # k-k and {}-{} 0: 11.5 of 15. alpha = 1 - (1/6) / (11.5/15).
    found = agreement.on_kinds(ratings, seed=0).overall
    assert found.value == pytest.approx(1 - (1 / 6) / (11.5 / 15))
    assert found.observed == pytest.approx(5 / 6)


def test_every_two_who_share_a_response_are_compared() -> None:
    rows = {"Ada": "g b g b .", "Bo": "g b b b g", "Cy": ". . . . g", "Di": ". . . . ."}
    found = agree(read(rows), seed=0)
    assert [item.raters for item in found.pairs] == [("Ada", "Bo"), ("Bo", "Cy")]
    assert found.overall.raters == ("Ada", "Bo", "Cy")
    assert found.pairs[0].value == alpha(read({"Ada": rows["Ada"], "Bo": rows["Bo"][:8]}))


def test_of_two_ratings_by_one_person_the_last_counts() -> None:
    first = read({"Ada": "g b g", "Bo": "g b b"})
    assert alpha([*first, Rating("2", "Bo", "g")]) == 1.0


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({}, "nobody has judged anything yet"),
        ({"Ada": "g b g"}, "one reviewer only"),
        ({"Ada": "g b . .", "Bo": ". . g b"}, "no response that two of them judged"),
        ({"Ada": "g g g", "Bo": "g g g"}, "all 3 responses got one and the same rating"),
        ({"Ada": "g", "Bo": "b"}, "on a single response"),
    ],
)
def test_what_cannot_be_said_is_said_in_words(rows: dict[str, str], words: str) -> None:
    found = agree(read(rows), seed=0).overall
    assert words in agreement.say(found)
    assert found.interval is None
    assert found.reading == "cannot_tell"


def test_a_few_that_agree_in_everything_are_no_certainty() -> None:
    few = agree(read({"Ada": "g b g b", "Bo": "g b g b"}), seed=0).overall
    many = agree(read({"Ada": "g b " * 60, "Bo": "g b " * 60}), seed=0).overall
    assert few.value == many.value == 1.0
    assert few.interval is not None
    # By hand: Wilson's upper limit for 0 of 4 is z² / (4 + z²) = 0.490; chance makes 1 - 2 * 4 * 3 / (8 * 7) = 4/7 unequal.
    assert few.interval[0] == pytest.approx(1 - 3.8415 / 7.8415 / (4 / 7), abs=1e-3)
    assert (few.reading, many.reading) == ("cannot_tell", "enough")


def test_people_who_guess_are_said_to_agree_too_little() -> None:
    generator = np.random.default_rng(3)
    rows = {name: " ".join(generator.choice(["bad", "needs_work", "good"], 400)) for name in ("Ada", "Bo")}
    found = agreement.on_verdicts(read(rows), seed=0).overall
    assert found.value == pytest.approx(0, abs=0.15)
    assert found.reading == "too_little"


def test_an_interval_is_the_same_with_the_same_seed_and_narrower_with_more_units() -> None:
    generator = np.random.default_rng(5)

    def rows(number: int) -> list[Rating]:
        truth = generator.choice(list("gb"), number)
        seen = [np.where(generator.random(number) < 0.15, generator.choice(list("gb"), number), truth) for _ in "AB"]
        return read({name: " ".join(row) for name, row in zip("AB", seen, strict=True)})

    few, many = rows(30), rows(600)
    assert agree(few, seed=7) == agree(few, seed=7)
    intervals = [agree(ratings, seed=7).overall.interval for ratings in (few, many)]
    widths = [high - low for low, high in filter(None, intervals)]
    assert widths[0] > 2 * widths[1]


def test_the_bootstrap_draws_units_as_drawing_them_one_by_one_would() -> None:
    ratings = read({"Ada": "g b g b g g b b g b " * 4, "Bo": "g b g b b g b b g g " * 4})
    found = agree(ratings, seed=2, draws=4000).overall
    generator = np.random.default_rng(9)
    by_unit = [[item for item in ratings if item.unit == str(unit)] for unit in range(40)]
    drawn = []
    for _draw in range(800):
        picked = generator.integers(0, 40, 40)
        again = [item._replace(unit=f"{place}") for place, unit in enumerate(picked) for item in by_unit[unit]]
        drawn.append(alpha(again) or math.nan)
    assert found.interval is not None
    low, high = np.quantile(drawn, [0.025, 0.975])
    # The hull is never inside of the bootstrap, and close to it where there is enough to draw from.
    assert found.interval[0] == pytest.approx(low, abs=0.1)
    assert found.interval[0] <= low + 0.03
    assert found.interval[1] >= high - 0.03


def test_it_is_said_in_chinese_too() -> None:
    i18n.use("zh")
    try:
        sentences = [agreement.say(agree(read(rows), seed=0).overall) for rows in ({}, {"Ada": "g"}, PUBLISHED)]
    finally:
        i18n.use(None)
    assert all(any("一" <= letter <= "鿿" for letter in sentence) for sentence in sentences)


def test_neither_agreement_nor_overlap_loads_torch() -> None:
    code = "import sys, sayso.evaluation.agreement, sayso.evaluation.overlap as o, sayso.evaluation.agreement as a;"
    code += "a.agree([a.Rating('1', 'A', 1), a.Rating('1', 'B', 2), a.Rating('2', 'A', 1), a.Rating('2', 'B', 1)], seed=0);"
    code += "print('torch' in sys.modules, 'transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
