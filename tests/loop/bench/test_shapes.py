"""Figures of published shapes: sentences come from the numbers, every unit has a file of its own, and figures are drawn."""

from __future__ import annotations

import pytest
from benchmarks.shapes import claims, reading
from benchmarks.shapes.claims import Claim, Shape, area, over
from benchmarks.shapes.units import LAMBDAS, LESSONS, SIZES, WORK, units

from sayso.loop.bench import suite

UP, DOWN, FLAT = (0.3, 0.1, 0.5), (-0.3, -0.5, -0.1), (0.1, -0.1, 0.3)


def shape(*values: claims.Figure) -> Shape:
    return Shape(name="1", published="so", claims=tuple(Claim(says="it is", value=value) for value in values), series={})


@pytest.mark.parametrize(
    ("values", "first"),
    [
        ([UP, UP], "The published shape held:"),
        ([UP, FLAT], "The published shape held in part:"),
        ([FLAT, FLAT], "The published shape is not shown:"),
        ([UP, DOWN], "The published shape did not hold:"),
        ([(0.9, None, None)], "The published shape is not shown:"),
    ],
)
def test_a_sentence_follows_from_the_intervals(values: list[claims.Figure], first: str) -> None:
    sentence = shape(*values).sentence
    assert sentence.startswith(first)
    assert sentence.count("it is") == len(values)


def test_one_comment_gives_a_mean_and_no_interval() -> None:
    assert over([0.5]) == (0.5, None, None)
    mean, low, high = over([0.2, 0.4, 0.6])
    assert mean == pytest.approx(0.4)
    assert low < mean < high


def test_the_area_is_how_often_a_marked_word_is_above_another() -> None:
    assert area([1, 2, 3, 4], [False, False, True, True]) == 1
    assert area([1, 1, 1, 1], [False, True, False, True]) == 0.5
    assert area([4, 1, 3, 2], [False, True, False, True]) == 0


@pytest.mark.parametrize("size", SIZES)
def test_every_unit_has_a_file_of_its_own_and_work_that_does_it(size: str) -> None:
    planned = units(suite.load(), SIZES[size])
    everything = [unit for some in planned.values() for unit in some]
    assert len({unit.file for unit in everything}) == len(everything)
    assert {unit.kind for unit in everything} == set(WORK)
    assert set(planned) - {"untaught"} == set(claims.MADE) == set(reading.DRAWN)


def test_a_figure_is_drawn_from_its_series_and_the_same_twice() -> None:
    draft = {"words": ["a", "b"], "marked": [True, False], "ratio": [1.0, -1.0]}
    stages = {"before": dict.fromkeys(("positive", "neutral", "negative"), UP)}
    series = {
        "1": {"in the prompt": (UP, UP), "scoped 0": (UP, FLAT), "scoped 1": (FLAT, UP)},
        "2": {"points": (1, 4), "gold": [UP, UP]},
        "4": {"net": dict.fromkeys(LAMBDAS, UP), "examples": [draft]},
        "5": {**stages, "offline": stages["before"]},
        "8": {"related": [0.1, 5.0], "unrelated": [0.0, 0.1]},
        "10": dict.fromkeys(LESSONS, (UP, FLAT)),
    }
    for name, values in series.items():
        one = Shape(name=name, published="", claims=(), series=values)
        assert reading.picture(one).startswith("<?xml")
    assert reading.picture(one) == reading.picture(one)
